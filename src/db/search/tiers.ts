import type { ListQuery } from "../../derive/query.ts";
import type { View } from "../../derive/view.ts";
import type { Position } from "../../kit/cursor.ts";
import { isPhone } from "../../kit/phone.ts";
import { join, type Statement, sql } from "../../postgres/sql.ts";
import { hasName } from "../../records/kind.ts";
import type { Table } from "../records/table.ts";
import { hasMost, hasSpellings, hasWords, holdsWords, isUnparted, MOST_APART, wordsOf } from "./words.ts";

/** What is looked for, and how far a walk through it has come. */
export type SearchWalk = {
  workspaceId: string;
  view: View;
  table: Table;
  query: ListQuery;
  search: string;
  /** The filters. */
  conditions: Statement[];
  position: Position | undefined;
};

/** Rows that match alike: all of one tier rank above all of the next. */
export type Tier = {
  /** What its ranks begin with. */
  above: number;
  /** The rows of the workspace that are not deleted. */
  living: Statement;
  /** Those of them that have the words. */
  matches: Statement;
  /**
   * Finds who is called just what was searched, A-Z as a-z, however many newer ones there are. Of the tier whose titles have each word as a whole
   * one.
   */
  called?: Statement;
  /** What an earlier tier has shown already. */
  except?: Statement | undefined;
  /** Planned once for all values: the index of lexemes is the way, however many have them. */
  plan: "named" | "custom";
};

/** What a title gets for its similarity, and a near miss, at most. */
export const MOST_SIMILAR = 1_000;

export const livingSql = (workspaceId: string) => sql`r.workspace_id = ${workspaceId} and r.deleted_at is null`;

/**
 * The same for the index of lexemes. Under another collation than the column's the condition fits no index that begins with the workspace:
 * without knowing how common a lexeme is, PostgreSQL would rather read all of the workspace.
 */
const livingByLexeme = (workspaceId: string) => sql`r.workspace_id = ${workspaceId} collate "default" and r.deleted_at is null`;

/**
 * `inside` is for a search that no tier has anything for. Where writing does not part words, and of numbers, what they hold is a tier like the
 * others.
 */
export function tiersOf({ workspaceId, view, table, search }: SearchWalk): { tiers: Tier[]; inside: Tier | undefined } {
  const { kind } = view;
  const { begun, titled } = hasWords(workspaceId, kind, search);
  const byLexeme = { living: livingByLexeme(workspaceId), plan: "named" } as const;
  const byLetters = {
    living: livingSql(workspaceId),
    plan: "custom",
    matches: join(holdsWords(workspaceId, kind, search), " and "),
  } as const;
  const tiers: Tier[] = [];
  if (hasName(kind)) {
    const called = sql`(${table.sortKey(kind.field(kind.title)!)} = lower(${search}::text collate "C"))`;
    tiers.push({ ...byLexeme, above: 20_000, matches: titled, called });
  }
  const except = tiers[0]?.matches;
  const lettered = isUnparted(search) || isPhone(search);
  tiers.push({ ...(lettered ? byLetters : { ...byLexeme, matches: begun }), above: 10_000, except });
  return { tiers, inside: lettered ? undefined : { ...byLetters, above: 0 } };
}

/** For a search that nothing has, where another spelling may explain that. Ranks above near misses. */
export function spelledTier({ workspaceId, view, search }: SearchWalk): Tier | undefined {
  const matches = hasSpellings(workspaceId, view.kind, wordsOf(search));
  return matches && { living: livingByLexeme(workspaceId), plan: "custom", above: 2 * MOST_SIMILAR, matches };
}

/** What has all words but one. Ranks below near misses of all. */
export function partlyTier({ workspaceId, view, search }: SearchWalk): Tier | undefined {
  const words = wordsOf(search);
  if (words.length < 2 || words.length > MOST_APART) return undefined;
  return {
    living: livingByLexeme(workspaceId),
    plan: "custom",
    above: 0,
    matches: hasMost(workspaceId, view.kind, words),
  };
}
