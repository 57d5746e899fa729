import { fieldOf, type RecordDefinition } from "../records/define.ts";
import { pattern } from "./condition.ts";
import { join, raw, type Statement, sql } from "./sql.ts";

const MOST_WORDS = 8;

/** What a search looks for: what is between spaces, if there is a letter or a digit in it. */
const wordsOf = (search: string) =>
  [...new Set(search.split(/\s+/))].filter((word) => /[\p{L}\p{N}]/u.test(word)).slice(0, MOST_WORDS);

/** What tells that a row holds every word of a search, anywhere in its searched text, also inside words. */
export function holdsWords(search: string): Statement[] {
  const words = wordsOf(search);
  const long = words.filter((word) => [...word].length > 2 || isUnparted(word));
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

/** Whether what names a record is a name. The body of an activity is not: the words of its first line say no more than the others. */
export const hasTitle = (definition: RecordDefinition): boolean => fieldOf(definition, definition.title)!.sort === true;

/** What stands around a word in a sentence. */
const AROUND = /^[("'«„“‘¿¡]+|[)"'»“”’,;.:!?…]+$/gu;

/**
 * What tells that a row has every word of a search where words begin, or that its title has each as a whole word: forms that the index of
 * lexemes knows. A lexeme has no signs in it, so the words are held against the text too; that is quicker than splitting it, and not with
 * `like`, which the index of letters would offer to find.
 */
export function hasWords(
  workspaceId: string,
  definition: RecordDefinition,
  search: string,
): { begun: Statement; titled: Statement } {
  const words = wordsOf(search).map((word) => word.replace(AROUND, ""));
  const searched = hasTitle(definition) ? raw("r.search") : raw("E'\\n' || r.search");
  const has = (text: Statement, mark: string, ending: string) => {
    const each = words.map((word) => sql`strpos(${text}, ${once(sql`crm_fold(${word})`)}) > 0`);
    const query = sql`crm_lexeme_query(${workspaceId}, ${mark}, ${words.join(" ")}, ${ending})`;
    return join([...each, sql`crm_lexemes(r.workspace_id, ${searched}) @@ ${once(query)}`], " and ");
  };
  return { begun: has(raw("r.search"), " ", ":*"), titled: has(raw("split_part(r.search, E'\\n', 1)"), "=", "") };
}

/** Worked out once for all rows. It also hides the value from the planner, so that a plan is as good for one as for another. */
export const once = (value: Statement): Statement => sql`(select ${value})`;

/** Writings that put nothing between words, so that a word is mostly found inside what looks like one. */
const UNPARTED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

export const isUnparted = (search: string): boolean => UNPARTED.test(search);
