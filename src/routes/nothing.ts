import { countConditions, countLinked, countWords, MOST_COUNTED, wordsMissed } from "../db/records/absence.ts";
import { namedRecords, similarRecords } from "../db/records/references.ts";
import type { Page } from "../db/records/rows.ts";
import { nearNames } from "../db/search/search.ts";
import { MOST_APART, wordsOf } from "../db/search/words.ts";
import { askedName, type Condition } from "../derive/filter.ts";
import { type ListQuery, readListQuery } from "../derive/query.ts";
import { chosenView, type Row, rowId } from "../derive/view.ts";
import { shortId } from "../kit/id.ts";
import { echo, quoteIfNeeded } from "../kit/line.ts";
import { isPhone } from "../kit/phone.ts";
import type { Kind, Link } from "../records/kind.ts";
import type { Authenticated } from "../service/route.ts";
import { strangersAsked } from "./strangers.ts";

/** Why a list is empty. A reader, and a program more so, takes an empty list for a fact: that a company has no deals, when there is no such company. */
export async function whyNothing(context: Authenticated, kind: Kind, query: ListQuery, page: Page): Promise<string[]> {
  if (query.cursor !== undefined || query.offset) return [];
  if (page.near) return [...(await wordsApart(context, kind, query)), ...(await missed(context, kind, query, page.rows))];
  if (page.rows.length > 0) return [];
  const notes = await Promise.all(query.conditions.map((condition) => whyNotLinked(context, kind, query, condition)));
  return [
    ...notes.flat(),
    ...(await wordsApart(context, kind, query)),
    ...(await filtersApart(context, kind, query)),
    ...(await strangersAsked(context, query.conditions)),
  ];
}

/** Those whose absence says something: not of `ne` and `is:null`. */
const SAYING: readonly string[] = ["eq", "in", "contains", "starts", "holds", "lt", "lte", "gt", "gte", "all", "any"];

async function whyNotLinked(context: Authenticated, kind: Kind, query: ListQuery, condition: Condition): Promise<string[]> {
  const { via, field, predicate } = condition;
  const link = via ?? (field.link?.shown === field ? field.link : undefined);
  if (!link || !SAYING.includes(predicate.is)) return [];
  if (!via && predicate.is === "eq") return whoNotNamed(context, kind, query, link, String(predicate.value));
  const name = askedName(condition);
  const [, text] = context.parameters.find(([each]) => each === name) ?? [];
  if (text === undefined) return [];
  const own = via ? { field, predicate } : { field: link.target.titleField, predicate };
  const many = await countLinked(context.db, context.session.workspaceId, link, own);
  const asked = `${own.field.name}=${echo(text, 40)}`;
  if (many === 0) return [`no ${link.target.name} has ${asked}`];
  if (many === undefined || !isAlone(query)) return [];
  const has = many === 1 ? `${link.target.name} has` : `${link.target.plural} have`;
  return [`${told(many)} ${has} ${asked}, and no ${kind.name} links to ${many === 1 ? "it" : "one of them"}`];
}

async function whoNotNamed(context: Authenticated, kind: Kind, query: ListQuery, link: Link, name: string): Promise<string[]> {
  const { db, session } = context;
  const { target } = link;
  const named = await namedRecords(db, session.workspaceId, target, name);
  if (named.length > 0)
    return isAlone(query) ? [`${target.name} ${echo(name, 40)} is there, and no ${kind.name} links to it`] : [];
  const holding = await similarRecords(db, session.workspaceId, target, name);
  const similar = holding.length > 0 ? holding : await nearTo(context, target, name);
  return [`there is no ${target.name} ${echo(name, 40)}${similar.length > 0 ? `; did you mean ${similar.join(" or ")}?` : ""}`];
}

/** Longer names are no names, and a search takes no more. */
const LONGEST_NAME = 200;

