import { pattern } from "./condition.ts";
import { livingSql, type SearchWalk, type Tier } from "./searchTiers.ts";
import { count, join, once, raw, type Statement, sql } from "./sql.ts";
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
  const columns = (place: Statement) => sql`select ${place} as place, r.id, r.updated_at, ${isCalled} as called`;
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
export function bestSql(walk: SearchWalk, { above, except }: Tier, { found, enough }: Way): Statement {
  const { workspaceId, view, table, query, search, position } = walk;
  const newest = sql`select f.place from found f where way.enough order by f.called desc, f.updated_at desc, f.id desc limit ${count(RANKED)}`;
  const rows = sql`(${newest}) n join ${table.name} r on r.workspace_id = ${workspaceId} and ${PLACE} = n.place`;
  const shown = except ? sql`where (${except}) is not true` : raw("");
  // `offset 0`: PostgreSQL would put a title, and a rank, in the place of its name, and work it out each time.
  const titled = sql`select r.*, ${TITLE} as search_title from ${rows} ${shown} offset 0`;
  const ranked = sql`select r.*, ${count(above)} + ${rankSql(search)} as search_rank from (${titled}) r offset 0`;
  const beyond = position ? sql`where (r.search_rank, r.id) < (${position.value}::int, ${position.id})` : raw("");
  const best = sql`select ${table.select(view)}, r.id as search_id, r.search_rank from (${ranked}) r ${beyond}
    order by r.search_rank desc, r.id desc limit ${count(query.limit + 1)}`;
  return sql`with found as materialized (${found}) select best.*, way.enough, best.search_rank from (select ${enough} as enough from found) way
    left join lateral (${best}) best on true order by best.search_rank desc, best.search_id desc`;
}

/** Where in the table a row is, which holds for the length of a statement: there is no shorter way back to it. */
const PLACE = raw("r.ctid");

/** The searched text begins with the title and is folded already. */
const TITLE = sql`left(split_part(r.search, chr(10), 1), ${count(RANKED_CHARACTERS)})`;

function rankSql(search: string): Statement {
  const words = wordsOf(search).join(" ");
  const place = sql`case when r.search_title = ${once(sql`crm_fold(${search})`)} then 4000
    when r.search_title like ${once(pattern(words, ""))} then 3000
    when r.search_title like ${once(pattern(words, "% "))} then 2000 else 0 end`;
  return sql`(${place} + round(1000 * public.word_similarity(${once(sql`crm_fold(${words})`)}, r.search_title)))::int`;
}
