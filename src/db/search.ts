import { DEFAULT_LIMIT, type ListQuery } from "../derive/query.ts";
import type { Row, View } from "../derive/render.ts";
import { type Position, writeCursor } from "../kit/cursor.ts";
import type { Seal } from "../kit/seal.ts";
import { fieldOf } from "../records/define.ts";
import type { RowsOptions } from "./client.ts";
import { conditionSql, pattern } from "./condition.ts";
import type { Database } from "./database.ts";
import { nearMisses } from "./nearMisses.ts";
import { inTime, long } from "./patience.ts";
import { resolveConditions } from "./references.ts";
import { countRows, type Page, readPosition } from "./rows.ts";
import { count, join, raw, type Statement, sql } from "./sql.ts";
import { type Table, tableOf } from "./table.ts";
import { hasTitle, hasWords, holdsWords, isUnparted, once, wordsOf } from "./words.ts";

/** Ranking looks at this many matches, the newest changed: as many as a page can show. */
const RANKED = 200;

/** All matches are gathered for the newest of them, unless there are more than this. */
const GATHERED = 5_000;

/** Where there are more, enough are soon met among this many newest records: among a million, if they are spread evenly. */
const FOLLOWED = 50_000;

/** Where the title is a body, which may be long, its beginning decides. */
const RANKED_CHARACTERS = 100;

/** What is looked for, and how far a walk through it has come. */
type Walk = {
  workspaceId: string;
  view: View;
  table: Table;
  query: ListQuery;
  search: string;
  /** The filters. */
  conditions: Statement[];
  position: Position | undefined;
  reach: "words" | "all";
};

/** Rows that match alike: all of one tier rank above all of the next. */
type Tier = {
  /** What its ranks begin with. */
  above: number;
  /** The rows of the workspace that are not deleted, and those that match. */
  living: Statement;
  matches: Statement;
  /** Finds who is called just what was searched, accents aside, however many newer ones there are. */
  named?: Statement;
  /** What an earlier tier has shown already. */
  except?: Statement | undefined;
  /** Planned once for all values: the index of lexemes is the way, however many have them. */
  plan: "named" | "custom";
};

/**
 * The rows that have every word, best first: those whose title has each as a whole word, then those with a word that begins so; where there
 * are none, those with each inside a word, and where there are none of these, near misses. Each tier by the title - the search itself, then titles
 * that begin with it, then those with it at the start of a word, each by word similarity (pg_trgm). With `words` only what has the words.
 */
export async function searchRows(
  db: Database,
  workspaceId: string,
  view: View,
  query: ListQuery,
  binding: readonly string[],
  seal: Seal,
  reach: "words" | "all" = "all",
): Promise<Page> {
  const { definition } = view;
  const table = tableOf(definition, db.dictionary);
  const search = query.search ?? "";
  const conditions = (await resolveConditions(db, workspaceId, query.conditions)).map((condition) =>
    conditionSql(table, condition),
  );
  const list = [workspaceId, ...binding, ...query.identity];
  const position = query.cursor === undefined ? undefined : readPosition(query.cursor, list, seal);
  const walk = { workspaceId, view, table, query, search, conditions, position, reach };

  const { rows, tier } = await inTime(definition, query, () => bestRows(db, walk));
  if (rows.length === 0 && !position && reach === "all") {
    const scope = [livingSql(workspaceId), ...conditions];
    const words = wordsOf(search).join(" ");
    const near = await nearMisses(db, workspaceId, table, view, scope, words, query.limit);
    return { rows: near, nextCursor: null, near: near.length > 0 };
  }
  const counted = () => countRows(db, workspaceId, table, definition, [tier.living, ...conditions, tier.matches]);
  const total = query.count ? await inTime(definition, query, counted) : undefined;
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  const nextCursor =
    rows.length > query.limit && last ? writeCursor({ value: last.at(-1) as number, id: last[0] as string }, list, seal) : null;
  return { rows: page, nextCursor, ...(total && { total }) };
}

const livingSql = (workspaceId: string) => sql`r.workspace_id = ${workspaceId} and r.deleted_at is null`;

/**
 * The same for the index of lexemes. Under another collation than the column's the condition fits no index that begins with the workspace: without
 * knowing how common a lexeme is, PostgreSQL would rather read all of the workspace.
 */
const livingByLexeme = (workspaceId: string) => sql`r.workspace_id = ${workspaceId} collate "default" and r.deleted_at is null`;

/** A page and at least one row more, if there is one, and the last tier it comes from. */
async function bestRows(db: Database, walk: Walk): Promise<{ rows: readonly Row[]; tier: Tier }> {
  const { query, position, reach } = walk;
  const { tiers, inside } = tiersOf(walk);
  const last = tiers.at(-1)!;
  const reached = (tier: Tier) => position !== undefined && (position.value as number) < tier.above;
  const rows: Row[] = [];
  for (const tier of tiers) if (!reached(tier) && rows.length <= query.limit) rows.push(...(await tierRows(db, walk, tier)));
  if (inside && reach === "all" && (position ? reached(last) : rows.length === 0))
    return { rows: await tierRows(db, walk, inside), tier: inside };
  return { rows, tier: last };
}

