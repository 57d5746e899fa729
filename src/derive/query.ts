import { countValues } from "../fields/predicate.ts";
import type { Reading } from "../fields/type.ts";
import { withLetters } from "../kit/domain.ts";
import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import { compatible } from "../kit/text.ts";
import { isSearchable } from "../kit/words.ts";
import { type Field, isRecord, type Kind, type Link } from "../records/kind.ts";
import { LIST_PARAMETERS } from "../records/reserved.ts";
import { fieldAcross, readExpand } from "./across.ts";
import { type Condition, guardText, readFilter } from "./filter.ts";
import { type Grouping, readGrouping } from "./grouping.ts";

/** `signed`: the value with the `+` that nobody encoded, where it begins so. */
export type Parameters = readonly (readonly [name: string, value: string, signed?: string])[];

export type ListQuery = {
  conditions: readonly Condition[];
  search: string | undefined;
  /** Searches of saved lists: filters, whatever the order. */
  words: readonly string[];
  /** The saved lists that it names. */
  lists: readonly string[];
  sort: { field: Field; descending: boolean; asked: boolean };
  /** Rows a page. */
  limit: number;
  /** All of it as one stream, in place of a page. */
  whole: boolean;
  cursor: string | undefined;
  /** Rows to skip, for those who page by numbers. */
  offset: number | undefined;
  /** The fields to show, where the caller chose them. */
  fields: readonly Field[] | undefined;
  /** The links whose records are shown too. */
  expand: readonly Link[];
  /** Whether to count all rows that match. */
  count: boolean;
  /** Whether deleted records are among them, or are all there is. */
  deleted: Deleted | undefined;
  /** Asked to add the rows up instead of showing them. */
  grouping: Grouping | undefined;
  /** The parameters that decide which rows come in which order: a cursor holds for these only. */
  identity: readonly string[];
};

export const DELETED = ["include", "only"] as const;
export type Deleted = (typeof DELETED)[number];

export const DEFAULT_LIMIT = 50;

/** An offset reads what it skips, so it is bounded; so far a list that has one is counted exactly. */
export const MOST_OFFSET = 10_000;

/** Characters: a title that was pasted whole. */
export const LONGEST_SEARCH = 500;
/** Of one list, and the values in all its filters: each is a condition that the database holds against every row. */
const MOST_FILTERS = 30;
const MOST_VALUES = 200;

/** Reads the parameters of a list (contract, section 6). Nothing is ignored: what it does not know is refused by name. */
export function readListQuery(kind: Kind, sent: Parameters, reading: Reading, maxLimit = 200): ListQuery {
  const grouping = readGrouping(kind, sent);
  const parameters = grouping ? sent.filter(([name]) => name !== "sort" && name !== "limit") : sent;
  const once = (name: (typeof LIST_PARAMETERS)[number]) => single(parameters, name);
  const filters = parameters.filter(([name]) => !(LIST_PARAMETERS as readonly string[]).includes(name));
  const lists = readLists(kind, parameters);
  if (filters.length + lists.length > MOST_FILTERS) throw tooMany(`${filters.length} filters`, `${MOST_FILTERS} filters`);
  const search = readSearch(kind, singleSigned(parameters, "search"));
  const sort = readSort(kind, once("sort"));
  // Loops in shells begin with an empty one.
  const cursor = once("cursor") || undefined;
  const offset = readOffset(once("offset"));
  if (offset !== undefined) refuseOffset(kind, { search, sort, cursor });
  const whole = once("limit") === ALL;
  const count = isSet(parameters, "count");
  if (whole) refuseWhole(kind, { search, sort, count });
  return {
    conditions: readConditions(kind, filters, reading),
    search,
    words: [],
    lists,
    sort,
    whole,
    limit: readLimit(once("limit"), maxLimit, true),
    cursor,
    offset,
    fields: readFields(kind, parameters),
    expand: readExpand(kind, parameters),
    count,
    deleted: readDeleted(kind, parameters, search !== undefined && !sort.asked),
    grouping,
    identity: parameters
      .filter(([name]) => !["cursor", "offset", "limit", "fields", "expand", "count", "format", "pretty"].includes(name))
      .map(([name, value]) => `${name}=${value}`)
      .sort(),
  };
}

