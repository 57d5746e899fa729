import { z } from "zod";
import type { FieldType, Reading } from "../fields/type.ts";
import type { IdReference } from "../kit/id.ts";
import { Problem } from "../kit/problem.ts";
import { oneOf } from "../kit/words.ts";
import { derived } from "../records/derived.ts";
import type { Field, Kind, Link } from "../records/kind.ts";
import { writable } from "../records/kind.ts";
import { settledValues, type Values } from "./bodyValues.ts";
import { complete } from "./newRecord.ts";
import { unfit } from "./unfit.ts";
import type { LinkChoice, Written } from "./written.ts";

/** The schema of what a write may hold, made once: fields may be absent or null. What a new record needs is checked by `complete`. */
export const bodySchema = derived((kind: Kind): z.ZodObject => {
  const fields = writable(kind).map((field) => [field.name, writtenAs(field.type).nullable().optional().describe(field.about)]);
  return z.strictObject({
    ...(Object.fromEntries(fields) as Record<string, z.ZodType>),
    version: z.int().optional().describe("write only if the record still has this version"),
  });
});

const writtenAs = ({ schema, edit }: FieldType): z.ZodType => (edit ? z.union([schema, edit]) : schema);

/**
 * Reads the body of a create, upsert (`existing: false`) or patch (`existing: true`). Text is read by the field's kind, so a form and JSON
 * mean the same; an empty text is null. Throws the Problem that names the field, what it expects and what comes near.
 */
export function readRecord(kind: Kind, body: Values, existing: boolean, reading: Reading): Written {
  const values = settledValues(kind, body);
  check(kind, values, reading);
  const { version, ...fields } = values;
  const written: Written = {
    sent: {},
    initial: {},
    links: {},
    length: body.text?.length ?? 0,
    ...(version === undefined ? {} : { versions: [version as number] }),
  };
  for (const [name, value] of Object.entries(fields)) {
    const field = kind.field(name)!;
    const { fixed } = field.link?.id ?? field;
    if (fixed && existing) throw stays(kind, field);
    if (field.required && value === null && !field.link) {
      if (existing) throw cannotClear(kind, field);
      continue;
    }
    place(written, field, value, reading);
  }
  const cleared = kind.links.find(({ id, name }) => id.required && written.links[name] === null);
  if (cleared && existing) throw cannotClear(kind, cleared.id);
  if (!existing) complete(kind, written, reading);
  return written;
}

function check(kind: Kind, values: Record<string, unknown>, reading: Reading): void {
  const result = bodySchema(kind).safeParse(values);
  if (result.success) return;
  const name = String(result.error.issues[0]?.path[0] ?? "");
  if (name === "version")
    throw new Problem("invalid_value", "version is a whole number", "send the version that the record showed");
  throw unfit(kind.field(name)!, values[name], reading);
}

const stays = ({ name, plural }: Kind, field: Field) =>
  new Problem("invalid_field", `${field.name} is said when ${oneOf(name)} is made, and stays`, [
    `leave it out, or make another: POST /${plural}`,
  ]);

function cannotClear(kind: Kind, field: Field): Problem {
  return new Problem(
    "missing_field",
    `${oneOf(kind.name)} cannot be without ${field.name}`,
    `${field.name} expects ${field.type.expects}`,
  );
}

function place(written: Written, field: Field, value: unknown, reading: Reading): void {
  const { link } = field;
  if (!link) {
    const stored = value === null ? null : field.type.toColumn(value, reading);
    if (stored === undefined) throw unfit(field, value, reading);
    written.sent[field.name] = stored;
    return;
  }
  const chosen =
    value === null ? null : isLinkBody(field, value) ? readLink(link, value, reading) : field.type.names?.(value, reading);
  if (chosen === undefined) throw unfit(field, value, reading);
  written.links[link.name] = agree(link, written.links[link.name], chosen);
}

const isLinkBody = ({ link, type }: Field, value: unknown): value is Record<string, unknown> =>
  link !== undefined && type.borrowed === true && typeof value === "object" && value !== null;

/** Whether a body names a linked record by a body of its own. */
export const namesByBody = ({ links }: Kind, values: Record<string, unknown>): boolean =>
  links.some(({ shown }) => isLinkBody(shown, values[shown.name]));

/** An id alone is an id. */
function readLink({ id, target }: Link, values: Record<string, unknown>, reading: Reading): LinkChoice | undefined {
  const [name, ...others] = Object.keys(values);
  if (name === "id" && others.length === 0)
    return id.type.schema.safeParse(values.id).success ? id.type.names?.(values.id, reading) : undefined;
  return { body: readRecord(target, { values, form: false }, false, reading) };
}

/** Both fields of a link may be sent. */
function agree({ id: field, shown, target }: Link, before: LinkChoice | undefined, chosen: LinkChoice): LinkChoice {
  if (chosen === null || !before) return before ?? chosen;
  if (before.body || chosen.body)
    throw new Problem(
      "invalid_value",
      `${field.name} and ${shown.name} both say which ${target.name} it is`,
      `send ${field.name} alone, or ${shown.name} alone`,
    );
  if (before.id && chosen.id && !areOne(before.id, chosen.id))
    throw new Problem(
      "invalid_value",
      `${shownId(before.id)} and ${shownId(chosen.id)} are two ${target.name} ids for one link`,
      `send ${field.name} alone`,
    );
  return { ...before, ...chosen };
}

const shownId = ({ prefix, key }: IdReference) => (key.length > 8 ? key : `${prefix}_${key}`);

const areOne = (a: IdReference, b: IdReference) => a.prefix === b.prefix && (a.key.endsWith(b.key) || b.key.endsWith(a.key));

/** Values as the database takes them: of those that are changed in place, what is set and what is taken out, as `<field>.<name>`. */
export function takenApart(kind: Kind, values: Record<string, unknown>): { sent: Record<string, unknown>; removed: string[] } {
  const sent = { ...values };
  const removed: string[] = [];
  for (const { name, type, slot } of writable(kind)) {
    // A function of the database takes those in a slot apart.
    if (slot || !type.split || !sent[name]) continue;
    const split = type.split(sent[name]);
    sent[name] = split.set;
    removed.push(...split.removed.map((key) => `${name}.${key}`));
  }
  return { sent, removed };
}
