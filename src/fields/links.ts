import { z } from "zod";
import { readId, shortId } from "../kit/id.ts";
import { joinList, quoteIfNeeded } from "../kit/line.ts";
import { oneOf } from "../kit/words.ts";
import { itemsOf } from "./list.ts";
import { compare, NULLS } from "./operators.ts";
import type { Predicate } from "./predicate.ts";
import { asJson, domainType, isEmail, readDomain, readEmail } from "./text.ts";
import type { FieldType } from "./type.ts";

/** Fields that show what a record mentions. Nobody writes them. */
const SHOWN = {
  sqlType: "text[]",
  operators: ["eq", "ne", "has", "in", ...NULLS],
  schema: z.never(),
  shown: z.array(z.string()),
  refusal: "invalid_value",
  fromText: (text) => text,
  toColumn: () => undefined,
  absent: "[]",
} satisfies Partial<FieldType>;

/** The records of a kind that have an address which the record names: their ids, short on lines, whole in JSON as those of any link. */
export function linksType(target: string): FieldType {
  return {
    ...SHOWN,
    name: "links",
    expects: `the id of ${oneOf(target)}`,
    predicate: (operator, operands) => {
      const read = (text: string) => readId(text, { name: target });
      const ids = (operator === "has" ? operands : operands.flatMap(itemsOf)).map(read);
      if (ids.length === 0 || !ids.every((id) => id !== undefined)) return undefined;
      const each = ids.map((id): Predicate => ({ is: "refers", target, to: [id] }));
      return allOrAny(operator, each);
    },
    toLine: (ids: readonly string[]) => joinList(ids.map(shortId)),
    toJson: asJson,
    mentions: { target },
  };
}

/** The addresses that a record names, and their domains. */
export const involvedType: FieldType = {
  ...SHOWN,
  name: "involved",
  expects: "an e-mail address, or a domain",
  signed: true,
  predicate: (operator, operands) => {
    const values = (operator === "has" ? operands : operands.flatMap(itemsOf)).map(readInvolved);
    if (values.length === 0 || !values.every((value) => value !== undefined)) return undefined;
    return allOrAny(
      operator,
      values.map((value) => ({ is: "holds", items: [value] })),
    );
  },
  toLine: (values: readonly string[]) => quoteIfNeeded(joinList(values)),
  toJson: asJson,
  mentions: {},
};

/** Where a `+` was not encoded it is a blank, which no address holds. */
function readInvolved(text: string): string | undefined {
  if (!text.includes("@")) {
    const domain = readDomain(text);
    return domainType.schema.safeParse(domain).success ? domain : undefined;
  }
  const address = readEmail(text).replaceAll(" ", "+");
  return isEmail(address) ? address : undefined;
}

/** As with any list: `eq` and `ne` are about all that are named, `in` about one of them. */
function allOrAny(operator: Parameters<FieldType["predicate"]>[0], each: readonly Predicate[]): Predicate | undefined {
  const [first] = each;
  const all: Predicate = first && each.length === 1 ? first : { is: "all", of: each };
  const any: Predicate = first && each.length === 1 ? first : { is: "any", of: each };
  return compare(operator, { eq: all, has: all, in: any });
}