async function nearTo({ db, session, reading }: Authenticated, target: Kind, name: string): Promise<string[]> {
  if (name.length > LONGEST_NAME || isPhone(name) || wordsOf(name).length === 0) return [];
  const query = readListQuery(
    target,
    [
      ["search", name],
      ["limit", "3"],
    ],
    reading,
  );
  const view = chosenView(target, [target.field(target.title)!]);
  const rows = await nearNames(db, session.workspaceId, view, query);
  const title = view.columns.findIndex(({ name: each }) => each === target.title) + 2;
  return rows.map((row) => `${target.name}/${shortId(rowId(row))} ${echo(String(row[title]))}`);
}

const isAlone = ({ conditions, search, words, lists }: ListQuery) =>
  conditions.length === 1 && search === undefined && words.length + lists.length === 0;

/** More filters are no question that somebody asks by hand. */
const MOST_FILTERS = 4;

/** `no contact fits all of these: stage=lead fits none, city=Hamburg 5` */
async function filtersApart(context: Authenticated, kind: Kind, query: ListQuery): Promise<string[]> {
  const { conditions, search, words, lists } = query;
  if (conditions.length < 2 || conditions.length > MOST_FILTERS || search !== undefined || words.length + lists.length > 0)
    return [];
  const asked = context.parameters.filter(([name]) => conditions.some((condition) => askedName(condition) === name));
  if (asked.length !== conditions.length) return [];
  const counts = await countConditions(context.db, context.session.workspaceId, kind, conditions);
  if (!counts) return [];
  const each = conditions.map((condition, i) => {
    const name = askedName(condition);
    const [found] = asked.splice(
      asked.findIndex(([each]) => each === name),
      1,
    );
    return `${name}=${quoteIfNeeded(found![1].slice(0, 40))} fits ${told(counts[i]!)}`;
  });
  return [`no ${kind.name} fits all of these: ${each.join(", ")}`];
}

/** `no contact has both: 16 have "kowalski", 16 have "katja"` */
async function wordsApart(context: Authenticated, kind: Kind, query: ListQuery): Promise<string[]> {
  const words = wordsAsked(query);
  if (words.length < 2) return [];
  const counts = await countWords(context.db, context.session.workspaceId, kind, query.conditions, words);
  if (!counts) return [];
  return [toldApart(kind.name, words, counts)];
}

/** The words of a search that are told of one by one. */
export function wordsAsked({ search }: Pick<ListQuery, "search">): string[] {
  if (search === undefined || isPhone(search)) return [];
  const words = wordsOf(search);
  return words.length > MOST_APART ? [] : words;
}

export function toldApart(name: string, words: readonly string[], counts: readonly number[]): string {
  const each = words.map((word, i) => `${told(counts[i]!)} ${counts[i] === 1 ? "has" : "have"} ${echo(word)}`);
  return `no ${name} has ${words.length === 2 ? "both" : "all of them"}: ${each.join(", ")}`;
}

/** `c_5h2k8m3q and c_t4v6w8y0 have no "katja"`: which near miss misses which word, of a search for several. */
export async function missed(
  { db, session }: Authenticated,
  kind: Kind,
  query: Pick<ListQuery, "search">,
  rows: readonly Row[],
): Promise<string[]> {
  const words = wordsAsked(query);
  if (words.length < 2 || rows.length === 0) return [];
  const lacking = await wordsMissed(db, session.workspaceId, kind, rows.map(rowId), words);
  const byWords = new Map<string, string[]>();
  for (const row of rows) {
    const lacked = (lacking.get(rowId(row)) ?? []).map((word) => echo(word)).join(" and no ");
    if (lacked !== "") byWords.set(lacked, [...(byWords.get(lacked) ?? []), shortId(rowId(row))]);
  }
  return [...byWords].map(([lacked, ids]) => `${ids.join(", ")} ${ids.length === 1 ? "has" : "have"} no ${lacked}`);
}

const told = (many: number) => (many === 0 ? "none" : many > MOST_COUNTED ? `${MOST_COUNTED}+` : String(many));
