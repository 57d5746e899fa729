import postgres from "postgres";
import { columnsOf, TOLD } from "../../derive/columns.ts";
import { echo } from "../../kit/line.ts";
import { nearest } from "../../kit/nearest.ts";
import { Problem, type ProblemValues } from "../../kit/problem.ts";
import { isLost, tooSlow, unreachable } from "../../postgres/errors.ts";
import type { Catalog } from "../../records/catalog.ts";
import type { Kind } from "../../records/kind.ts";
import { notAvailable } from "./wall.ts";

/** Stands before the text of the caller, which must then be a query: nothing else has a cursor. */
export const BEFORE = "declare rows no scroll cursor for ";

export const sqlError = (message: string, hints: readonly string[], values: ProblemValues, cause?: unknown) =>
  new Problem("sql_error", message, hints, { values, cause });

/** Why PostgreSQL refused a query, in words for the caller: at which character, and the column or table that was probably meant. */
export function refusalOf(error: unknown, text: string, catalog: Catalog, deadlineMs: number): Problem {
  if (error instanceof Problem) return error;
  if (!(error instanceof postgres.PostgresError)) return unreachable(error);
  const { code } = error;
  if (code === "57014") return tooSlow(deadlineMs);
  if (code === "53300") return busy(error);
  if (code.startsWith("28")) return noLogin(error);
  if (isLost(error) && code !== WRONG_PARAMS) return unreachable(error);
  const at = positionOf(error);
  const own = hintOf(error, catalog, text);
  const hints = own === undefined ? (error.hint ? [oneLine(error.hint)] : []) : [own];
  const where = at === undefined ? "" : ` at character ${at}, ${echo(text.slice(at - 1), 30)}`;
  return sqlError(`${oneLine(error.message)}${where}`, hints, { sqlstate: code, ...(at && { position: at }) }, error);
}

export const tooLarge = (bytes: number) =>
  sqlError(
    `a few rows of the answer have more than ${Math.round(bytes / 1_000_000)} MB`,
    ["select fewer columns, or shorten them: left(notes, 1000)"],
    { sqlstate: "54000" },
  );

const busy = (cause: unknown) =>
  new Problem("busy", "too many queries of this workspace run already", "wait as Retry-After says, then repeat the request", {
    headers: { "Retry-After": "2" },
    cause,
  });

const noLogin = (cause: unknown) =>
  notAvailable(
    "there is no SQL here: the database does not let the workspace's role log in",
    "tell who runs this server: pg_hba.conf has to admit roles q_… from where the service runs",
    cause,
  );

export const isNoLogin = (error: unknown) => error instanceof postgres.PostgresError && error.code.startsWith("28");

/** The server puts a number of values into a statement that has another number of places. */
const WRONG_PARAMS = "08P01";

/** Characters (code points) of the caller's own text. */
function positionOf({ position }: postgres.PostgresError): number | undefined {
  const at = Number(position ?? 0) - BEFORE.length;
  return at > 0 ? at : undefined;
}

const oneLine = (message: string) => message.replace(/\s+/g, " ");

function hintOf(error: postgres.PostgresError, catalog: Catalog, text: string): string | undefined {
  const { code, message } = error;
  const tables = [...catalog.kinds.map(({ plural }) => plural), ...Object.keys(TOLD)];
  switch (code) {
    case "42501":
      if (!/for (table|view|relation|schema) /.test(message)) return undefined;
      return nearTable(/for \w+ "?([^" ]+)"?/.exec(message)?.[1] ?? "", catalog, tables);
    case "42P01":
      if (/for table "?custom"?/.test(message)) return "a member of custom is custom->>'name'";
      return nearTable(/(?:relation|table|view) "?([^" ]+)"?/.exec(message)?.[1] ?? "", catalog, tables);
    case "42703":
      return nearColumn(/column "?(.+?)"? does not exist/.exec(message)?.[1] ?? "", catalog, text);
    case "42601":
      return /multiple commands/.test(message) ? "send one query a request, without a ; between" : quotedColumn(catalog, text);
    case "42P18":
    case WRONG_PARAMS:
    case "42P02":
      return 'give a value for each of $1, $2, …: {"sql":"select * from contacts where email = $1","params":["jane@acme.com"]}';
    case "25006":
      return "POST /sql only reads: GET /help has the requests that write";
    case "22007":
      return "times are written '2026-06-01T09:00:00Z', '2026-06-01', 'today', or now() - interval '7 days'";
    case "42803":
      return "put the column behind group by, or into a sum, count, min, max";
    default:
      return undefined;
  }
}

/** Columns whose names are words of SQL. */
const WORDS_OF_SQL = ["from", "to", "end", "order", "group", "user", "default", "desc", "check", "limit", "offset", "table"];

function quotedColumn({ kinds }: Catalog, text: string): string | undefined {
  const words = new Set(text.toLowerCase().match(/[a-z_]\w*/g));
  const named = kinds.find(({ plural, fields }) => words.has(plural) && fields.some(({ name }) => WORDS_OF_SQL.includes(name)));
  const column = named?.fields.find(({ name }) => WORDS_OF_SQL.includes(name) && words.has(name));
  return column && `a column that is called like a word of SQL stands in double quotes: "${column.name}"`;
}

function nearTable(name: string, { kinds }: Catalog, tables: readonly string[]): string {
  const asked = name.replace(/^.*\./, "");
  const singular = kinds.find((kind) => kind.name === asked.toLowerCase());
  const near = singular ? [singular.plural] : nearest(asked, tables);
  return `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}tables: ${tables.join(", ")}`;
}

/** `c.nmae`, `"nmae"` or `nmae`. The tables that the text names come first. */
function nearColumn(asked: string, { kinds }: Catalog, text: string): string {
  const name = asked.replaceAll('"', "").replace(/^.*\./, "");
  const words = new Set(text.toLowerCase().match(/[a-z_]\w*/g));
  const named = kinds.filter(({ plural }) => words.has(plural));
  const columns = (kind: Kind) => columnsOf(kind).map((column) => column.name);
  const near = nearest(name, new Set(named.flatMap(columns)));
  if (near.length > 0) return `did you mean ${near.join(" or ")}? GET /schema?kind=${named[0]!.name} has all columns`;
  if (named.length === 0) return "GET /schema has all tables and their columns";
  return named
    .slice(0, 2)
    .map((kind) => `columns of ${kind.plural}: ${columns(kind).join(", ")}`)
    .join("; ");
}
