import { z } from "zod";
import type { FieldSpec } from "../fields/spec.ts";
import { storable } from "../fields/text.ts";
import type { FieldType, MembersType, Reading } from "../fields/type.ts";
import type { IdReference } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import { isVisible } from "../kit/text.ts";
import { oneOf } from "../kit/words.ts";
import { derived } from "../records/derived.ts";
import type { Field, Kind, Link } from "../records/kind.ts";
import { memberNamed, membersOf, writable } from "../records/kind.ts";
import { isRestOfValue } from "./filter.ts";
import { COMMON_PARAMETERS, WHY } from "./parameters.ts";
import { unfit } from "./unfit.ts";

/**
 * A linked record as a write names it: by id, by name, or both, which must then agree; or as a body of its own, by which it is found or made. Null
 * clears the link.
 */
export type LinkChoice = { id?: IdReference; name?: string; body?: Written } | null;

/** What was sent: in a form every value is text, or a list of texts. */
export type Values = { values: Record<string, unknown>; form: boolean; text?: string; signed?: Record<string, string> };

/** A body made ready for the database. */
export type Written = {
  /** Column values of exactly the fields that were sent; null clears. */
  sent: Record<string, unknown>;
  /** Further values a new record gets. */
  initial: Record<string, unknown>;
  /** Links that were sent, by the name of the linked record (`company`). */
  links: Record<string, LinkChoice>;
  /** Characters of the body it came in. */
  length: number;
  /** The caller expects the record to have one of these. */
  versions?: readonly number[];
  /** Its items are those of another document, and take nothing more from the records that they name. */
  whole?: true;
};

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
  const values = settle(kind, inPlace(kind, gatherMembers(kind, body)), body);
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

/** `"status": "done"` is written as `done: true`: the one field is worked out from the other. Both may be sent if they agree. */
function inPlace(kind: Kind, body: Record<string, unknown>): Record<string, unknown> {
  const standing = kind.fields.filter(({ name, sets }) => sets && body[name] !== undefined);
  if (standing.length === 0) return body;
  const placed = { ...body };
  for (const field of standing) {
    const { field: name, to } = field.sets!;
    const target = kind.field(name)!;
    const sent = body[field.name];
    const value = typeof sent === "string" ? to[String(field.type.fromText(sent))] : undefined;
    if (value === undefined) throw unfit(field, sent);
    delete placed[field.name];
    const other = placed[name];
    if (other !== undefined && (typeof other === "string" ? target.type.fromText(other) : other) !== value)
      throw new Problem(
        "invalid_value",
        `${field.name} and ${name} say two things`,
        `send one of them: ${field.name} follows from ${name}`,
      );
    placed[name] = value;
  }
  return placed;
}

/** `"custom.seats": 5` and `-d custom.seats=5` mean `custom: {seats: 5}`. */
function gatherMembers(kind: Kind, { values: body, form }: Values): Record<string, unknown> {
  const gathered = new Map<Field, Map<string, unknown>>();
  const rest: [string, unknown][] = [];
  for (const [name, value] of Object.entries(body)) {
    const member = memberNamed(kind, name);
    if (!member) {
      rest.push([name, value]);
      continue;
    }
    const { field, members, key } = member;
    if (!gathered.has(field)) gathered.set(field, new Map(Object.entries(wholeOf(field, body[field.name]))));
    gathered.get(field)!.set(key, form ? readMember(members, value) : value);
  }
  if (gathered.size === 0) return body;
  const whole = [...gathered].map(([{ name }, members]) => [name, Object.fromEntries(members)] as const);
  return { ...Object.fromEntries(rest), ...Object.fromEntries(whole) };
}

function wholeOf(field: Field, value: unknown): object {
  const whole = typeof value === "string" && value !== "" ? field.type.fromText(value) : value || {};
  if (typeof whole === "object" && whole !== null && !Array.isArray(whole)) return whole;
  throw unfit(field, value);
}

/** A member that a form repeats is a list. */
const readMember = (members: MembersType, value: unknown): unknown =>
  Array.isArray(value) ? value.map((each) => readMember(members, each)) : members.fromText(value as string);

function settle(kind: Kind, body: Record<string, unknown>, { form, signed }: Values): Record<string, unknown> {
  const settled: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    if (value === undefined) continue;
    const field = name === "version" ? undefined : kind.field(name);
    if (name !== "version" && (!field || field.readOnly)) throw unknownField(kind, name, field, form);
    const typed = field?.type.signed ? signed?.[name] : undefined;
    const text = form && Array.isArray(value) ? joined(name, field, value) : (typed ?? value);
    const cleared = isEmpty(field, text) || (form && text === "null" && !isPlainText(field));
    settled[name] = cleared ? null : typeof text === "string" ? readText(name, field, text) : text;
  }
  return settled;
}

