/**
 * A workspace as a file, which `POST /import?into=workspace` reads. Format 1, one JSON object a line (NDJSON, UTF-8, each ended by LF):
 *
 *     {"line":"header","format":1,"exported_at":"2026-06-01T08:00:00.000Z","workspace":{…},"members":[{"email","role","created_at"},…]}
 *     {"line":"record","kind":"company","row":{"id":"co_…","name":…,"version":3,…,"deleted_at":null}}      … each record of each kind
 *     {"line":"change","row":{"id":"h_…","kind":"company","record_id":"co_…","version":3,…,"row":{…}}}      … the whole history
 *     {"line":"end","records":{"company":12,…},"changes":340}
 *
 * - There is one header, first, and one end, last. A file without its end, or whose end counts other lines than there are, was cut.
 * - `workspace` is its row: id, name, timezone, created_at and what else it is set to. Its plan, tokens, invites and calendars stay behind.
 * - A row has the columns of its table by name, all of them but `workspace_id`, and null where there is no value: `company_id` and not the
 *   company's name, `custom` as an object, tags as a list. What is computed from others (`search`) is not there.
 * - Kinds come in dependency order: what a record links to stands before it, unless both are of one kind. Deleted records are there, with
 *   `deleted_at`; so every link and every entry of the history leads to a record of the file.
 * - Times are PostgreSQL's, to the microsecond and with an offset. Numbers are exact: cents may be beyond 2^53.
 * - The `row` of a change is the stored form, in no order. Where it has a member `=`, that names the long values which this version left out,
 *   each with its bytes: they are those of the nearest version before that has them. Stored as it stands, it means the same again.
 * - A reader refuses a `format` that it does not know, and passes over no line.
 */
export const WORKSPACE_FORMAT = 1;

/** Of the file: which line, of which kind of record, and its row as JSON text. */
export type WorkspaceRow = readonly [line: "header" | "record" | "change", kind: string | null, json: string];

/** Characters that are put together at once. */
const AT_ONCE = 65_536;

/** The lines of the file. `rows` begin with the header. `told` hears how many lines there are. */
export async function* workspaceFile(
  rows: AsyncIterable<readonly (readonly unknown[])[]>,
  kinds: readonly string[],
  exportedAt: number,
  told = (_: number) => {},
): AsyncGenerator<string, void, undefined> {
  const records = new Map(kinds.map((kind) => [kind, 0]));
  let changes = 0;
  let lines = 0;
  let text = "";
  for await (const some of rows) {
    for (const [line, kind, json] of some as readonly WorkspaceRow[]) {
      if (line === "header") text += headerLine(json, exportedAt);
      else if (line === "change") {
        text += `{"line":"change","row":${json}}\n`;
        changes += 1;
      } else {
        text += `{"line":"record","kind":"${kind}","row":${json}}\n`;
        records.set(kind!, (records.get(kind!) ?? 0) + 1);
      }
      if (text.length < AT_ONCE) continue;
      yield text;
      text = "";
    }
    lines += some.length;
    told(lines);
  }
  yield `${text}${JSON.stringify({ line: "end", records: Object.fromEntries(records), changes })}\n`;
}

/** `json`: an object of workspace and members. */
function headerLine(json: string, exportedAt: number): string {
  const head = JSON.stringify({ line: "header", format: WORKSPACE_FORMAT, exported_at: new Date(exportedAt).toISOString() });
  return `${head.slice(0, -1)},${json.slice(1)}\n`;
}
