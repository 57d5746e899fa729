import { isInternational, isPhone, phoneDigits } from "../../kit/phone.ts";
import { spellings } from "../../kit/spelling.ts";
import { isSearchable } from "../../kit/words.ts";
import { join, once, raw, type Statement, sql } from "../../postgres/sql.ts";
import { hasName, type Kind } from "../../records/kind.ts";
import { pattern } from "../records/condition.ts";

const MOST_WORDS = 8;
/** More words of a search than these are not looked at one by one. */
export const MOST_APART = 4;
const MOST_PARTS = 16;

/** Signs around a word are its sentence's, but for those that words are meant with: `C++`, `#1`, `@acme`. */
const BEGINS = /[\p{L}\p{N}\p{M}@#+]/u;
const ENDS = /[\p{L}\p{N}\p{M}#+]/u;
const WITHIN = /[^\p{L}\p{N}\p{M}]+/u;

const LEAST_NATIONAL = 6;
const MOST_COUNTRY_DIGITS = 3;

const distinct = (words: readonly string[], most: number) => [...new Set(words)].filter((word) => word !== "").slice(0, most);

/** What a search looks for: what is between spaces, if there is a letter or a digit in it. */
export const wordsOf = (search: string): string[] =>
  distinct(
    search.split(/\s+/).map((word) => (isSearchable(word) ? withoutSigns(word) : "")),
    MOST_WORDS,
  );

/** By hand: a regular expression that looks for the end of a word from each of its signs is quadratic. */
function withoutSigns(word: string): string {
  const letters = [...word];
  const start = letters.findIndex((letter) => BEGINS.test(letter));
  const end = letters.findLastIndex((letter) => ENDS.test(letter));
  return letters.slice(start, end + 1).join("");
}

/**
 * What tells that a row has every word of a search where words begin, or that its title has each as a whole word: forms that the index of
 * lexemes knows. A lexeme has no signs in it, so the words are held against the text too; that is quicker than splitting it, and not with
 * `like`, which the index of letters would offer to find.
 */
export function hasWords(workspaceId: string, kind: Kind, search: string): { begun: Statement; titled: Statement } {
  const words = wordsOf(search);
  const has = (text: Statement, mark: string, ending: string) => {
    const stand = words.map((word) => stands(word, text));
    return join([...stand, leads(workspaceId, kind, mark, [words.join(" ")], ending)], " and ");
  };
  return { begun: has(raw("r.search"), " ", ":*"), titled: has(raw("split_part(r.search, E'\\n', 1)"), "=", "") };
}

/**
 * What tells that a row has every word, each as it is or in another spelling, as a whole word, of the last also a beginning. Undefined where no
 * word has another.
 */
export function hasSpellings(workspaceId: string, kind: Kind, words: readonly string[]): Statement | undefined {
  const others = words.length > MOST_APART ? [] : words.map(spellings);
  if (others.every((each) => each.length === 0)) return undefined;
  const query = (word: string, ending = "") => sql`crm_lexeme_query(${workspaceId}, ' ', ${word}, ${ending})`;
  const queries = words.map((word, i) => {
    const itself = query(word, i === words.length - 1 ? ":*" : "");
    return sql`(${join([itself, ...others[i]!.map((each) => query(each))], " || ")})`;
  });
  // A spelling is letters alone, and those a lexeme is made of.
  const signed = words.filter((_, i) => others[i]!.length === 0).map((word) => stands(word, raw("r.search")));
  return join([...signed, sql`${lexemes(kind)} @@ ${once(join(queries, " && "))}`], " and ");
}

/** What tells that a row has all of the words but one. */
export function hasMost(workspaceId: string, kind: Kind, words: readonly string[]): Statement {
  const all = words.map((_, missed) => words.filter((__, i) => i !== missed));
  const stand = all.map(
    (each) =>
      sql`(${join(
        each.map((word) => stands(word, raw("r.search"))),
        " and ",
      )})`,
  );
  const texts = all.map((each) => each.join(" "));
  return sql`(${join(stand, " or ")}) and ${leads(workspaceId, kind, " ", texts, "")}`;
}

/** What tells that a row holds every word of a search, anywhere in its searched text, also inside words; a word with signs in it by its parts. */
export function holdsWords(workspaceId: string, kind: Kind, search: string): Statement[] {
  if (isPhone(search)) return [hasNumber(workspaceId, kind, search)];
  const parts = distinct(
    wordsOf(search).flatMap((word) => word.split(WITHIN)),
    MOST_PARTS,
  );
  const long = parts.filter((part) => [...part].length > 2 || isUnparted(part));
  // Where a longer one leads to the rows, the index would be asked for each place of a short one in vain: of `concat` it knows nothing.
  const hidden = long.length > 0 ? raw("concat(r.workspace_id)") : undefined;
  return parts.map((part) =>
    long.includes(part)
      ? sql`r.search like ${pattern(part)}`
      : // One or two letters only where a word begins, or they would be everywhere.
        sql`(${stands(part, raw("r.search"))} and ${leads(workspaceId, kind, " ", [part], ":*", hidden)})`,
  );
}

/**
 * What tells that a row has a number as words, or a phone number with these digits in a row. Where its country comes first, also one that is
 * kept without, whose line has no other digits: `+493012345` is `030 12345`.
 */
function hasNumber(workspaceId: string, kind: Kind, search: string): Statement {
  const { begun } = hasWords(workspaceId, kind, search);
  const alike = phoneDigits(search).flatMap((digits) => [
    sql`r.search like ${`%${digits}%`}`,
    ...(isInternational(search) ? nationalLines(digits) : []),
  ]);
  return sql`(${join([begun, ...alike], " or ")})`;
}

/** The digits of further numbers stand on one line, a blank before each (`crm_digits_of`). */
function nationalLines(digits: string): Statement[] {
  const countries = Math.max(0, Math.min(MOST_COUNTRY_DIGITS, digits.length - LEAST_NATIONAL));
  return Array.from({ length: countries }, (_, i) => digits.slice(i + 1)).flatMap((national) => [
    sql`r.search like ${`%\n${national}\n%`}`,
    sql`r.search ~ ${`\n( [0-9]+)* ${national}[ \n]`}`,
  ]);
}

const lexemes = (kind: Kind, workspace = raw("r.workspace_id")): Statement =>
  sql`crm_lexemes(${workspace}, ${hasName(kind) ? raw("r.search") : raw("E'\\n' || r.search")})`;

/** The index of lexemes leads to the rows that have all words of one of `texts`, the last with `ending`. */
function leads(
  workspaceId: string,
  kind: Kind,
  mark: string,
  texts: readonly string[],
  ending: string,
  workspace?: Statement,
): Statement {
  const queries = texts.map((text) => sql`crm_lexeme_query(${workspaceId}, ${mark}, ${text}, ${ending})`);
  return sql`${lexemes(kind, workspace)} @@ ${once(join(queries, " || "))}`;
}

const stands = (word: string, text: Statement): Statement => sql`strpos(${text}, ${once(sql`crm_fold(${word})`)}) > 0`;

/** Writings that put nothing between words, or little, so that a word is mostly found inside what looks like one. */
const UNPARTED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

export const isUnparted = (search: string): boolean => UNPARTED.test(search);
