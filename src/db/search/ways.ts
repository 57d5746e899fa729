import { count, join, once, raw, type Statement, sql } from "../../postgres/sql.ts";
import { boundedSql } from "../records/bounded.ts";
import { pattern } from "../records/condition.ts";
import { livingSql, MOST_SIMILAR, type SearchWalk, type Tier } from "./tiers.ts";
import { wordsOf } from "./words.ts";

/** Ranking looks at this many matches, the newest changed: as many as a page can show. */
const RANKED = 200;

/** All matches are gathered for the newest of them, unless there are more than this. */
const GATHERED = 10_000;

/** Where there are more, enough are soon met among this many newest records: among a million, if they are spread evenly. */
const FOLLOWED = 50_000;

/** Where the title is a body, which may be long, its beginning decides. */
const RANKED_CHARACTERS = 100;

/** One way to find the matches of a tier that ranking looks at, and whether it did: SQL over the CTE `found`. */
export type Way = { found: Statement; enough: Statement };

/**
 * All matches, unless they are many; then those among the newest, unless they are few, and besides who is called just what was searched; then
 * all however many. That someone is called so is seen accents aside, but the order of names leads to them with their accents only.
 */
export function waysOf(
  { workspaceId, table, search, conditions }: SearchWalk,
  { living, matches, called }: Tier,
): readonly [Way, Way, Way] {
  const from = (...all: Statement[]) => sql`from ${table.name} r where ${join([...all, ...conditions], " and ")}`;
  const isCalled = called ? sql`${TITLE} = ${once(sql`crm_fold(${search})`)}` : raw("false");
  // One value to sort by, its place only where two are equal: by three, sorting took more than half as long as gathering.
  const columns = (place: Statement) =>
    sql`select ${place} as place, case when ${isCalled} then r.updated_at + interval '1000 years' else r.updated_at end as newness`;
  const most = sql`limit ${count(RANKED)}`;
  const followed = sql`select r.*, ${PLACE} as place ${from(livingSql(workspaceId))} order by r.updated_at desc, r.id desc limit ${count(FOLLOWED)}`;
  const newest = sql`${columns(raw("r.place"))} from (${followed}) r where ${matches}`;
  const newestAndCalled =
    called &&
    sql`(${columns(PLACE)} ${from(livingSql(workspaceId), called, matches)} ${most}) union all (${newest} and not ${called} ${most})`;
  const matching = sql`${columns(PLACE)} ${from(living, matches)}`;
  return [
    { found: sql`${matching} limit ${count(GATHERED + 1)}`, enough: sql`count(*) <= ${count(GATHERED)}` },
    { found: newestAndCalled ?? sql`${newest} ${most}`, enough: sql`count(*) >= ${count(RANKED)}` },
    { found: matching, enough: raw("count(*) >= 0") },
  ];
}

/**
 * The best of what a way finds, each with whether it found enough: if not, there is but one row, of nulls. Who is called just what was
 * searched comes before the newest changed.
 */
export function bestSql(walk: SearchWalk, tier: Tier, { found, enough }: Way): Statement {
  const { workspaceId, view, table, query, position } = walk;
  const newest = sql`select f.place from found f where way.enough order by f.newness desc, f.place desc limit ${count(RANKED)}`;
  const at = (place: Statement) => sql`join ${table.name} r on r.workspace_id = ${workspaceId} and ${PLACE} = ${place}`;
  const shown = tier.except ? sql`where (${tier.except}) is not true` : raw("");
  // `offset 0`: PostgreSQL would put a title, and a rank, in the place of its name, and work it out each time.
  const titled = sql`select n.place, r.id, ${TITLE} as title, ${tier.called ?? raw("false")} as called from (${newest}) n ${at(raw("n.place"))} ${shown} offset 0`;
  const ranked = sql`select t.place, t.id, ${count(tier.above)} + ${rankSql(walk, tier)} as search_rank from (${titled}) t offset 0`;
  const beyond = position ? sql`where (b.search_rank, b.id) < (${position.value}::int, ${position.id})` : raw("");
  const page = sql`select * from (${ranked}) b ${beyond} order by b.search_rank desc, b.id desc limit ${count(query.limit + 1)}`;
  const best = sql`select ${table.select(view, workspaceId)}, b.id as search_id, b.search_rank from (${page}) b ${at(raw("b.place"))}`;
  const rows = sql`select best.*, way.enough, best.search_rank from (select ${enough} as enough from found) way
    left join lateral (${best}) best on true order by best.search_rank desc, best.search_id desc`;
  return sql`with found as materialized (${found}) ${boundedSql({ ...walk, rows, more: 4 })}`;
}

/** Where in the table a row is, which holds for the length of a statement: there is no shorter way back to it. */
const PLACE = raw("r.ctid");

/** The searched text begins with the title and is folded already. */
const TITLE = sql`left(split_part(r.search, chr(10), 1), ${count(RANKED_CHARACTERS)})`;

function rankSql({ search }: SearchWalk, { called }: Tier): Statement {
  const words = wordsOf(search);
  const text = words.join(" ");
  const place = sql`case when t.called then 5000 when t.title = ${once(sql`crm_fold(${search})`)} then 4000
    when t.title like ${once(pattern(text, ""))} then 3000
    when t.title like ${once(pattern(text, "% "))} then 2000 else 0 end`;
  // A title is as similar as can be to a word it has, but for a few with signs within: to find that out took a fifth of a search.
  const similarity =
    called && words.length === 1 ? raw("1") : sql`public.word_similarity(${once(sql`crm_fold(${text})`)}, t.title)`;
  return sql`(${place} + round(${count(MOST_SIMILAR)} * ${similarity}))::int`;
}