/** `inside` is for a search that no tier has anything for. Where writing does not part words, it is a tier like the others. */
function tiersOf({ workspaceId, view, table, search }: Walk): { tiers: Tier[]; inside: Tier | undefined } {
  const { definition } = view;
  const { begun, titled } = hasWords(workspaceId, definition, search);
  const byLexeme = { living: livingByLexeme(workspaceId), plan: "named" } as const;
  const byLetters = {
    living: livingSql(workspaceId),
    plan: "custom",
    matches: join(holdsWords(workspaceId, definition, search), " and "),
  } as const;
  const tiers: Tier[] = [];
  if (hasTitle(definition)) {
    const named = sql`(${table.sortKey(fieldOf(definition, definition.title)!)} = lower(${search}::text collate "C"))`;
    tiers.push({ ...byLexeme, above: 20_000, matches: titled, named });
  }
  const except = tiers[0]?.matches;
  const unparted = isUnparted(search);
  tiers.push({ ...(unparted ? byLetters : { ...byLexeme, matches: begun }), above: 10_000, except });
  return { tiers, inside: unparted ? undefined : { ...byLetters, above: 0 } };
}

/** One way to find the matches of a tier that ranking looks at, and whether it did: SQL over the CTE `found`. */
type Way = { found: Statement; enough: Statement };

async function tierRows(db: Database, walk: Walk, tier: Tier): Promise<readonly Row[]> {
  const { workspaceId, view, query, search } = walk;
  const plain = query.conditions.length === 0;
  const options: RowsOptions = { ...long(workspaceId), plan: plain && query.limit === DEFAULT_LIMIT ? tier.plan : "custom" };
  const asked = plain ? `${workspaceId} ${view.definition.plural} ${tier.above} ${search}` : undefined;
  const [all, newest, however] = waysOf(walk, tier);
  for (const way of asked && common.has(asked) ? [newest, all, however] : [all, newest, however]) {
    const rows = await db.pool.rows(bestSql(walk, tier, way), options);
    const [first] = rows;
    if (first!.at(-2)) return first![0] === null ? [] : rows;
    if (asked) remember(asked, way === all);
  }
  throw new Error("the last way finds enough whatever it finds");
}

/** Searches that had too many matches to gather, of late: those begin with the newest, which takes half the time. */
const common = new Set<string>();
const MOST_REMEMBERED = 1_000;

function remember(asked: string, isCommon: boolean): void {
  common.delete(asked);
  if (!isCommon || asked.length > 200) return;
  if (common.size >= MOST_REMEMBERED) common.delete(common.values().next().value!);
  common.add(asked);
}

/** All matches, unless they are many; then those among the newest, unless they are few; then all however many. */
function waysOf({ workspaceId, table, search, conditions }: Walk, { living, matches, named }: Tier): readonly [Way, Way, Way] {
  const from = (...all: Statement[]) => sql`from ${table.name} r where ${join([...all, ...conditions], " and ")}`;
  const columns = sql`select r.id, r.updated_at, ${named ? sql`${TITLE} = ${once(sql`crm_fold(${search})`)}` : raw("false")} as named`;
  const most = sql`limit ${count(RANKED)}`;
  const followed = sql`select r.* ${from(livingSql(workspaceId))} order by r.updated_at desc, r.id desc limit ${count(FOLLOWED)}`;
  const newest = sql`${columns} from (${followed}) r where ${matches}`;
  const newestAndNamed =
    named &&
    sql`(${columns} ${from(livingSql(workspaceId), named, matches)} ${most}) union all (${newest} and not ${named} ${most})`;
  const matching = sql`${columns} ${from(living, matches)}`;
  return [
    { found: sql`${matching} limit ${count(GATHERED + 1)}`, enough: sql`count(*) <= ${count(GATHERED)}` },
    { found: newestAndNamed ?? sql`${newest} ${most}`, enough: sql`count(*) >= ${count(RANKED)}` },
    { found: matching, enough: raw("count(*) >= 0") },
  ];
}

/**
 * The best of what a way finds, each with whether it found enough: if not, there is but one row, of nulls. Before the newest changed comes who is
 * called just what was searched, however many newer ones there are.
 */
function bestSql(walk: Walk, { above, except }: Tier, { found, enough }: Way): Statement {
  const { workspaceId, view, table, query, search, position } = walk;
  const newest = sql`select f.id from found f where way.enough order by f.named desc, f.updated_at desc, f.id desc limit ${count(RANKED)}`;
  const rows = sql`(${newest}) n join ${table.name} r on r.workspace_id = ${workspaceId} and r.id = n.id`;
  const shown = except ? sql`where (${except}) is not true` : raw("");
  // `offset 0`: PostgreSQL would put the rank in the place of its name, and work it out each time.
  const ranked = sql`select r.*, ${count(above)} + ${rankSql(search)} as search_rank from ${rows} ${shown} offset 0`;
  const beyond = position ? sql`where (r.search_rank, r.id) < (${position.value}::int, ${position.id})` : raw("");
  const best = sql`select ${table.select(view)}, r.id as search_id, r.search_rank from (${ranked}) r ${beyond}
    order by r.search_rank desc, r.id desc limit ${count(query.limit + 1)}`;
  return sql`with found as materialized (${found}) select best.*, way.enough, best.search_rank from (select ${enough} as enough from found) way
    left join lateral (${best}) best on true order by best.search_rank desc, best.search_id desc`;
}

/** The searched text begins with the title and is folded already. */
const TITLE = sql`left(split_part(r.search, chr(10), 1), ${count(RANKED_CHARACTERS)})`;

function rankSql(search: string): Statement {
  const words = wordsOf(search).join(" ");
  const place = sql`case when ${TITLE} = ${once(sql`crm_fold(${search})`)} then 4000 when ${TITLE} like ${once(pattern(words, ""))} then 3000 when ${TITLE} like ${once(pattern(words, "% "))} then 2000 else 0 end`;
  return sql`(${place} + round(1000 * public.word_similarity(${once(sql`crm_fold(${words})`)}, ${TITLE})))::int`;
}
