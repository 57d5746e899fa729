import type { FieldSpec } from "../fields/spec.ts";
import { storable } from "../fields/text.ts";
import type { MembersType } from "../fields/type.ts";
import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import { isVisible } from "../kit/text.ts";
import type { Field, Kind } from "../records/kind.ts";
import { isHidden, memberNamed, membersOf, writable } from "../records/kind.ts";
import { isRestOfValue } from "./filter.ts";
import { COMMON_PARAMETERS, WHY } from "./parameters.ts";
import { unfit } from "./unfit.ts";

/** What was sent: in a form every value is text, or a list of texts. */
export type Values = { values: Record<string, unknown>; form: boolean; text?: string; signed?: Record<string, string> };

/** The values of a body by the fields of the kind: text read by the type of its field, what says nothing as null. */
export const settledValues = (kind: Kind, body: Values): Record<string, unknown> =>
  settle(kind, inPlace(kind, gatherMembers(kind, body)), body);

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
  const told = writable(kind)
    .filter((each) => !isHidden(each))
    .map((each) => each.name)
    .join(", ");
  if (field) return new Problem("invalid_field", `${name} is read-only`, `leave it out; ${kind.plural} take: ${told}`);
  const meant = writable(kind).filter(({ also }) => also?.includes(name));
  const near = meant.length > 0 ? meant.map((each) => each.name) : nearest(name, names);
  return new Problem("invalid_field", `${kind.plural} have no field ${echo(name)}`, [
    ...(meant.length === 0 && IN_ADDRESS.includes(name) ? [`${name} is a parameter of the address: ?${name}=…`] : []),
    ...(form && isRestOfValue(name) ? ["an & inside a value of a form is written %26: --data-urlencode does it"] : []),
    ...(near.length > 0 ? [`did you mean ${near.join(" or ")}?`] : []),
    `${kind.plural} take: ${told}${membersOf(kind)
      .slice(0, 1)
      .map((each) => `; anything else fits under ${each.name}`)}`,
  ]);
}
