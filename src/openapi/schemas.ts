import { z } from "zod";

import { titleStandIn } from "../derive/newRecord.ts";
import type { Named, Operation, OperationAnswer, OperationBody } from "../derive/operation.ts";
import type { FieldSpec } from "../fields/spec.ts";
import { derived } from "../records/derived.ts";
import { type Field, isAlways, isIdentity, type Kind, membersOf, sendable } from "../records/kind.ts";
import { pageSchema, problemSchema } from "./answerSchemas.ts";
import { capital, type Json, schemaRef } from "./names.ts";

/** A value as callers send it. */
export function writtenSchema({ type, about, initially }: FieldSpec): Json {
  // A pattern with \p{…} needs a flag that most tools do not set: they would refuse what the service takes.
  const schema = inputOf(type.schema);
  const edit = type.edit && editOf(type.edit);
  // No `default`: generated types would have the field be there, and clients that fill it in would ask for an order where none was meant.
  const unsent = initially === undefined ? "" : `; ${initially} unless you say`;
  const shape = edit ? { anyOf: [schema, edit] } : schema;
  return { ...shape, description: `${schema.enum ? about : `${about}; ${type.expects}`}${unsent}` };
}

/**
 * A value as answers hold it. What a value must look like to be taken is left out: a client that checks what it is given would only fail
 * on values that were stored under other rules.
 */
function shownSchema({ type, about }: FieldSpec): Json {
  return { ...outputOf(type.shown ?? type.schema), description: about };
}

/** Made once for each schema: many types share one, and zod takes a tenth of a millisecond for each. */
const inputOf = derived((schema: z.ZodType) =>
  jsonSchema(schema, "input", ({ pattern }) => (pattern?.includes("\\p{") ? ["pattern"] : [])),
);
const editOf = derived((schema: z.ZodType) => jsonSchema(schema, "input", () => ["pattern"]));
const outputOf = derived((schema: z.ZodType) => jsonSchema(schema, "output", () => ["pattern", "maxLength"]));

type JsonSchema = z.core.JSONSchema.BaseSchema;

function jsonSchema(type: z.ZodType, io: "input" | "output", without: (schema: JsonSchema) => (keyof JsonSchema)[]): Json {
  const override = ({ jsonSchema }: { jsonSchema: JsonSchema }) => {
    for (const keyword of without(jsonSchema)) delete jsonSchema[keyword];
  };
  const { $schema: _, ...schema } = z.toJSONSchema(type, { io, override });
  return schema;
}

function nullable(schema: Json): Json {
  if (Array.isArray(schema.anyOf)) return { ...schema, anyOf: [...schema.anyOf, { type: "null" }] };
  if (schema.type === undefined) return schema;
  const choices = Array.isArray(schema.enum) ? { enum: [...schema.enum, null] } : {};
  return { ...schema, type: [schema.type, "null"].flat(), ...choices };
}

const neverNull = (spec: FieldSpec & Partial<Pick<Field, "touched">>) =>
  spec.touched?.is !== "last" && (isAlways(spec) || spec.type.absent !== undefined);

/** A field of a record as answers show it. */
export const shownProperty = (spec: FieldSpec): Json => (neverNull(spec) ? shownSchema(spec) : nullable(shownSchema(spec)));

/** A field as a body may hold it, or null. */
export const writtenProperty = (spec: FieldSpec): Json => nullable(writtenSchema(spec));

const properties = (fields: readonly Field[], schemaOf: (field: Field) => Json) =>
  Object.fromEntries(fields.map((field) => [field.name, schemaOf(field)]));

/** What is always there is required. Where a caller can choose the fields of an answer, that is the identity: any other may be left out. */
function recordSchema(kind: Kind, chosen: boolean): Json {
  const { about, fields } = kind;
  const hint = {
    type: "string",
    description:
      "in the answer to a write that may have been meant otherwise, such as a create that may have doubled a record: what to look at",
  };
  // What callers write has a version; views of other kinds name people too.
  const isWritten = fields.some(({ name, readOnly }) => name === "version" && readOnly);
  const hinted = isWritten;
  const dry_run = { type: "boolean", description: "true where nothing was changed" };
  const shown = { ...properties(fields, shownProperty), ...(isWritten ? { dry_run } : {}), ...(hinted ? { hint } : {}) };
  const asked = fields.filter((field) => field.shown === "asked").map(({ name }) => name);
  const there = `Without fields= every field is there${asked.length > 0 ? ` but ${asked.join(", ")}` : ""}, null where it has no value.`;
  const description = chosen ? `${about} ${there}` : about;
  return { type: "object", description, properties: shown, ...requiredOf(chosen ? fields.filter(isIdentity) : fields) };
}

/** JSON Schema 2020-12 of a record as answers show it. */
export const shownRecordSchema = (kind: Kind): Json => recordSchema(kind, false);

