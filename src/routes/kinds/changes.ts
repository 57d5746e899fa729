import type { Reading } from "../../fields/type.ts";
import { echo } from "../../kit/line.ts";
import { nearest } from "../../kit/nearest.ts";
import { Problem } from "../../kit/problem.ts";
import type { Catalog } from "../../records/catalog.ts";
import type { Kind } from "../../records/kind.ts";
import { linkName } from "../../records/linking.ts";
import type { OwnField, OwnKind } from "../../records/own.ts";
import { checkFieldName, readAbout, readChoices, readInitially } from "./read.ts";

/** What changes of a kind once there are records of it: names, what is shown, further choices, what new ones begin with, and what reminds. */

const CHANGES = ["name", "hidden", "about", "choices", "initially"];

export function changedFields(
  kind: Kind,
  fields: readonly OwnField[],
  sent: Record<string, unknown>,
  catalog: Catalog,
  reading: Reading,
): OwnField[] {
  let changed = [...fields];
  for (const [asked, wish] of Object.entries(sent)) {
    const field = changed.find(({ name }) => name === asked);
    if (!field) {
      const names = changed.map(({ name }) => name);
      const near = nearest(asked, names);
      throw new Problem("invalid_field", `${kind.name} has no field ${echo(asked)} of your own`, [
        ...(near.length > 0 ? [`did you mean ${near.join(" or ")}?`] : []),
        `add it: POST /kinds/${kind.name}/fields {"name":"…","type":"text"}`,
      ]);
    }
    const said = (typeof wish === "object" && wish !== null ? wish : { type: wish }) as Record<string, unknown>;
    const other = Object.keys(said).find((key) => !CHANGES.includes(key));
    if (other !== undefined)
      throw new Problem("invalid_value", `${other} of a field does not change`, [
        `what changes: ${CHANGES.join(", ")}; for another type add a field, and hide this one`,
      ]);
    const becomes: OwnField = { ...field };
    if (said.hidden !== undefined) becomes.hidden = said.hidden === true || said.hidden === "true";
    if (said.about != null) becomes.about = readAbout(said.about);
    if (said.choices !== undefined) becomes.choices = moreChoices(field, said.choices);
    if (said.initially === null) delete becomes.initially;
    else if (said.initially !== undefined) becomes.initially = readInitially(becomes, said.initially, reading);
    if (said.name !== undefined && said.name !== field.name) {
      const others = changed.filter((each) => each !== field);
      const ownName = (name: string) => name === field.name || (field.link !== undefined && name === linkName(field.name));
      const taken = takenIn(kind, others);
      const of = { kind: kind.name, taken: (name: string) => !ownName(name) && taken(name), catalog };
      checkFieldName(of, String(said.name), field.link !== undefined);
      becomes.name = String(said.name);
    }
    changed = changed.map((each) => (each === field ? becomes : each));
  }
  return changed;
}

/** Choices are added. One that records may have stays. */
function moreChoices(field: OwnField, sent: unknown): readonly string[] {
  if (!field.choices)
    throw new Problem("invalid_value", `${field.name} has no choices`, "only a field that was made with choices has");
  const choices = readChoices(field.name, sent);
  const lost = field.choices.filter((choice) => !choices.includes(choice));
  if (lost.length === 0) return choices;
  throw new Problem(
    "invalid_value",
    `${field.name} may be ${lost.join(" or ")} by now`,
    "send the former choices too, and the new ones",
  );
}

/** Names that fields of the kind have, those included that lead nowhere because the kind that they link to is gone. */
export const takenIn = (kind: Kind, own: readonly OwnField[]) => (name: string) =>
  kind.field(name) !== undefined || own.some((field) => field.name === name || (field.link && linkName(field.name) === name));

const PARTS = ["at", "note", "owner", "done"] as const;
const PART_TYPES: Record<(typeof PARTS)[number], readonly string[]> = {
  at: ["time", "date"],
  note: ["text", "long_text"],
  owner: ["person", "text", "email"],
  done: ["boolean"],
};

/** Each part by the column of its field, so that it follows when the field is renamed. */
export function readReminder(
  kind: string,
  sent: object | null | undefined,
  fields: readonly OwnField[],
): OwnKind["declaration"]["reminder"] {
  if (sent === undefined || sent === null) return undefined;
  const named = sent as Record<string, unknown>;
  const other = Object.keys(named).find((part) => !(PARTS as readonly string[]).includes(part));
  if (other !== undefined || named.at === undefined)
    throw new Problem(
      "invalid_value",
      `reminder of ${kind} names fields: ${PARTS.join(", ")}`,
      '"reminder":{"at":"inspection_on","owner":"keeper"}',
    );
  return Object.fromEntries(
    PARTS.flatMap((part) => {
      if (named[part] === undefined) return [];
      const field = fields.find(({ name, type }) => name === named[part] && PART_TYPES[part].includes(type));
      if (field) return [[part, field.column]];
      const fitting = fields.filter(({ type }) => PART_TYPES[part].includes(type)).map(({ name }) => name);
      throw new Problem("invalid_value", `${part} of the reminder is a field of the type ${PART_TYPES[part].join(" or ")}`, [
        fitting.length > 0 ? `${kind} has: ${fitting.join(", ")}` : `${kind} has none: add one`,
      ]);
    }),
  ) as OwnKind["declaration"]["reminder"];
}
