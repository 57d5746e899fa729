import { custom, longText, person, phrase, questions, required, tags } from "../fields/vocabulary.ts";
import { defineRecord } from "./define.ts";

export const form = defineRecord({
  name: "form",
  plural: "forms",
  prefix: "f",
  about: "Questions by which somebody is qualified, each with the type of its answer.",
  title: "name",
  aside: true,
  exported: true,
  fields: {
    name: required(phrase({ about: "what it is called", sort: true, search: true })),
    description: longText({ about: "what it is for", search: true }),
    questions: required(questions({ about: "what is asked", also: ["fields", "items"] })),
    owner: person({ about: "who looks after it", sort: true, paged: true }),
    tags: tags({ about: "labels", search: true }),
    custom: custom({ about: "your own fields, as custom.<key>" }),
  },
  example: {
    name: "Solar",
    questions: [
      { id: "budget", label: "Budget in euros", type: "integer", min: 0 },
      { id: "roof", label: "Kind of roof", type: "choice", options: ["flat", "pitched"] },
    ],
  },
});
