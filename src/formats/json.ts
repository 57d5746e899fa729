import type { Ending, Listed, Report, RowWriter, Short, Single, Speaking, Told } from "./format.ts";
import { jsonOf } from "./tableValue.ts";

/** Longer JSON stays as it is: to indent it takes longer than all the rest, and nobody reads it. */
const MOST_INDENTED = 262_144;

const ITEMS: RowWriter = {
  between: ",",
  end: "",
  whole: (view, row, showing) => view.json(row, showing),
  parts: (view, row, showing) => view.jsonParts(row, showing),
};

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
  list: { begin: () => '{"items":[', rows: ITEMS, end: endOfList },
  table: {
    begin: (columns) => `{"columns":${JSON.stringify(columns.map(({ name, type }) => ({ name, type })))},"rows":[`,
    between: ",",
    row: (columns, row, showing) => `[${row.map((value, i) => jsonOf(columns[i]!.type, value, showing)).join()}]`,
    end: (rows, { cut, notes }) =>
      `],"row_count":${rows},"truncated":${cut}${notes.length > 0 ? `,"notes":${JSON.stringify(notes)}` : ""}}`,
  },
  record: (single, showing) => `${single.view.json(single.row, showing).slice(0, -1)}${endOf(single)}`,
  *recordParts(single, showing) {
    for (const part of single.view.jsonParts(single.row, showing)) yield part === "}" ? endOf(single) : part;
  },
  message,
  report,
  problem: ({ code, message, hints, values }, requestId) =>
    JSON.stringify({ error: code, message, hint: hints.join("\n") || null, ...values, request_id: requestId }),
};

function endOfList(list: Listed, { nextCursor, notes: said = [] }: Ending): string {
  const notes = [...(list.preface ? [list.preface] : []), ...said];
  const told = notes.length > 0 ? `,"notes":${JSON.stringify(notes)}` : "";
  return `],"next_cursor":${JSON.stringify(nextCursor)}${membersOf(list.facts)}${told}}`;
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

/** One document, whose rows come as they are told: `{"items":[…],"created":12,…}`. Facts follow when all rows have been told. */
async function* report({ told }: Report): AsyncGenerator<string> {
  let facts = {};
  let between = "";
  yield '{"items":[';
  for await (const some of told) {
    let text = "";
    for (const one of some) {
      if (one.is === "facts") facts = { ...facts, ...one.values };
      // White space, so that who waits for the answer sees that there is one.
      else if (one.is === "progress") text += "\n";
      else {
        text += `${between}${JSON.stringify(itemOf(one))}`;
        between = ",\n";
      }
    }
    if (text !== "") yield text;
  }
  yield `],${JSON.stringify(facts).slice(1)}\n`;
}

function itemOf(told: Extract<Told, { is: "verdict" }>): object {
  const { row } = told;
  if (!("problem" in told)) {
    const { outcome, id, handle, values } = told;
    return { row, outcome, ...(id && { id, handle }), ...(values && { values }) };
  }
  const { code, message, hints } = told.problem;
  return { row, outcome: "refused", error: code, message, hint: hints.join("\n") || null };
}