function createSchema(kind: Kind, given: string | undefined): Json {
  const { about, naturalKey, needsOneOf, title, titleParts = [] } = kind;
  const standIn = titleStandIn(kind);
  // A link may be sent by either of its fields.
  const needed = ({ name, required, initially, link }: Field) =>
    required && initially === undefined && !link && !(name === title && standIn !== undefined);
  const fields = sendable(kind).filter(({ name }) => name !== given);
  const links = kind.links.filter(({ id }) => id.required && id.name !== given);
  const rules = [
    ...(standIn === undefined
      ? []
      : [`${[title, ...titleParts].join(", ")} or ${standIn} must be there; a known ${standIn} updates that record.`]),
    ...(naturalKey === title ? [`A known ${naturalKey} updates that record.`] : []),
    ...links.map(({ id, shown }) => `${id.name} or ${shown.name} must be there.`),
    ...(needsOneOf && !given ? [`At least one of ${needsOneOf.join(", ")} must be there.`] : []),
  ];
  return {
    ...bodySchema(fields, (field) => (needed(field) || field.sets ? writtenSchema(field) : nullable(writtenSchema(field)))),
    description: [about, ...rules].join(" "),
    ...requiredOf(fields.filter(needed)),
  };
}

function patchSchema(kind: Kind): Json {
  const changed = ({ initially: _, ...field }: Field) => writtenSchema(field);
  const property = (field: Field) => (field.required || field.sets ? changed(field) : nullable(changed(field)));
  return {
    ...bodySchema(sendable(kind), property),
    description: [
      "What is not sent stays, null clears.",
      ...membersOf(kind).map(({ name }) => `${name} merges key by key.`),
    ].join(" "),
  };
}

function bodySchema(fields: readonly Field[], schemaOf: (field: Field) => Json): Json {
  const version = { type: "integer", description: "write only if the record still has this version; as If-Match" };
  return { type: "object", properties: { ...properties(fields, schemaOf), version }, additionalProperties: false };
}

const requiredOf = (fields: readonly Field[]) => (fields.length > 0 ? { required: fields.map(({ name }) => name) } : {});

const named = (values: Named): Field[] => Object.entries(values).map(([name, spec]) => ({ ...spec, name }));

/** What a message or a set of values holds in JSON. */
export function valuesSchema({ is, values }: Extract<OperationAnswer, { values: Named }>): Json {
  const fields = named(values);
  const message = { message: { type: "string", description: "what happened" } };
  const hint = { hint: { type: "string", description: "what to do next" } };
  const required = fields.filter((field) => field.required).map(({ name }) => name);
  return {
    type: "object",
    properties: {
      ...(is === "message" ? message : {}),
      ...properties(fields, shownProperty),
      ...(is === "message" ? hint : {}),
    },
    required: [...(is === "message" ? ["message"] : []), ...required],
  };
}

/** The schema of a request's body, by name where it is a record's. */
export function bodySchemaOf(body: Exclude<OperationBody, { is: "file" }>): Json {
  if (body.is !== "values") return schemaRef(bodyName(body));
  const fields = named(body.values);
  const needed = ({ required, initially }: Field) => required && initially === undefined && !body.partial;
  return {
    type: "object",
    properties: properties(fields, (field) => (field.required ? writtenSchema(field) : nullable(writtenSchema(field)))),
    additionalProperties: false,
    ...requiredOf(fields.filter(needed)),
  };
}

/** `ContactCreate`, `ContactPatch`, and `ContactCreateWithoutCompanyId` where the path says the company already. */
function bodyName(body: Exclude<OperationBody, { is: "values" | "file" }>): string {
  const given = body.is === "create" && body.given ? `Without${capital(body.given)}` : "";
  return `${capital(body.of.name)}${capital(body.is)}${given}`;
}

/** The schemas that operations refer to by name. */
export function* componentSchemas(routes: readonly Operation[]): Generator<void, Json, void> {
  const choosing = new Set(
    shownKinds(routes.filter(({ filters, parameters }) => (filters && !filters.only) || parameters?.["fields"])),
  );
  const schemas: Json = {};
  for (const kind of shownKinds(routes)) {
    schemas[capital(kind.name)] = recordSchema(kind, choosing.has(kind));
    schemas[`${capital(kind.name)}Page`] = pageSchema([kind]);
    yield;
  }
  for (const { body } of routes) {
    if (!body || body.is === "values" || body.is === "file") continue;
    // Several routes take the same body.
    schemas[bodyName(body)] ??= body.is === "create" ? createSchema(body.of, body.given) : patchSchema(body.of);
    yield;
  }
  return { ...schemas, Problem: problemSchema() };
}

/** Every kind that is shown as a record or in a list. */
export function shownKinds(routes: readonly Operation[]): Kind[] {
  return [...new Set(routes.flatMap(({ answers }) => ("of" in answers ? [answers.of].flat() : [])))];
}
