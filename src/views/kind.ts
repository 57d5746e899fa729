import { customType, tagsType } from "../fields/collections.ts";
import type { FieldType } from "../fields/type.ts";
import { boolean, phrase, required, text } from "../fields/vocabulary.ts";
import { quoteIfNeeded } from "../kit/line.ts";
import { defineView } from "../records/define.ts";

const listType: FieldType = { ...tagsType, name: "names" };

/** `text,required`, `choice:red|blue`, `link:contact`: JSON has the object that POST takes. */
function told(member: unknown): string {
  if (typeof member !== "object" || member === null) return quoteIfNeeded(String(member));
  const { type, link, choices, required, hidden, initially } = member as Record<string, unknown>;
  const what = link !== undefined ? `link:${link}` : choices ? `choice:${(choices as string[]).join("|")}` : String(type);
  const more = [required ? "required" : "", hidden ? "hidden" : "", initially === undefined ? "" : `initially ${initially}`];
  return quoteIfNeeded([what, ...more.filter(Boolean)].join(", "));
}

const typesType: FieldType = { ...customType, name: "fields", members: { ...customType.members!, toLine: told } };

/** A kind of record as it is declared. */
export const kindView = defineView({
  name: "kind",
  plural: "kinds",
  prefix: "k",
  about: "A kind of record: what its records are called, and which fields they have.",
  title: "name",
  order: "name",
  unfiltered: true,
  nameless: true,
  fields: {
    name: required(phrase({ about: "what one is called, as in the handle vehicle/zv_…" }, 40)),
    plural: required(phrase({ about: "what many are called, as in the path /vehicles" }, 40)),
    prefix: required(text({ about: "what its ids begin with" }, 4)),
    own: { ...boolean({ about: "whether this workspace has made it" }), always: true },
    title: required(text({ about: "the field that names a record" }, 60)),
    natural_key: text({ about: "POST with a known value of this field updates that record" }, 60),
    reminder: text({ about: "the field with the time at which a record feeds /reminders" }, 60),
    about: text({ about: "what it is" }, 500),
    names: { type: listType, about: "the names of its fields, in the order of the line" },
    fields: {
      type: typesType,
      about: "what may be sent, by field: a type, or an object as POST /kinds takes it",
      shown: "detail",
    },
  },
  example: {
    name: "vehicle",
    plural: "vehicles",
    prefix: "zv",
    own: true,
    title: "plate",
    natural_key: "plate",
    about: "A car of the fleet.",
    names: ["plate", "model", "owner_id", "owner", "km"],
    fields: { plate: { type: "text", required: true }, model: "text", owner_id: { link: "contact" }, km: "integer" },
  },
});
