import { MOST_OFFSET, type Parameters } from "../derive/query.ts";
import { Problem } from "../kit/problem.ts";
import { createRecent } from "../kit/recent.ts";
import type { Call, Page, Reply, Said, Values } from "./dialect.ts";
import { toTheirs, type Vocabulary } from "./vocabulary.ts";

/** Pages by their numbers, over lists of ours that count rows so far and go further by cursors alone. */

/** Where walkers have come to: the cursor of a position in a list. Without it the list is walked from the last position that has a number. */
const places = createRecent<string, string>(2_000);

/** Rows that are walked at most, for a page that nobody came to page by page. */
const MOST_WALKED = 20_000;
const STRIDE = 200;

type Numbered = Page & { number: number };
type Get = (more: Parameters) => Promise<Reply>;

export async function pageNumbered(call: Call, words: Vocabulary, query: Parameters, page: Numbered, get: Get): Promise<Said> {
  const { limit, number } = page;
  const from = (number - 1) * limit;
  const list = JSON.stringify([call.session?.workspaceId, words.kind.plural, query]);
  const { json } = await get([...(await startOf(list, from, get)), ["limit", String(limit)], ["count", "true"]]);
  const rows = (json.items as Values[]).map((item) => toTheirs(words, item));
  const next = json.next_cursor as string | null;
  if (next !== null) places.set(placeOf(list, from + rows.length), next);
  const total = json.total_capped ? await countAll(json.total as number, get) : (json.total as number);
  return { is: "many", rows, page: { ...page, next, total: Math.max(total, from + rows.length) } };
}

const placeOf = (list: string, position: number) => `${position} ${list}`;

async function startOf(list: string, from: number, get: Get): Promise<Parameters> {
  if (from <= MOST_OFFSET) return [["offset", String(from)]];
  const known = places.get(placeOf(list, from));
  if (known !== undefined) return [["cursor", known]];
  if (from > MOST_OFFSET + MOST_WALKED)
    throw new Problem("invalid_value", `a list is not read from row ${from} on`, [
      "come to it page by page, by meta.next; or ask for a part of the list: where=createdAt:gte:date(2026-01-01)",
    ]);
  let start: Parameters = [["offset", String(MOST_OFFSET)]];
  for (let at = MOST_OFFSET; at < from; ) {
    const { json } = await get([...start, ["limit", String(Math.min(STRIDE, from - at))], ["fields", "id"]]);
    if (json.next_cursor === null) return [["offset", String(MOST_OFFSET)], ...PAST_THE_END];
    at += (json.items as Values[]).length;
    start = [["cursor", String(json.next_cursor)]];
  }
  return start;
}

/** A filter that no record passes: the page lies behind the end. */
const PAST_THE_END: Parameters = [["created_at", "is:null"]];

/** Our lists count so far only; the groups of a list are counted whole. */
async function countAll(capped: number, get: Get): Promise<number> {
  try {
    const { json } = await get([["group_by", "created_at:year"]]);
    const counts = (json.items as Values[]).map((group) => Object.entries(group).find(([name]) => name !== "created_at")?.[1]);
    return counts.reduce((sum: number, count) => sum + Number(count), 0);
  } catch (error) {
    if (error instanceof Problem) return capped;
    throw error;
  }
}
