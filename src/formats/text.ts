import type { Showing } from "../fields/type.ts";
import { shortId } from "../kit/id.ts";
import { messageLine, quoteIfNeeded } from "../kit/line.ts";
import type { Ending, Listed, Report, RowWriter, Short, Single, Speaking, TableColumn, Told, Value } from "./format.ts";
import { shownText } from "./tableValue.ts";

const LINES: RowWriter = {
  between: "",
  end: "\n",
  whole: (view, row, showing) => view.line(row, showing),
  parts: (view, row, showing) => view.lineParts(row, showing),
};

/** One line a record; all else begins with a mark of its own. */
export const text: Speaking = {
  name: "text",
  mediaTypes: ["text/plain"],
  contentType: "text/plain; charset=utf-8",
  suffix: "txt",
  allFields: false,
  linksNext: false,
  shows: () => true,
  end: "",
  list: { begin: ({ preface }) => (preface ? `# ${preface}\n` : ""), rows: LINES, end: trailers },
  table: {
    begin: () => "",
    between: "",
    row: (columns, row, showing) => `row${row.map((value, i) => pairOf(columns[i]!, value, showing)).join("")}\n`,
    end: (rows, { notes }) => `# ${rows} ${rows === 1 ? "row" : "rows"}\n${noteLines(notes)}`,
  },
  record: (single, showing) => `${single.view.lines(single.row, showing)}${endOf(single)}`,
  *recordParts(single, showing) {
    if (single.view.fields.some(({ type }) => type.rows)) yield single.view.lines(single.row, showing);
    else yield* single.view.lineParts(single.row, showing);
    yield endOf(single);
  },
  message,
  report,
  problem: ({ code, message, hints, values }) =>
    `ERROR ${code} ${messageLine(message)}\n${hintLines(hints)}${valueLines(values)}`,
};

function pairOf({ name, type }: TableColumn, value: string | null, showing: Showing): string {
  const text = value === null || value === "{}" ? "" : shownText(type, value, showing);
  return text === "" ? "" : ` ${quoteIfNeeded(name)}=${quoteIfNeeded(text)}`;
}

function trailers(_: Listed, { nextCursor, summary, notes }: Ending): string {
  return `${noteLines(notes)}# ${summary}\n${nextCursor === null ? "" : `# next: ${nextCursor}\n`}`;
}

const endOf = ({ notes, lines, outcome, change }: Single) =>
  `\n${noteLines(lines)}${noteLines(notes)}${outcome ? `# ${outcome}${change ? ` ${shortId(change)}` : ""}\n` : ""}`;

const noteLines = (notes: readonly string[] = []) => notes.map((note) => `# ${messageLine(note)}\n`).join("");

function message(answer: Short): string {
  switch (answer.is) {
    case "message":
      return `OK ${messageLine(answer.message)}\n${valueLines(answer.values ?? {})}${hintLines(answer.hints ?? [])}`;
    case "values":
      return valueLines(answer.values);
    case "json":
      return `${answer.json}\n`;
  }
}

async function* report({ told }: Report): AsyncGenerator<string> {
  for await (const some of told) yield some.map(toldLine).join("");
}

function toldLine(told: Told): string {
  if (told.is === "progress") return `# ${messageLine(told.note)}\n`;
  if (told.is === "facts") return noteLines(told.notes);
  if ("problem" in told) {
    const { code, message, hints } = told.problem;
    return `row=${told.row} ERROR ${code} ${messageLine([message, ...hints.slice(0, 1)].join("; "))}\n`;
  }
  const { row, outcome, handle, values = {} } = told;
  const pairs = Object.entries(values).map(([key, value]) => ` ${quoteIfNeeded(key)}=${quoteIfNeeded(shownValue(value))}`);
  return `row=${row} ${outcome}${handle ? ` ${handle}` : ""}${pairs.join("")}\n`;
}

/** Texts in a list are joined, as on the line of a record. */
function shownValue(value: unknown): string {
  if (Array.isArray(value) && value.every((each) => typeof each === "string" && !each.includes(","))) return value.join(",");
  return typeof value === "string" ? value : JSON.stringify(value);
}

const valueLines = (values: Readonly<Record<string, Value>>) =>
  Object.entries(values)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key}=${quoteIfNeeded(String(value))}\n`)
    .join("");

const hintLines = (hints: readonly string[]) => hints.map((hint) => `HINT  ${messageLine(hint)}\n`).join("");
