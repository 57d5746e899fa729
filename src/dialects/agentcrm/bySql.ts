import type { Parameters } from "../../derive/query.ts";
import { readId } from "../../kit/id.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import type { Call, Page, Reply, Values } from "../dialect.ts";
import { queryOf } from "../verbs.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { KEPT } from "./plain.ts";
import { query } from "./sql.ts";

/**
 * Lists whose predicate says more than our filters can: it is run as a query by the role of POST /sql, which reads this workspace and nothing else, and
 * the records are then read by their ids, with the rights of who asks.
 */

/** The query of such a list with us: it finds nothing, so that no bulk change by `list=` takes other records than the predicate means. */
export const BY_SQL = "created_at=is%3Anull";

export const MOST_PREDICATE = 10_000;

/** Ids in one filter, beside the values of other filters. */
const MOST = 100;

type Asked = { predicate: string; params: unknown; after: string; limit: number };

/** Ids of the rows for which the predicate holds, in the order of ids. */
export async function idsBySql(
  call: Call,
  { table }: Vocabulary,
  { predicate, params, after, limit }: Asked,
): Promise<string[]> {
  const values = params ?? [];
  if (!Array.isArray(values))
    throw new Problem("invalid_value", "filter_params is a list of values for $1, $2, …", '"filter_params":["lead",1000]');
  // On lines of its own, for it may end with a comment.
  const sql = `select q.id from (select id from ${table.name} where (\n${predicate}\n)) q where q.id > $${values.length + 1}::text order by q.id`;
  const said = await query({ ...call, body: { sql, params: [...values, after] }, parameters: [["limit", String(limit)]] });
  return said.is === "one" ? (said.row as { rows: { id: string }[] }).rows.map(({ id }) => String(id)) : [];
}

/** A page of such a list: of the next rows of the predicate those that the filters of the request find. */
export async function foundBySql(
  call: Call,
  words: Vocabulary,
  list: Values,
  parameters: Parameters,
): Promise<{ reply: Reply; page: Page }> {
  const { kind } = words;
  const odd = parameters.find(([name]) => ["q", "search", "sort"].includes(name));
  if (odd)
    throw new Problem(
      "invalid_filter",
      `the rows of this list come by id, and ${odd[0]} is not taken`,
      "leave it out, and filter",
    );
  const after = parameters.findLast(([name]) => name === "cursor")?.[1] ?? "";
  if (after !== "" && readId(after)?.prefix !== kind.prefix)
    throw new Problem("invalid_cursor", `cursor cannot be ${echo(after)}`, "send the next_cursor of the page before");
  const asked = call.dialect.readQuery(
    parameters.filter(([name]) => name !== "cursor"),
    words,
  );
  const page = { ...asked.page, limit: Math.min(asked.page.limit, MOST) };
  const kept = ((list.custom as Values | undefined)?.[KEPT] ?? {}) as Values;
  const of = { predicate: String(kept.filter_predicate), params: kept.filter_params };
  const ids = await idsBySql(call, words, { ...of, after, limit: page.limit + 1 });
  const shown = ids.slice(0, page.limit);
  const next = ids.length > page.limit ? shown.at(-1)! : null;
  if (shown.length === 0) return { reply: { status: 200, headers: {}, json: { items: [], next_cursor: null } }, page };
  const filters = asked.query.filter(([name]) => name !== "limit");
  const asking = queryOf([["id", `in:${shown.join(",")}`], ...filters, ["limit", String(page.limit)]]);
  const reply = await call.ask("GET", `/${kind.plural}${asking}`);
  const items = (reply.json.items as Values[]).sort((a, b) => shown.indexOf(String(a.id)) - shown.indexOf(String(b.id)));
  return { reply: { ...reply, json: { ...reply.json, items, next_cursor: next } }, page };
}
