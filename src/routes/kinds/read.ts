import type { Reading } from "../../fields/type.ts";
import { MOST_DIMENSIONS } from "../../fields/vector.ts";
import { echo } from "../../kit/line.ts";
import { nearest } from "../../kit/nearest.ts";
import { Problem } from "../../kit/problem.ts";
import type { Catalog } from "../../records/catalog.ts";
import { linkName } from "../../records/linking.ts";
import { CURRENCY_ABOUT } from "../../records/money.ts";
import type { OwnField } from "../../records/own.ts";
import { isOwnType, KEY_TYPES, OWN_TYPES, ownType, TITLE_TYPES } from "../../records/ownTypes.ts";
import { RESERVED_FIELDS } from "../../records/reserved.ts";

/** A field as it is declared, before it has a place to be kept. */
export type Declared = Omit<OwnField, "column">;

/** A field of a kind, `taken` being the names that it has already. */
export type FieldsOf = { kind: string; taken: (name: string) => boolean; catalog: Catalog };

const FIELD_EXAMPLE =
  '{"plate":{"type":"text","required":true},"km":"integer","size":{"choices":["s","m","l"]},"owner_id":{"link":"contact"}}';

/** Words for types that others use. */
const ALSO: Readonly<Record<string, string>> = {
  ...{ string: "text", longtext: "long_text", markdown: "long_text", note: "long_text", int: "integer", decimal: "number" },
  ...{
    float: "number",
    money: "cents",
    bool: "boolean",
    datetime: "time",
    timestamp: "time",
    enum: "choice",
    select: "choice",
  },
  ...{ e_mail: "email", website: "url", web_address: "url", object: "json", jsonb: "json", list: "tags", labels: "tags" },
};

/** Reads the fields of a declaration: `{"km":"integer","owner_id":{"link":"contact"}}`. */
export function readFields(of: FieldsOf, sent: Record<string, unknown>, reading: Reading): Declared[] {
  const names = new Set<string>();
  const fields = Object.entries(sent).map(([name, spec]) => {
    const field = readField(of, name, spec, reading);
    for (const each of [name, ...(field.link ? [linkName(name)] : [])]) {
      if (names.has(each)) throw refused(of, each, "two of the fields would be called so");
      names.add(each);
    }
    return field;
  });
  return withCurrency(of, fields, sent);
}

const SPEC = ["type", "link", "choices", "required", "about", "initially", "hidden", "currency"];

/** Words for the parts of a field that others use. */
const ALSO_SAID: Readonly<Record<string, string>> = {
  ...{ options: "choices", values: "choices", enum: "choices", to: "link", target: "link" },
  ...{ default: "initially", description: "about" },
};

const inOurWords = (said: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(said).map(([key, value]) => {
      const ours = Object.hasOwn(ALSO_SAID, key) ? ALSO_SAID[key]! : key;
      return [Object.hasOwn(said, ours) ? key : ours, value];
    }),
  );

function readField(of: FieldsOf, name: string, spec: unknown, reading: Reading): Declared {
  const said = typeof spec === "string" ? { type: spec } : spec;
  if (typeof said !== "object" || said === null || Array.isArray(said))
    throw invalid(`${echo(name)} is a type, or an object that says more`, `fields look like ${FIELD_EXAMPLE}`);
  const values = inOurWords(said as Record<string, unknown>);
  const other = Object.keys(values).find((key) => !SPEC.includes(key));
  if (other !== undefined) throw invalid(`a field says nothing called ${echo(other)}`, `it says: ${SPEC.join(", ")}`);
  const { about, required, hidden, initially } = values;
  const type = readType(of, name, values);
  checkFieldName(of, name, type === "link");
  const field: Declared = {
    name,
    type,
    ...(about === undefined || about === null ? {} : { about: readAbout(about) }),
    ...(readFlag("required", required) ? { required: true } : {}),
    ...(readFlag("hidden", hidden) ? { hidden: true } : {}),
    ...(type === "link" ? { link: readTarget(of, values.link) } : {}),
    ...(type === "choice" ? { choices: readChoices(name, values.choices) } : {}),
  };
  if (initially === undefined || initially === null) return field;
  return { ...field, initially: readInitially(field, initially, reading) };
}

