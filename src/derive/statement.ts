import { Problem } from "../kit/problem.ts";
import type { Catalog } from "../records/catalog.ts";
import { type Kind, labelsOf } from "../records/kind.ts";

/** What a cursor can be opened for. */
const QUERIES = ["select", "with", "values", "table"];

/** What begins another statement. Text that begins otherwise is left to PostgreSQL, which says where it goes wrong. */
const COMMANDS = [
  ...[
    "insert",
    "update",
    "delete",
    "merge",
    "truncate",
    "create",
    "alter",
    "drop",
    "grant",
    "revoke",
    "comment",
    "copy",
    "call",
  ],
  ...[
    "do",
    "set",
    "reset",
    "show",
    "explain",
    "analyze",
    "vacuum",
    "begin",
    "start",
    "commit",
    "end",
    "rollback",
    "abort",
    "savepoint",
  ],
  ...[
    "declare",
    "fetch",
    "move",
    "close",
    "prepare",
    "execute",
    "deallocate",
    "listen",
    "notify",
    "unlisten",
    "lock",
    "discard",
  ],
  ...["refresh", "reindex", "cluster", "checkpoint", "load", "import", "security", "reassign"],
];

const WRITES = /\b(insert\s+into|update|delete\s+from|merge\s+into|truncate(?:\s+table)?)\s+(?:only\s+)?"?([a-z_]\w*)"?/i;

/** Of a query that begins with `with`: a write stands behind a bracket. */
const WITHIN = /[()]\s*(?:insert|update|delete|merge)\b/i;

/**
 * Refuses what is no query before the database sees it, and tells a write by which request it is made. The database holds the line: this only
 * finds the better words.
 */
export function readStatement(text: string, catalog: Catalog): void {
  const bare = withoutNoise(text).trim();
  if (bare === "" || bare === ";")
    throw refusal("there is no query in sql", "send one: select stage, count(*) from deals group by 1", "42601");
  const word = /^[(\s]*([a-z]+)/i.exec(bare)?.[1]?.toLowerCase() ?? "";
  if (QUERIES.includes(word) ? word !== "with" || !WITHIN.test(bare) : !COMMANDS.includes(word)) return;
  const [, verb, table] = WRITES.exec(bare) ?? [];
  if (verb !== undefined)
    throw refusal("POST /sql only reads", writeInstead(verb, catalog.byPlural(table!.toLowerCase())), "25006");
  if (word === "with") return;
  throw refusal(
    "POST /sql runs one query that reads",
    "begin with select, with, values or table; records are written by the requests of GET /help, where every change can be undone",
    "25006",
  );
}

const refusal = (message: string, hint: string, sqlstate: string) =>
  new Problem("sql_error", message, hint, { values: { sqlstate } });

/** The text with a blank in place of each comment and each text in quotes. Comments nest. */
function withoutNoise(text: string): string {
  const token = /--[^\n]*|\/\*|\*\/|'(?:[^']|'')*(?:'|$)|\$(\w*)\$[\s\S]*?(?:\$\1\$|$)/g;
  let bare = "";
  let depth = 0;
  let from = 0;
  for (let found = token.exec(text); found; found = token.exec(text)) {
    const [noise] = found;
    if (depth === 0) bare += `${text.slice(from, found.index)} `;
    if (noise === "/*") depth += 1;
    else if (noise === "*/") depth = Math.max(0, depth - 1);
    // Quotes and dashes mean nothing within a comment, so the search goes on right behind their first letter.
    else if (depth > 0) token.lastIndex = found.index + 1;
    from = token.lastIndex;
  }
  return depth === 0 ? bare + text.slice(from) : bare;
}

function writeInstead(verb: string, kind: Kind | undefined): string {
  if (!kind) return "records are written by the requests of GET /help, where every change can be undone";
  const { plural, example, prefix } = kind;
  const id = `${prefix}_t4v6w8y0`;
  if (/^insert|^merge/i.test(verb)) return `POST /${plural} ${JSON.stringify(example)}; many at once: POST /${plural}/import`;
  if (/^update/i.test(verb)) {
    const name = labelsOf(kind).find((field) => field.name in example)?.name ?? kind.title;
    return `PATCH /${plural}/${id} ${JSON.stringify({ [name]: example[name] })}; all that filters find: PATCH /${plural}?…, GET /help/bulk`;
  }
  return `DELETE /${plural}/${id}; all that filters find: DELETE /${plural}?…, GET /help/bulk`;
}
