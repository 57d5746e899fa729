import { handleType, idType } from "../fields/link.ts";
import { countType, textType } from "../fields/text.ts";
import { custom, person, phrase, required, text, time } from "../fields/vocabulary.ts";
import { defineView } from "../records/define.ts";

/** A saved list: `query` makes it dynamic, members make it static. */
export const savedList = defineView({
  name: "list",
  plural: "lists",
  prefix: "l",
  about: "Records of one kind under a name: those that a query finds, or those that were put on it.",
  title: "name",
  order: "name",
  unfiltered: true,
  fields: {
    id: { type: idType("list"), about: "the whole id", always: true, shown: "json", column: "id" },
    handle: {
      type: handleType("list"),
      about: "the short name that lines begin with",
      always: true,
      shown: "json",
      column: "id",
    },
    name: required(phrase({ about: "what it is called", sort: true }, 100)),
    slug: text({ about: "what list= takes: the name in small letters, with - between words", always: true }),
    kind: required(text({ about: "the kind of its records" }, 60)),
    query: {
      type: {
        ...textType(2_000),
        expects: "filters as an address has them, such as stage=lead&company.industry=energy, of at most 2000 characters",
      },
      about: "the filters that find its records; none of a list whose members were put on it",
      also: ["filter", "filters"],
    },
    members: { type: countType, about: "how many records were put on it and are there" },
    description: text({ about: "what it is for", shown: "detail" }, 5_000),
    custom: custom({ about: "your own fields, as custom.<key>" }),
    created_at: time({ about: "when it was made", always: true, shown: "detail" }),
    created_by: person({ about: "who made it", always: true, shown: "detail" }),
    updated_at: time({ about: "when it last changed", always: true }),
    deleted_at: time({ about: "when it was deleted" }),
  },
  example: {
    name: "hot leads",
    slug: "hot-leads",
    kind: "contact",
    query: "stage=lead&company.industry=energy",
    created_at: "2026-06-01T08:12:44Z",
    created_by: "ann@example.com",
    updated_at: "2026-06-01T08:12:44Z",
  },
});