function readType({ catalog }: FieldsOf, name: string, { type, link, choices }: Record<string, unknown>): string {
  if (type === undefined || type === null) {
    if (link !== undefined) return "link";
    if (choices !== undefined) return "choice";
  }
  const said = String(type ?? "")
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, "_");
  const vector = said.replace(/^(?:vector|embedding)_?\(_?(\d+)_?\)$/, "vector($1)");
  const known = isOwnType(vector) ? vector : Object.hasOwn(ALSO, said) ? ALSO[said] : undefined;
  if (known !== undefined) return known;
  const kind = catalog.get(said) ?? catalog.byPlural(said);
  const near = nearest(said, OWN_TYPES);
  throw invalid(`${echo(name)} cannot be of the type ${echo(String(type ?? ""))}`, [
    ...(/vector|embedding/.test(said) ? [`say how many numbers, at most ${MOST_DIMENSIONS}: "${name}":"vector(384)"`] : []),
    ...(kind ? [`to link to ${kind.plural}: "${name.endsWith("_id") ? name : `${name}_id`}":{"link":"${kind.name}"}`] : []),
    `${near.length > 0 && !kind ? `did you mean ${near.join(" or ")}? ` : ""}types: ${OWN_TYPES.join(", ")}`,
  ]);
}

/** Refuses a name that means something else already, or could not be told from it. */
export function checkFieldName(of: FieldsOf, name: string, isLink: boolean): void {
  if (!/^[a-z][a-z0-9_]{0,59}$/.test(name))
    throw refused(of, name, "a name is small letters, digits and _, at most 60, and begins with a letter");
  if (isLink && !/^.+_id$/.test(name)) throw refused(of, name, `it links to a record: call it ${name}_id`);
  if (!isLink && name.endsWith("_id")) throw refused(of, name, "only links end with _id");
  if (/^[a-z]\d+$/.test(name)) throw refused(of, name, "values are stored under such names: call it by a word");
  if (name.includes("__")) throw refused(of, name, "two _ in a row are kept for filters");
  for (const each of isLink ? [name, linkName(name)] : [name]) {
    if (RESERVED_FIELDS.includes(each)) throw refused(of, each, "a parameter or a part of every record is called so");
    if (of.taken(each)) throw refused(of, each, `${of.kind} has a field of that name`);
  }
}

const refused = ({ kind }: FieldsOf, name: string, why: string) =>
  invalid(`a field of ${kind} cannot be called ${echo(name)}: ${why}`, `GET /kinds/${kind} shows its fields`);

export const invalid = (message: string, hint: string | readonly string[]) =>
  new Problem("invalid_value", message, hint as string);

function readTarget({ catalog, kind }: FieldsOf, sent: unknown): string {
  const name = String(sent ?? "");
  if (name === kind) return name;
  const target = catalog.get(name) ?? catalog.byPlural(name);
  if (target) return target.name;
  const names = catalog.kinds.map((each) => each.name);
  const near = nearest(name, names);
  throw invalid(`there is no kind ${echo(name)} to link to`, [
    `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}kinds: ${names.join(", ")}`,
  ]);
}

const MOST_CHOICES = 100;

export function readChoices(name: string, sent: unknown): string[] {
  const choices = typeof sent === "string" ? sent.split(",") : sent;
  const isWord = (text: unknown) => typeof text === "string" && /^[^\s,"\p{C}][^,"\p{C}]{0,59}$/u.test(text.trim());
  if (!Array.isArray(choices) || choices.length === 0 || choices.length > MOST_CHOICES || !choices.every(isWord))
    throw invalid(`${echo(name)} needs its choices`, [
      `"${name}":{"choices":["open","done"]}: at most ${MOST_CHOICES} words of at most 60 characters, without comma and quote`,
    ]);
  return [...new Set((choices as string[]).map((text) => text.trim().toLowerCase()))];
}

