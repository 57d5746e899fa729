import type { Format, RowWriter } from "./format.ts";
import { distinct, jsonOf } from "./tableValue.ts";

const OBJECTS: RowWriter = {
  between: "",
  end: "\n",
  whole: (view, row, showing) => view.json(row, showing),
  parts: (view, row, showing) => view.jsonParts(row, showing),
};

/** One JSON object a line, each as it is in the list's JSON. */
export const ndjson: Format = {
  name: "ndjson",
  mediaTypes: ["application/x-ndjson", "application/ndjson", "application/jsonl"],
  contentType: "application/x-ndjson; charset=utf-8",
  suffix: "ndjson",
  allFields: true,
  linksNext: true,
  shows: ({ method, answers }) => answers.is === "table" || (method === "GET" && answers.is === "list"),
  end: "",
  table: {
    begin: () => "",
    between: "",
    row: (columns, row, showing) =>
      `{${distinct(columns)
        .map((name, i) => `${JSON.stringify(name)}:${jsonOf(columns[i]!.type, row[i]!, showing)}`)
        .join()}}\n`,
    end: () => "",
  },
  list: { begin: () => "", rows: OBJECTS, end: () => "" },
};
