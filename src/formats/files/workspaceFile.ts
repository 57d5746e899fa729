import type { Part } from "./workspacePart.ts";

/**
 * A workspace as a file, which `POST /import` reads into an empty one. Format 1, one JSON object a line (NDJSON, UTF-8, each ended by LF):
 *
 *     {"line":"header","format":1,"exported_at":"2026-06-01T08:00:00.000Z","workspace":{…},"members":[{"email","role","created_at"},…],"kinds":[…]}
 *     {"line":"record","kind":"company","row":{"id":"co_…","name":…,"version":3,…,"deleted_at":null}}      … each record of each kind
 *     {"line":"change","row":{"id":"ch_…","kind":"company","record_id":"co_…","version":3,…,"row":{…}}}     … the whole history
 *     {"line":"purged_record","row":{…}}, then "list", "list_member", "dismissed_pair", "proposal", "series"
 *     {"line":"end","records":{"company":12,…},"changes":340,"purged_records":0,"lists":2,…}
 *
 * - There is one header, first, and one end, last. A file without its end, or whose end counts other lines than there are, was cut.
 * - `workspace` is its row: id, name, timezone, created_at and what else it is set to. Its plan, tokens, invites and calendars stay behind.
 * - A row has the columns of its table by name, all of them but `workspace_id`, and null where there is no value: `company_id` and not the
 *   company's name, `custom` as an object, tags as a list. What is computed from others (`search`) is not there.
 * - `kinds` are the kinds that the workspace has made, and the fields that it has added to others, each with its declaration. The values of such
 *   fields are in the member `own` of a row, under the columns that the declaration names.
 * - Of built-in kinds, what a record links to stands before it, unless both are of one kind. Kinds that the workspace has made come last, and link
 *   to each other in any order: a reader takes them in any. The lines of a kind stand together. Deleted records are there, with `deleted_at`;
 *   so every link and every entry of the history leads to a record of the file. Then come the other parts, in the order above.
 * - Times are PostgreSQL's, to the microsecond and with an offset. Numbers are exact, and never have an exponent: cents may be beyond 2^53.
 * - The `row` of a change is the stored form, in no order. Where it has a member `=`, that names the long values which this version left out,
 *   each with its bytes: they are those of the nearest version before that has them. Stored as it stands, it means the same again.
 * - A reader refuses a `format` that it does not know, and passes over no line.
 */
export const WORKSPACE_FORMAT = 1;

/** Of the file: what its line is called, of which kind of record, and its row as JSON text. */
export type WorkspaceRow = readonly [line: string, kind: string | null, json: string];

/** How a line with a row begins: what follows is the row and two braces. */
export const beginning = (line: string, kind: string | null) =>
  kind === null ? `{"line":"${line}","row":` : `{"line":"${line}","kind":"${kind}","row":`;

/** Characters that are put together at once. */
const AT_ONCE = 65_536;

/** The lines of the file. `rows` begin with the header. `told` hears how many lines there are. */
export async function* workspaceFile(
  rows: AsyncIterable<readonly (readonly unknown[])[]>,
  parts: readonly Part[],
  exportedAt: number,
  told = (_: number) => {},
): AsyncGenerator<string, void, undefined> {
  const counts = createCounts(parts);
  let lines = 0;
  let text = "";
  for await (const some of rows) {
    for (const [line, kind, json] of some as readonly WorkspaceRow[]) {
      if (line === "header") text += headerLine(json, exportedAt);
      else {
        text += `${beginning(line, kind)}${json}}\n`;
        counts.add(line, kind ?? undefined);
      }
      if (text.length < AT_ONCE) continue;
      yield text;
      text = "";
    }
    lines += some.length;
    told(lines);
  }
  yield `${text}${JSON.stringify({ line: "end", ...counts.all() })}\n`;
}

/** `json`: an object of workspace and members. */
function headerLine(json: string, exportedAt: number): string {
  const head = JSON.stringify({ line: "header", format: WORKSPACE_FORMAT, exported_at: new Date(exportedAt).toISOString() });
  return `${head.slice(0, -1)},${json.slice(1)}\n`;
}

export type WorkspaceCounts = { records: Record<string, number> } & Record<string, number | Record<string, number>>;

/** Counts the lines of a file as its end does: records by kind, the others by table. */
export function createCounts(parts: readonly Part[]): {
  add: (line: string, kind?: string) => void;
  all: () => WorkspaceCounts;
} {
  const nameOf = (line: string, kind?: string) => `${line} ${kind ?? ""}`;
  const counts = new Map(parts.map(({ line, kind }) => [nameOf(line, kind), 0]));
  return {
    add: (line, kind) => counts.set(nameOf(line, kind), (counts.get(nameOf(line, kind)) ?? 0) + 1),
    all: () => {
      const count = ({ line, kind }: Part) => counts.get(nameOf(line, kind))!;
      return {
        records: Object.fromEntries(parts.flatMap((part) => (part.kind === undefined ? [] : [[part.kind, count(part)]]))),
        ...Object.fromEntries(parts.flatMap((part) => (part.kind === undefined ? [[part.table, count(part)]] : []))),
      };
    },
  };
}
