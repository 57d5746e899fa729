import { custom, longText, person, phrase, required, steps, tags } from "../fields/vocabulary.ts";
import { defineRecord } from "./define.ts";

export const script = defineRecord({
  name: "script",
  plural: "scripts",
  prefix: "sc",
  about: "What is said and asked on a call, step by step, and where each answer leads.",
  title: "name",
  aside: true,
  exported: true,
  fields: {
    name: required(phrase({ about: "what it is called", sort: true, search: true })),
    description: longText({ about: "what it is for", search: true }),
    steps: required(steps({ about: "the path of the call" })),
    owner: person({ about: "who looks after it", sort: true, paged: true }),
    tags: tags({ about: "labels", search: true }),
    custom: custom({ about: "your own fields, as custom.<key>" }),
  },
  example: {
    name: "First call",
    steps: [
      { type: "instruction", text: "Good morning, this is Sam of Acme." },
      {
        id: "owner",
        type: "yesno",
        text: "Do you own the house?",
        branches: [
          {
            label: "Yes",
            steps: [{ id: "roof", type: "select", text: "Which roof has it?", options: ["flat", "pitched"] }],
          },
          { label: "No", next: "end" },
        ],
      },
      { id: "why", type: "question", text: "What matters most to you?" },
    ],
  },
});
