import type { Showing } from "../fields/type.ts";
import type { Ending, List, Short, Single, Speaking } from "./format.ts";
import { type RowWriter, rowParts } from "./rows.ts";

/** Longer JSON stays as it is: to indent it takes longer than all the rest, and nobody reads it. */
const MOST_INDENTED = 262_144;

export const json: Speaking = {
  name: "json",
  mediaTypes: ["application/json"],
  contentType: "application/json; charset=utf-8",
  suffix: "json",
  allFields: true,
  linksNext: false,
  shows: () => true,
  end: "\n",
  indented: (body) => (body.length <= MOST_INDENTED ? JSON.stringify(JSON.parse(body), null, 2) : body),
  list: listParts,
  record: (single, showing) => `${single.view.json(single.row, showing).slice(0, -1)}${endOf(single)}`,
  *recordParts(single, showing) {
    for (const part of single.view.jsonParts(single.row, showing)) yield part === "}" ? endOf(single) : part;
  },
  message,
  problem: ({ code, message, hints, values }, requestId) =>
    JSON.stringify({ error: code, message, hint: hints.join("\n") || null, ...values, request_id: requestId }),
};

const ITEMS: RowWriter = {
  between: ",",
  end: "",
  whole: (view, row, showing) => view.json(row, showing),
  parts: (view, row, showing) => view.jsonParts(row, showing),
};

function* listParts(list: List, showing: Showing): Generator<string, Ending> {
  yield '{"items":[';
  const ending = list.ending(yield* rowParts(list, ITEMS, showing));
  const { nextCursor, notes: said = [] } = ending;
  const notes = [...(list.preface ? [list.preface] : []), ...said];
  const told = notes.length > 0 ? `,"notes":${JSON.stringify(notes)}` : "";
  yield `],"next_cursor":${JSON.stringify(nextCursor)}${membersOf(list.facts)}${told}}`;
  return ending;
}

const endOf = ({ notes, facts }: Single) =>
  `${membersOf(facts)}${notes?.length ? `,"hint":${JSON.stringify(notes.join("\n"))}` : ""}}`;

const membersOf = (facts: Single["facts"] = {}) =>
  Object.entries(facts)
    .map(([key, value]) => `,${JSON.stringify(key)}:${JSON.stringify(value)}`)
    .join("");

function message(answer: Short): string {
  switch (answer.is) {
    case "message":
      return JSON.stringify({
        message: answer.message,
        ...answer.values,
        ...(answer.hints?.length ? { hint: answer.hints.join("\n") } : {}),
      });
    case "values":
      return JSON.stringify(answer.values);
    case "json":
      return answer.json;
  }
}