/** `ranked`: in a search that comes best first, which knows the living only. */
export function readDeleted(kind: Kind, parameters: Parameters, ranked = false): Deleted | undefined {
  const asked = single(parameters, "deleted");
  if (asked === undefined) return undefined;
  if (!kind.field("deleted_at")) throw new Problem("invalid_filter", `${kind.plural} are not deleted`, "leave deleted= out");
  const deleted = DELETED.find((each) => each === asked.toLowerCase());
  if (!deleted)
    throw new Problem(
      "invalid_value",
      `deleted cannot be ${echo(asked)}`,
      "deleted=include or deleted=only; living records come without",
    );
  if (!ranked) return deleted;
  throw new Problem("invalid_value", "a search that comes best first knows no deleted records", "send sort=-updated_at too");
}

function readConditions(kind: Kind, filters: Parameters, reading: Reading): Condition[] {
  let values = 0;
  return filters.map(([name, value, signed]) => {
    const condition = readFilter(kind, name, value, reading, signed);
    values += countValues(condition.predicate);
    if (values > MOST_VALUES) throw tooMany(`more than ${MOST_VALUES} values`, `${MOST_VALUES} values in all its filters`);
    return condition;
  });
}

function tooMany(found: string, most: string): Problem {
  return new Problem("invalid_filter", `the list has ${found}`, `a list takes at most ${most}; ask in several requests`);
}

/** The value of a parameter that may stand once. */
export const single = (parameters: Parameters, name: string): string | undefined => only(parameters, name)?.[1];

/** The same of one that may be a phone number. */
export function singleSigned(parameters: Parameters, name: string): string | undefined {
  const found = only(parameters, name);
  return found?.[2] ?? found?.[1];
}

function only(parameters: Parameters, name: string): Parameters[number] | undefined {
  let times = 0;
  let found: Parameters[number] | undefined;
  for (const parameter of parameters) {
    if (parameter[0] !== name) continue;
    times += 1;
    found = parameter;
  }
  if (times > 1) throw new Problem("bad_request", `${name} stands ${times} times`, `send ${name} once`);
  return found;
}

function readSearch(kind: Kind, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (!kind.fields.some((field) => field.search))
    throw new Problem("invalid_filter", `${kind.plural} cannot be searched`, "filter by a field, or GET /search?q=…");
  if (text.length > LONGEST_SEARCH)
    throw new Problem(
      "invalid_value",
      `search has ${text.length} characters`,
      `send at most ${LONGEST_SEARCH}: a few words are enough`,
    );
  guardText("search", text);
  if (!isSearchable(text))
    throw new Problem("invalid_value", `search has no word in it: ${echo(text)}`, [
      "send words to look for: search=acme",
      `signs are found by ${kind.title}=like:…`,
    ]);
  // As the searched text is folded.
  return compatible(withLetters(text)).trim();
}

/** `list=hot-leads`; several are AND-ed. */
function readLists(kind: Kind, parameters: Parameters): string[] {
  const lists = parameters.filter(([name]) => name === "list").map(([, asked]) => asked.trim());
  if (lists.length > 0 && !isRecord(kind))
    throw new Problem("invalid_filter", `${kind.plural} are on no list`, "leave list out: saved lists are of records");
  if (lists.includes("")) throw new Problem("invalid_value", "list is empty", "GET /lists shows what there is");
  return lists;
}

function readSort(kind: Kind, asked: string | undefined): ListQuery["sort"] {
  const order = asked ?? kind.order;
  const descending = order.startsWith("-");
  const field = kind.field(descending ? order.slice(1) : order);
  if (field?.sort) return { field, descending, asked: asked !== undefined };
  const names = kind.fields.filter((each) => each.sort).map((each) => each.name);
  const [, bare = order, direction] = /^[-+]?(.*?)(?:[:. ,](asc|desc))?$/i.exec(order) ?? [];
  const sign = /^-/.test(order) || /desc/i.test(direction ?? "") ? "-" : "";
  const near = nearest(bare, names, names.includes(bare) ? 1 : 3).map((name) => (direction ? sign + name : name));
  throw new Problem("invalid_sort", `${kind.plural} cannot be sorted by ${echo(order)}`, [
    `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}sort by: ${names.join(", ")}; sort=-${names[0]} is descending`,
  ]);
}

