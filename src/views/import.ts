import { handleType, idType } from "../fields/link.ts";
import { countType } from "../fields/text.ts";
import { boolean, choice, person, text, time } from "../fields/vocabulary.ts";
import { defineView } from "../records/define.ts";

const count = (about: string) => ({ type: countType, about, always: true as const });

/** What came of a file of records. */
export const importView = defineView({
  name: "import",
  plural: "imports",
  prefix: "im",
  about: "A file that was imported in the last day, and what came of it.",
  title: "id",
  order: "-created_at",
  unfiltered: true,
  fields: {
    id: { type: idType("import"), about: "the whole id", always: true, shown: "json", column: "id" },
    handle: {
      type: handleType("import"),
      about: "the short name that lines begin with",
      always: true,
      shown: "json",
      column: "id",
    },
    kind: text({ about: "the kind of its rows; without: each row names its own" }),
    state: choice(["staging", "staged", "done", "refused"], {
      about: "staging: its file arrives; staged: its rows are written; refused: it was strict, and nothing was written",
      always: true,
    }),
    strict: boolean({ about: "whether all or nothing was to be written", always: true }),
    rows: count("rows of the file"),
    created: count("rows that made a record"),
    updated: count("rows that changed one"),
    unchanged: count("rows that found everything as they say"),
    refused: count("rows that were refused"),
    actor: person({ about: "who sent it", always: true }),
    request_id: text({ about: "under which the history has it: what POST /undo takes", always: true }),
    created_at: time({ about: "when it began", always: true, sort: true }),
    finished_at: time({ about: "when it ended" }),
  },
  example: {
    kind: "contact",
    state: "done",
    strict: false,
    rows: 120,
    created: 112,
    updated: 6,
    unchanged: 1,
    refused: 1,
    actor: "ann@example.com",
    request_id: "req_01k9x2v7m3q8r0s2t4v6w8y0za",
    created_at: "2026-06-01T08:12:44Z",
    finished_at: "2026-06-01T08:12:45Z",
  },
});
