import { pattern } from "./condition.ts";
import { type Statement, sql } from "./sql.ts";

const MOST_WORDS = 8;

/** What tells that a row holds every word of a search, anywhere in its searched text. */
export function holdsWords(search: string): Statement[] {
  const words = [...new Set(search.split(/\s+/))].filter((word) => /[\p{L}\p{N}]/u.test(word));
  return words.slice(0, MOST_WORDS).map(wordSql);
}

/** One or two letters only where a word begins, or they would be everywhere. */
function wordSql(word: string): Statement {
  if ([...word].length > 2) return sql`r.search like ${pattern(word)}`;
  return sql`(r.search like ${pattern(word, "")} or r.search like ${pattern(word, "% ")} or r.search like ${pattern(word, "%\n")})`;
}

/** Whether a title holds every word of a search as a whole word: the form that the index of titles knows. */
export function titleHolds(workspaceId: string, title: Statement, search: string): Statement {
  const words = sql`crm_title_words(${workspaceId}, ${search})`;
  return sql`(crm_title_words(r.workspace_id, ${title}) @> ${words} and ${words} <> '{}')`;
}
