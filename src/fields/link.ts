import { z } from "zod";
import { type IdReference, readId, shortId } from "../kit/id.ts";
import { quoteIfNeeded } from "../kit/line.ts";
import { oneOf } from "../kit/words.ts";
import { compare, EQUALITY } from "./operators.ts";
import { asJson, phraseType } from "./text.ts";
import type { FieldType } from "./type.ts";

/** A link: the id of a record of another kind, written in any form, shown short on lines and whole in JSON. */
export function referenceType(target: string): FieldType {
  const type = idOfKind(target);
  return {
    ...type,
    names: (value, reading) => {
      const id = type.toColumn(value, reading) as IdReference | undefined;
      return id && { id };
    },
    link: { target, shown: linkedNameType(target) },
  };
}

const ID = z.string().max(80);

function idOfKind(target: string): FieldType {
  return {
    name: "reference",
    sqlType: "text",
    operators: EQUALITY,
    expects: `the id of ${oneOf(target)}`,
    schema: ID,
    refusal: "invalid_value",
    fromText: (text) => text.trim(),
    toColumn: (value) => readId(value as string, { name: target }),
    predicate: (operator, operands) => {
      const to = operands.map((operand) => readId(operand, { name: target }));
      if (!to.every((reference) => reference !== undefined)) return undefined;
      return compare(operator, { eq: { is: "refers", target, to }, in: { is: "refers", target, to } });
    },
    toLine: shortId,
    toJson: asJson,
  };
}

/** The id of the record itself. */
export function idType(target: string): FieldType {
  return { ...idOfKind(target), name: "id", toLine: quoteIfNeeded, operators: ["eq", "ne", "in"] };
}

export const handleOf = (name: string, id: string) => `${name}/${shortId(id)}`;

export function handleType(target: string): FieldType {
  return {
    ...idType(target),
    name: "handle",
    toLine: (id) => handleOf(target, id),
    toJson: (id) => `"${handleOf(target, id)}"`,
  };
}

/** The id that stands where a name may stand: eight letters alone are a name. */
function readIdNotName(text: string, target: string): IdReference | undefined {
  return readId(text, /[_/]/.test(text) ? { name: target } : undefined);
}

/** The name of the linked record. Where an id is written instead of a name, the id is meant. */
export function linkedNameType(target: string): FieldType {
  const { predicate: byName, ...phrase } = phraseType(500, `the name or the id of ${oneOf(target)}`);
  const byId = idOfKind(target).predicate;
  return {
    ...phrase,
    name: "name",
    predicate: (operator, operands, reading) =>
      operator !== "like" && operator !== "starts" && operands.every((operand) => readIdNotName(operand, target))
        ? byId(operator, operands, reading)
        : byName(operator, operands, reading),
    borrowed: true,
    edit: z.record(z.string(), z.unknown()).describe(`${oneOf(target)} as a body of its own: it is found, or made`),
    names: (value) => {
      const id = readIdNotName(value as string, target);
      return id ? { id } : { name: value as string };
    },
  };
}