/** Whether a value says nothing: without a name that can be seen, a record cannot be told from others. */
export function isEmpty(field: FieldSpec | undefined, value: unknown): boolean {
  if (value === "" || typeof value !== "string" || field?.type.sqlType !== "text") return value === "";
  // What cannot be stored is refused instead.
  return (field.required || field.type.seen === true) && !isVisible(value) && storable(value);
}

/** In a form a list is the name repeated, or a comma list. */
function joined(name: string, field: Field | undefined, texts: string[]): string {
  if (field?.type.sqlType === "text[]") return texts.join(",");
  throw new Problem("invalid_value", `${name} stands ${texts.length} times`, `send ${name} once`);
}

/** In a form `null` is null, but for text, which may be that very word. */
const isPlainText = (field: Field | undefined) => field?.type.sqlType === "text" && !field.type.names;

function readText(name: string, field: Field | undefined, value: string): unknown {
  return name === "version" && /^\d{1,9}$/.test(value) ? Number(value) : (field?.type.fromText(value) ?? value);
}

/** What callers take for a field of the body. */
const IN_ADDRESS = ["fields", ...Object.keys({ ...WHY, ...COMMON_PARAMETERS })];

function unknownField(kind: Kind, name: string, field: Field | undefined, form: boolean): Problem {
  const names = writable(kind).map((each) => each.name);
  if (field)
    return new Problem("invalid_field", `${name} is read-only`, `leave it out; ${kind.plural} take: ${names.join(", ")}`);
  const meant = writable(kind).filter(({ also }) => also?.includes(name));
  const near = meant.length > 0 ? meant.map((each) => each.name) : nearest(name, names);
  return new Problem("invalid_field", `${kind.plural} have no field ${echo(name)}`, [
    ...(meant.length === 0 && IN_ADDRESS.includes(name) ? [`${name} is a parameter of the address: ?${name}=…`] : []),
    ...(form && isRestOfValue(name) ? ["an & inside a value of a form is written %26: --data-urlencode does it"] : []),
    ...(near.length > 0 ? [`did you mean ${near.join(" or ")}?`] : []),
    `${kind.plural} take: ${names.join(", ")}${membersOf(kind)
      .slice(0, 1)
      .map((each) => `; anything else fits under ${each.name}`)}`,
  ]);
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

/** Gives a new record its initial values, the missing title its parts or the value of the natural key, and refuses what is still not there. */
function complete(kind: Kind, written: Written, reading: Reading): void {
  for (const field of kind.fields) {
    if (field.initially === undefined || written.sent[field.name] != null) continue;
    // Of nothing no record is made, also where it may be without a title.
    if (field === kind.titleField && Object.values(written.sent).every((value) => value == null)) continue;
    written.initial[field.name] = field.type.toColumn(field.initially, reading);
  }
  for (const { name, list } of kind.fields) {
    const first = list && written.sent[name] == null && firstOf(written.sent[list.name]);
    // An upsert looks for its record by the natural key, and leaves other main values as they are.
    if (first) (name === kind.naturalKey ? written.sent : written.initial)[name] = first;
  }
  const { title, titleParts = [], needsOneOf } = kind;
  const key = titleStandIn(kind);
  const parts = titleParts.flatMap((part) => written.sent[part] ?? []);
  const standIn = parts.length > 0 ? parts.join(" ") : key && written.sent[key];
  if (written.sent[title] == null && standIn != null) written.initial[title] = standIn;
  if (key !== undefined && written.sent[title] == null && written.initial[title] == null)
    throw new Problem("missing_field", `${oneOf(kind.name)} needs ${oneOf(title)} or ${oneOf(key)}`, exampleOf(kind));
  for (const field of kind.fields) {
    if (!field.required || hasValue(written, field)) continue;
    const named = field.link ? `${field.name} or ${field.link.shown.name}` : field.name;
    throw new Problem("missing_field", `${oneOf(kind.name)} needs ${named}: ${field.type.expects}`, exampleOf(kind));
  }
  if (needsOneOf && !kind.links.some(({ id, name }) => needsOneOf.includes(id.name) && written.links[name]))
    throw new Problem("missing_field", `${oneOf(kind.name)} needs one of ${needsOneOf.join(", ")}`, exampleOf(kind));
}

/** The first of a list of further values is the main one of a new record that comes without. */
function firstOf(list: unknown): string | undefined {
  const items = Array.isArray(list) ? list : ((list ?? {}) as { add?: unknown[] }).add;
  return items?.[0] as string | undefined;
}

/** The field whose value names a record that was sent without its title. */
export const titleStandIn = ({ title, titleField, naturalKey }: Kind): string | undefined =>
  naturalKey === title || titleField.initially !== undefined ? undefined : naturalKey;

const hasValue = ({ sent, initial, links }: Written, { name, link }: Field): boolean =>
  link ? links[link.name] != null : sent[name] != null || initial[name] != null;

export function exampleOf(kind: Kind): string {
  return `POST /${kind.plural} ${JSON.stringify(kind.example)}`;
}
