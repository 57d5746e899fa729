import { pattern } from "./condition.ts";
import { join, type Statement, sql } from "./sql.ts";

const MOST_WORDS = 8;

/** What tells that a row holds every word of a search, anywhere in its searched text. */
export function holdsWords(search: string): Statement[] {
  const words = [...new Set(search.split(/\s+/))].filter((word) => /[\p{L}\p{N}]/u.test(word)).slice(0, MOST_WORDS);
  const long = words.filter((word) => [...word].length > 2);
  // The index knows groups of three letters. Where a longer word leads to the rows, it would be asked for each place of a short one in vain:
  // of `concat` it knows nothing.
  const searched = long.length > 0 ? sql`concat(r.search)` : sql`r.search`;
  const short = words.filter((word) => !long.includes(word));
  return [...long.map((word) => sql`r.search like ${pattern(word)}`), ...short.map((word) => beginsWord(searched, word))];
}

/** One or two letters only where a word begins, or they would be everywhere. */
function beginsWord(searched: Statement, word: string): Statement {
  const places = ["", "% ", "%\n"].map((start) => sql`${searched} like ${pattern(word, start)}`);
  return sql`(${join(places, " or ")})`;
}

/** Whether a title holds every word of a search as a whole word: the form that the index of titles knows. */
export function titleHolds(workspaceId: string, title: Statement, search: string): Statement {
  const words = sql`crm_title_words(${workspaceId}, ${search})`;
  return sql`(crm_title_words(r.workspace_id, ${title}) @> ${words} and ${words} <> '{}')`;
}
