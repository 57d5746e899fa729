import { decimalType } from "../fields/decimal.ts";
import { textType } from "../fields/text.ts";
import { required, tags, text } from "../fields/vocabulary.ts";
import { defineView } from "../records/define.ts";

/** Two records that may be one. */
export const duplicate = defineView({
  name: "duplicate",
  plural: "duplicates",
  prefix: "dp",
  about: "Two records that may be one.",
  title: "a",
  order: "-sure",
  unfiltered: true,
  fields: {
    id: { type: textType(80), about: "both whole ids, with a + between them", always: true, shown: "json", column: "id" },
    handle: { type: textType(80), about: "both short ids", always: true, shown: "json" },
    a: text({ about: "what the first is called; it was made before the other" }),
    b: text({ about: "what the second is called" }),
    sure: required({ type: decimalType, about: "how likely they are one, from 0.5 to 0.99" }),
    why: required(tags({ about: "what they have in common" })),
    merge: required(text({ about: "the request that makes one of them" })),
    a_id: required(text({ about: "the id of the first", shown: "json" })),
    b_id: required(text({ about: "the id of the second", shown: "json" })),
  },
  example: {
    id: "c_01k9x2v7m3q8r0s2n5t4v6w8y0+c_01k9x2v7m3q8r0s2n5t4v6w8y1",
    handle: "duplicate/c_t4v6w8y0+c_t4v6w8y1",
    a: "Jane Doe",
    b: "Doe, Jane",
    sure: 0.97,
    why: ["same_phone", "similar_name"],
    merge: 'POST /contacts/c_t4v6w8y0/merge {"from":"c_t4v6w8y1"}',
    a_id: "c_01k9x2v7m3q8r0s2n5t4v6w8y0",
    b_id: "c_01k9x2v7m3q8r0s2n5t4v6w8y1",
  },
});
