import type { Json } from "../../openapi/names.ts";
import { shownProperty, writtenSchema } from "../../openapi/schemas.ts";
import type { Field } from "../../records/kind.ts";
import type { Entry, Vocabulary } from "../vocabulary.ts";

/** Schemas of what tools take and answer (JSON Schema 2020-12). */

export const text = (description: string, more: Json = {}): Json => ({ type: "string", description, ...more });
export const flag = (description: string): Json => ({ type: "boolean", description });
export const whole = (description: string, more: Json = {}): Json => ({ type: "integer", description, ...more });
export const orNull = (schema: Json): Json => ({ ...schema, type: [schema["type"], "null"] });
export const listOf = (items: Json, description: string, more: Json = {}): Json => ({
  type: "array",
  description,
  items,
  ...more,
});

/** Nothing else may stand in it. */
export const object = (properties: Json, required: readonly string[] = [], more: Json = {}): Json => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
  ...more,
});

/** All of it is always there. */
export const answer = (properties: Json, more: Json = {}): Json => object(properties, Object.keys(properties), more);

export const id = (of: string): Json => text(`the id of the ${of}`, { pattern: "^[^\\s,]+$", maxLength: 80 });
export const ids = (of: string, most = 200): Json =>
  listOf(id(of), `ids of ${of}s`, { minItems: 1, maxItems: most, uniqueItems: true });
export const emails = (description: string): Json =>
  listOf(text("an e-mail address", { minLength: 1, maxLength: 254 }), description, {
    minItems: 1,
    maxItems: 100,
    uniqueItems: true,
  });

/** A condition: a value, several of which one holds, null for none, or text with an operator. */
const CONDITION: Json = {
  type: ["string", "number", "boolean", "array", "null"],
  items: { type: ["string", "number", "boolean"] },
  maxItems: 200,
};

/** Fields of a record with what they must be. */
export function conditions(words: Vocabulary, more: Json = {}): Json {
  const names = words.entries.filter(({ field }) => field.type.operators.length > 0).map(({ theirs }) => theirs);
  return {
    type: "object",
    description: `field: value, [values], null, or "operator:value" (eq ne gt gte lt lte like starts in has; is:null, not:null). Fields: ${names.join(", ")}; over a link company.industry; custom.key`,
    properties: more,
    additionalProperties: CONDITION,
  };
}

/** What every list takes. */
export const paging = (words: Vocabulary): Json => ({
  search: text("words to find", { minLength: 1, maxLength: 500 }),
  filter: conditions(words),
  sort: text(`the order; - is descending: ${sorts(words).join(", ")}`, { minLength: 1, maxLength: 100 }),
  limit: whole("how many at most", { minimum: 1, maximum: 200, default: 50 }),
  cursor: text("nextCursor of the page before", { minLength: 1, maxLength: 8000 }),
});

const sorts = ({ entries }: Vocabulary) => entries.filter(({ field }) => field.sort).map(({ theirs }) => theirs);

export const page = (name: string, items: Json): Json =>
  answer({
    [name]: { type: "array", items },
    nextCursor: orNull(text("cursor of the next page; null at the end")),
    total: whole("how many match"),
    totalCapped: flag("whether there are more than total"),
  });

/** A record as answers hold it. */
export function record({ entries, kind }: Vocabulary, more: Json = {}, without: readonly string[] = []): Json {
  const there = entries.filter(({ field, ours }) => field.shown !== "asked" && !without.includes(ours));
  const shown = Object.fromEntries(there.map((entry) => [entry.theirs, shownThere(entry)]));
  const optional = new Set(kind.links.map(({ shown: { name } }) => name));
  const always = there.filter(({ field }) => !optional.has(field.name)).map(({ theirs }) => theirs);
  return object({ ...shown, ...more }, [...always, ...Object.keys(more)]);
}

/** Their meaning is told with what is written. */
function shownThere({ field, member, value }: Entry): Json {
  if (value || member !== undefined) return {};
  const { description: _, ...schema } = shownProperty(field);
  return schema;
}

/** The fields of a record that may be sent. */
export function written({ entries }: Vocabulary, without: readonly string[] = []): Json {
  const sent = entries.filter(({ field, ours }) => isWritten(field) && !without.includes(ours));
  return Object.fromEntries(sent.map((entry) => [entry.theirs, writtenThere(entry)]));
}

/** A new record cannot be without these. */
export const needed = ({ entries }: Vocabulary): string[] =>
  entries
    .filter(({ field }) => isWritten(field) && field.required && field.initially === undefined && !field.link)
    .map(({ theirs }) => theirs);

const isWritten = (field: Field) => !field.readOnly && !field.derived && field.shown !== "asked";

function writtenThere({ field, member, value }: Entry): Json {
  if (value) return { ...value.schema, description: field.about };
  if (member !== undefined) return {};
  const schema = writtenSchema(field);
  if (Array.isArray(schema["anyOf"])) return { ...schema, anyOf: [...schema["anyOf"], { type: "null" }] };
  if (schema["type"] === undefined) return schema;
  const choices = Array.isArray(schema["enum"]) ? { enum: [...schema["enum"], null] } : {};
  return { ...schema, type: [schema["type"], "null"].flat(), ...choices };
}