/** What `limit=` says to have all of a list. */
export const ALL = "all";

/** A ranking is known only page by page, and a list that is shown whole tells at its end how much it was. */
function refuseWhole(kind: Kind, { search, sort, count }: Pick<ListQuery, "search" | "sort" | "count">): void {
  if (search !== undefined && !sort.asked)
    throw new Problem("invalid_value", "limit=all cannot be had of a search, which comes best first", [
      `in an order every match comes: GET /${kind.plural}?search=…&sort=${kind.order}&limit=all`,
    ]);
  if (count)
    throw new Problem(
      "invalid_value",
      "limit=all comes with its count at the end",
      "leave count out; count=true goes with a page",
    );
}

/** `orAll`: the list can be had whole too. */
export function readLimit(text: string | undefined, most: number, orAll = false): number {
  if (orAll && text === ALL) return most;
  if (text === undefined) return Math.min(DEFAULT_LIMIT, most);
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= most) return limit;
  throw new Problem(
    "invalid_value",
    `limit cannot be ${echo(text)}`,
    `limit is a number from 1 to ${most}; more rows come page by page${orAll ? `; all at once: limit=${ALL}` : ""}`,
  );
}

function readOffset(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const offset = /^\d{1,15}$/.test(text) ? Number(text) : -1;
  if (offset >= 0 && offset <= MOST_OFFSET) return offset;
  throw new Problem("invalid_value", `offset cannot be ${echo(text)}`, [
    `offset is a number from 0 to ${MOST_OFFSET}`,
    "a cursor goes on as far as the list goes: repeat the request with cursor= and the cursor of # next: (in JSON next_cursor)",
  ]);
}

/** A cursor says where to begin already, and the ranking of a search is known only as far as its pages were read. */
function refuseOffset(kind: Kind, { search, sort, cursor }: Pick<ListQuery, "search" | "sort" | "cursor">): void {
  if (cursor !== undefined)
    throw new Problem("invalid_value", "offset and cursor both say where to begin", [
      "leave offset out: the cursor goes on where its page ended",
    ]);
  if (search !== undefined && !sort.asked)
    throw new Problem("invalid_value", "offset cannot count in a search, which comes best first", [
      `give it an order: sort=${kind.order}; or go on with cursor=`,
    ]);
}

/** `fields=name,email,company.industry`, in the order they are asked in; generated clients write `fields=name&fields=email`. */
export function readFields(kind: Kind, parameters: Parameters): readonly Field[] | undefined {
  const asked = parameters.filter(([name]) => name === "fields").flatMap(([, list]) => list.split(","));
  if (asked.length === 0) return undefined;
  const names = new Set(asked.map((name) => name.trim()));
  return [...names].map((name) => kind.field(name) ?? fieldAcross(kind, name) ?? refuseField(kind, name));
}

function refuseField(kind: Kind, name: string): never {
  const known = kind.fields.map((field) => field.name);
  const near = nearest(name, known);
  throw new Problem("invalid_field", `${kind.plural} have no field ${echo(name)}`, [
    `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}fields: ${known.join(", ")}`,
  ]);
}

/** Reads a parameter that is set or not. A value that cannot be read is refused: what was meant as a dry run must not be a write. */
export function isSet(parameters: Parameters, name: string): boolean {
  const asked = single(parameters, name)?.toLowerCase();
  if (asked === undefined || ["false", "0", "no"].includes(asked)) return false;
  if (["true", "1", "yes", ""].includes(asked)) return true;
  throw new Problem("invalid_value", `${name} cannot be ${echo(asked)}`, `${name}=true or ${name}=false`);
}

/** Parameters as the query of an address, without some of them. */
export const queryWithout = (parameters: Parameters, names: readonly string[]): string =>
  parameters
    .filter(([name]) => !names.includes(name))
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join("&");
