import { z } from "zod";
import type { Result } from "../db/guests/query.ts";
import { exampleQueries } from "../derive/columns.ts";
import { limit } from "../derive/parameters.ts";
import { readLimit, single } from "../derive/query.ts";
import { readStatement } from "../derive/statement.ts";
import { storable, textType } from "../fields/text.ts";
import type { FieldType } from "../fields/type.ts";
import { required, text } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Authenticated, Route } from "../service/route.ts";

/** Rows of an answer, unless `limit=` says otherwise, and at most. */
const ROWS = 10_000;
const MOST_ROWS = 100_000;

const paramsType: FieldType = {
  ...textType(1_000_000),
  name: "json",
  expects: 'a list of values for $1, $2, …: ["lead", 5], without NUL characters and lone surrogates',
  schema: z.array(z.unknown()).max(1_000).refine(sendable),
  fromText(text) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  },
};

/** PostgreSQL takes neither NUL nor half a surrogate pair. */
function sendable(value: unknown): boolean {
  if (typeof value === "string") return storable(value);
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(([key, member]) => storable(key) && sendable(member));
}

export const sqlRoutes = ({ kinds }: Catalog): Route[] => [
  {
    method: "POST",
    path: "/sql",
    about: "ask with a query of your own; reads only; /help/sql",
    needs: "read",
    parameters: { limit: { ...limit(MOST_ROWS), about: "rows of the answer", initially: ROWS } },
    body: {
      is: "values",
      plain: "sql",
      values: {
        sql: required(
          text(
            { about: "one query: select, with, values or table; GET /schema has tables and columns", also: ["query", "q"] },
            200_000,
          ),
        ),
        params: { type: paramsType, about: "values for $1, $2, … of the query", also: ["parameters", "values"] },
      },
      example: { sql: exampleQueries(kinds)[0]! },
    },
    answers: { is: "table" },
    refuses: ["sql_error", "not_available"],
    handle: ask,
  },
];

/** The client may leave while the query runs: then it is stopped. */
async function ask({ services, db, session, body, parameters, style, hold }: Authenticated): Promise<Answer> {
  const { sql, params } = body.values as { sql: string; params?: readonly unknown[] | null };
  readStatement(sql, db.catalog);
  const asked = single(parameters, "limit");
  const rows = asked === undefined ? ROWS : readLimit(asked, MOST_ROWS);
  const gone = new AbortController();
  const release = hold(services.config.sqlSeconds * 1_000, () => gone.abort());
  try {
    const result = await services.guests.ask(session.workspaceId, db.catalog, {
      text: sql,
      params: params ?? [],
      timezone: style.showing.zone.name,
      rows,
      signal: gone.signal,
    });
    return answerOf(result, rows, gone);
  } finally {
    release();
  }
}

function answerOf({ columns, batches, cut }: Result, most: number, gone: AbortController): Answer {
  return {
    is: "table",
    columns,
    batches(signal) {
      signal.addEventListener("abort", () => gone.abort(), { once: true });
      return batches();
    },
    ending: () => ({ cut: cut() !== undefined, notes: notesOf(cut(), most) }),
  };
}

function notesOf(cut: "rows" | "bytes" | undefined, most: number): string[] {
  if (cut === undefined) return [];
  const further = "go on behind the last row: order by id, where id > its id";
  if (cut === "bytes") return [`there is more, and the answer is as long as one may be; select fewer columns, or ${further}`];
  return [`there are more rows: limit=${Math.min(MOST_ROWS, most * 10)} takes more, ${MOST_ROWS} at most; ${further}`];
}
