import { PROBLEM_VALUES, PROBLEMS } from "../kit/problem.ts";
import { isRecord, type Kind } from "../records/kind.ts";
import { capital, type Json, schemaRef } from "./names.ts";

/** A page of records of these kinds. */
export function pageSchema(kinds: readonly Kind[]): Json {
  const items = kinds.map(({ name }) => schemaRef(capital(name)));
  return {
    type: "object",
    properties: {
      items: {
        type: "array",
        ...(kinds.every(isRecord)
          ? { description: "the records; with group_by= or a figure the groups, whose members are their own" }
          : {}),
        items: items.length === 1 ? items[0] : { anyOf: items },
      },
      next_cursor: { type: ["string", "null"], description: "cursor= for the next page; null at the end" },
      total: { type: "integer", description: "with count=true: how many match, at most 1000" },
      total_capped: { type: "boolean", description: "with count=true: whether there are more than total" },
      near: { type: "boolean", description: "true when nothing has all the words and these are near misses" },
      lag_seconds: {
        type: "integer",
        description: "in the feed: for how long newer changes have waited for an open transaction",
      },
      notes: { type: "array", items: { type: "string" }, description: "what may be surprising about the answer" },
    },
    required: ["items", "next_cursor"],
  };
}

/** What a query found. */
export function tableSchema(): Json {
  const text = (description: string) => ({ type: "string", description });
  const column = { name: text("as the query calls it"), type: text("as PostgreSQL calls it") };
  return {
    type: "object",
    properties: {
      columns: { type: "array", items: { type: "object", properties: column, required: ["name", "type"] } },
      rows: { type: "array", items: { type: "array", items: {} }, description: "the values, in the order of the columns" },
      row_count: { type: "integer", description: "how many rows the answer has" },
      truncated: { type: "boolean", description: "whether the query finds more than the answer has" },
      notes: { type: "array", items: { type: "string" } },
    },
    required: ["columns", "rows", "row_count", "truncated"],
  };
}

/** What came of the rows of a file. */
export function reportSchema(): Json {
  const text = (description: string) => ({ type: "string", description });
  const counts = ["created", "updated", "unchanged", "refused"].map((name) => [name, { type: "integer" }]);
  const verdict = {
    row: { type: "integer", description: "the line of the file on which it begins" },
    outcome: text("created, updated, unchanged or refused; would be … in a dry run; known, likely or double in an analysis"),
    id: text("of the record"),
    handle: text("of the record"),
    error: text("the code of the refusal"),
    message: text("what is wrong with the row"),
    hint: { type: ["string", "null"], description: "what to do about it" },
    values: {
      type: "object",
      description:
        "in a dry run, of the first rows: what they say; in an analysis why, where it has been put into, and double_of",
    },
  };
  return {
    type: "object",
    properties: {
      items: { type: "array", items: { type: "object", properties: verdict, required: ["row", "outcome"] } },
      dry_run: { type: "boolean" },
      file: { type: "object", description: "what the file was read as, and what each of its columns was taken for" },
      import: text("the handle under which the verdicts are kept"),
      state: text("done, or refused where strict wrote nothing; else it still runs"),
      rows: { type: "integer" },
      ...Object.fromEntries(counts),
      ...Object.fromEntries(["known", "likely", "new", "doubles"].map((name) => [name, { type: "integer" }])),
      made: { type: "object", description: "records that rows name, by kind" },
      left_out: { type: "integer", description: "items that are missing here, for nobody read them in time" },
      request: text("what POST /undo takes"),
    },
    required: ["items"],
  };
}

/** A refusal. Callers branch on `error`. */
export function problemSchema(): Json {
  const values = Object.entries(PROBLEM_VALUES).map(([name, { type, about }]) => [name, { type, description: about }]);
  return {
    type: "object",
    description: "A refusal: nothing was changed.",
    properties: {
      error: { type: "string", enum: Object.keys(PROBLEMS), description: toldProblems() },
      message: { type: "string", description: "what is wrong" },
      hint: { type: ["string", "null"], description: "what to do next, one way a line" },
      ...Object.fromEntries(values),
      request_id: { type: "string", description: "as in the header X-Request-Id" },
    },
    required: ["error", "message", "hint", "request_id"],
  };
}

function toldProblems(): string {
  const rows = Object.entries(PROBLEMS).map(([code, { status, about }]) => `- ${status} \`${code}\` ${about}`);
  return ["What is wrong, for programs:", "", ...rows].join("\n");
}
