import { z } from "zod";
import { CONFIRM } from "../../derive/parameters.ts";
import { customType, tagsType } from "../../fields/collections.ts";
import type { FieldType } from "../../fields/type.ts";
import { phrase, required, text } from "../../fields/vocabulary.ts";
import type { Route } from "../../service/route.ts";
import { kindView } from "../../views/kind.ts";
import { add, all, change, create, one, remove, restore } from "./handle.ts";

const fieldsType = { ...customType, name: "fields", expects: 'an object of fields, each a type or more: {"km":"integer"}' };

const listed = z.array(z.looseObject({ name: z.string().min(1) })).refine((fields) => byName(fields) !== undefined);

/** Many programs keep fields in a list, each with its name. */
const newFieldsType: FieldType = {
  ...fieldsType,
  expects: `${fieldsType.expects}; or a list: [{"name":"km","type":"integer"}]`,
  schema: z.union([fieldsType.schema, listed]),
  toColumn: (value, reading) => fieldsType.toColumn(Array.isArray(value) ? byName(value)! : value, reading),
};

/** Undefined where two have one name. */
function byName(fields: readonly Record<string, unknown>[]): Record<string, unknown> | undefined {
  const named = new Map(fields.map(({ name, ...says }) => [name as string, says]));
  const fits = named.size === fields.length && fieldsType.schema.safeParse(Object.fromEntries(named)).success;
  return fits ? Object.fromEntries(named) : undefined;
}

const PARTS = {
  about: text({ about: "what it is, in a sentence", also: ["description"] }, 200),
  reminder: {
    type: {
      ...customType,
      name: "reminder",
      fromText: (sent: string) => (sent.startsWith("{") ? customType.fromText(sent) : { at: sent }),
    },
    about: 'the field with the time at which a record feeds /reminders; or {"at","note","owner","done"}, each a field',
  },
};

const FIELD = {
  name: phrase({ about: "what it is called" }, 60),
  type: text({ about: "text, long_text, number, integer, cents, boolean, date, time, choice, tags, email, …" }, 60),
  link: text({ about: "the kind that it links to, in place of a type", also: ["to", "target"] }, 60),
  choices: {
    type: { ...tagsType, name: "choices", expects: "a list of words" },
    about: "what it can be, in place of a type",
    also: ["options", "values"],
  },
  about: text({ about: "what it says" }, 200),
  currency: text({ about: "of an amount in cents, where the kind has no currency yet" }, 3),
};

const MADE = { is: "record", of: kindView } as const;
const refuses = ["already_exists", "plan_limit_reached", "unprocessable"] as const;

export const kindRoutes: Route[] = [
  {
    method: "GET",
    path: "/kinds",
    about: "the kinds of records: built-in ones, and your own",
    needs: "read",
    answers: { is: "list", of: [kindView] },
    handle: all,
  },
  {
    method: "POST",
    path: "/kinds",
    about: "make a kind of your own: from the next request on it has paths, filters, history, all of it",
    needs: "admin",
    body: {
      is: "values",
      values: {
        name: required(phrase({ about: "what one is called: vehicle" }, 40)),
        plural: phrase({ about: "what many are called: the name and s unless you say" }, 40),
        title: text({ about: "the field that names a record" }, 60),
        natural_key: text({ about: "the field by which POST updates a known record" }, 60),
        ...PARTS,
        fields: required({ type: newFieldsType, about: "its fields" }),
      },
      example: {
        name: "vehicle",
        natural_key: "plate",
        fields: { plate: { type: "text", required: true }, model: "text", owner_id: { link: "contact" }, km: "integer" },
      },
    },
    answers: { ...MADE, statuses: [201] },
    refuses,
    handle: create,
  },
  {
    method: "GET",
    path: "/kinds/{kind}",
    about: "one kind with the types of its fields",
    needs: "read",
    answers: MADE,
    handle: one,
  },
  {
    method: "PATCH",
    path: "/kinds/{kind}",
    about: "rename or hide fields, and say what a kind is; no type ever changes",
    needs: "admin",
    body: {
      is: "values",
      values: {
        ...PARTS,
        fields: { type: fieldsType, about: 'changes by field: {"km":{"name":"mileage"},"model":{"hidden":true}}' },
      },
      partial: true,
      example: { fields: { km: { name: "mileage" }, model: { hidden: true } } },
    },
    answers: MADE,
    refuses,
    handle: change,
  },
  {
    method: "POST",
    path: "/kinds/{kind}/fields",
    about: "add fields to a kind, built-in ones too",
    needs: "admin",
    body: {
      is: "values",
      values: { ...FIELD, fields: { type: newFieldsType, about: "several at once, in place of name and type" } },
      example: { name: "badge", type: "text" },
    },
    answers: MADE,
    refuses,
    handle: add,
  },
  {
    method: "DELETE",
    path: "/kinds/{kind}",
    about: "delete a kind of your own with all its records, in two steps",
    needs: "admin",
    parameters: CONFIRM,
    answers: {
      is: "message",
      values: {
        deleted: required(text({ about: "the name of the kind" })),
      },
    },
    refuses: ["confirmation_required", "unprocessable"],
    handle: remove,
  },
  {
    method: "POST",
    path: "/kinds/{kind}/restore",
    about: "bring a deleted kind back, with its records",
    needs: "admin",
    answers: { ...MADE },
    refuses,
    handle: restore,
  },
];