export function readAbout(sent: unknown): string {
  const text = String(sent).trim();
  if (typeof sent === "string" && text.length <= 200 && !/[\p{C}]/u.test(text)) return text;
  throw invalid("about is one line of at most 200 characters", '"about":"what it says"');
}

function readFlag(name: string, sent: unknown): boolean {
  if (sent === undefined || sent === null || sent === false || sent === "false") return false;
  if (sent === true || sent === "true") return true;
  throw invalid(`${name} is true or false`, `"${name}":true`);
}

export function readInitially(field: Declared, sent: unknown, reading: Reading): string | number | boolean {
  const type = ownType(field);
  const value = typeof sent === "string" ? type.fromText(sent) : sent;
  const fits = type.schema.safeParse(value).success && type.toColumn(value, reading) !== undefined;
  if (fits && typeof value !== "object" && field.type !== "link") return value as string;
  throw invalid(`${echo(field.name)} cannot be ${echo(JSON.stringify(sent))} initially`, `it expects ${type.expects}`);
}

/** Money is in a currency: a kind without one gets the field, which is what one of its amounts says, or the workspace's. */
function withCurrency(of: FieldsOf, fields: Declared[], sent: Record<string, unknown>): Declared[] {
  const amount = fields.find(({ type }) => type === "cents");
  if (!amount || fields.some(({ type }) => type === "currency") || of.taken("currency")) return fields;
  const said = (sent[amount.name] as { currency?: unknown }).currency;
  const currency = ownType({ type: "currency" });
  if (said === undefined) return [...fields, { name: "currency", type: "currency", about: CURRENCY_ABOUT }];
  const initially = currency.fromText(String(said));
  if (!currency.schema.safeParse(initially).success)
    throw invalid(`currency cannot be ${echo(String(said))}`, `it expects ${currency.expects}`);
  return [...fields, { name: "currency", type: "currency", about: "ISO 4217 code", initially: initially as string }];
}

/** The parts of a declaration that name a field. */
export function partNamed(
  kind: string,
  part: string,
  sent: unknown,
  fields: readonly Declared[],
  types: readonly string[],
): Declared {
  const field = fields.find(({ name }) => name === sent);
  const fitting = fields.filter(({ type }) => types.includes(type)).map(({ name }) => name);
  if (field && types.includes(field.type)) return field;
  throw invalid(
    field
      ? `${part} of ${kind} cannot be ${echo(field.name)}, which is of the type ${field.type}`
      : `${kind} has no field ${echo(String(sent))} to be its ${part}`,
    fitting.length > 0
      ? `${part} is one of its fields: ${fitting.join(", ")}`
      : `${part} is a field of the type ${types.join(", ")}: add one`,
  );
}

/** The title that was named; else the natural key, a field that is called like one, or the first text. */
export function titleOf(kind: string, sent: unknown, fields: readonly Declared[], key: Declared | undefined): Declared {
  if (sent !== undefined && sent !== null) return partNamed(kind, "title", sent, fields, TITLE_TYPES);
  const usual = ["name", "title", "subject"].map((name) => fields.find((field) => field.name === name));
  const title = [key, ...usual, ...fields].find((field) => field && TITLE_TYPES.includes(field.type));
  if (title) return title;
  throw new Problem("missing_field", `${kind} needs a title: a text field that names its records`, [
    `"title":"name","fields":{"name":"text",…}`,
  ]);
}

export const keyNamed = (kind: string, sent: unknown, fields: readonly Declared[]): Declared | undefined =>
  sent === undefined || sent === null ? undefined : partNamed(kind, "natural_key", sent, fields, KEY_TYPES);
