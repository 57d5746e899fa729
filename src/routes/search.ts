import { usedKinds } from "../db/kinds/kinds.ts";
import { countWords } from "../db/records/absence.ts";
import type { Page } from "../db/records/rows.ts";
import { MOST_NEAR, type Reach, searchRows } from "../db/search/search.ts";
import { limit } from "../derive/parameters.ts";
import { type ListQuery, readListQuery, single, singleSigned } from "../derive/query.ts";
import type { Row, View } from "../derive/view.ts";
import { required, text } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import type { Kind } from "../records/kind.ts";
import type { Authenticated, Route } from "../service/route.ts";
import { listView, NEAR } from "./lists.ts";
import { missed, toldApart, wordsAsked } from "./nothing.ts";

export const searchRoutes = (kinds: readonly Kind[]): Route[] => [
  {
    method: "GET",
    path: "/search",
    about: "finds records of all kinds, best first",
    parameters: {
      q: required(text({ about: "words to find, or what comes near them" })),
      types: text({ about: "only these kinds: a comma list, e.g. contacts,deals" }),
      limit: limit(200),
    },
    answers: { is: "list", of: kinds },
    handle: searchAll,
  },
];

/** The best of every kind, merged by rank. What only looks like the words is asked for where no kind has the words themselves. */
async function searchAll(context: Authenticated): Promise<Answer> {
  const search = singleSigned(context.parameters, "q");
  if (!search?.trim()) throw new Problem("missing_field", "q is missing", "GET /search?q=acme");
  const paging = context.parameters.filter(([name]) => name === "limit");
  const kinds = (readTypes(context) ?? (await searchedKinds(context))).map((kind) => {
    const query = readListQuery(kind, [["search", search], ...paging], context.reading);
    return { query, view: listView(context, kind, query) };
  });
  const words = await searchKinds(context, kinds, "words");
  const found = words.some(({ page }) => page.rows.length > 0) ? words : await searchKinds(context, kinds, "all");
  const exact = found.filter(({ page }) => !page.near);
  const pages = exact.some(({ page }) => page.rows.length > 0) ? exact : found;
  const views = new Map<Row, View>(pages.flatMap(({ view, page }) => page.rows.map((row) => [row, view] as const)));
  const rank = (row: Row) => row.at(-1) as number;
  const all = [...views.keys()].sort((a, b) => rank(b) - rank(a));
  const near = pages === found && all.length > 0;
  const most = found[0]?.query.limit ?? all.length;
  const rows = all.slice(0, near ? Math.min(most, MOST_NEAR) : most);
  const cut = (shown: readonly Row[]) => pages.filter(({ page }) => page.more || page.rows.some((row) => !shown.includes(row)));
  const notes = rows.length === 0 || near ? await whyNoneOf(context, kinds, search, rows, views) : [];
  return {
    is: "list",
    view: (row) => views.get(row)!,
    rows,
    ending: (shown) => ({
      nextCursor: null,
      summary: `${shown.length} ${shown.length === 1 ? "record" : "records"}`,
      notes: [...notes, ...cut(shown).map(({ view }) => `more: GET /${view.kind.plural}?search=${encodeURIComponent(search)}`)],
    }),
    preface: near ? NEAR : undefined,
    facts: near ? { near: true } : {},
  };
}

/** How many records have each word, of all kinds together, and which near miss misses which. */
async function whyNoneOf(
  context: Authenticated,
  searched: readonly Searched[],
  search: string,
  rows: readonly Row[],
  views: ReadonlyMap<Row, View>,
): Promise<string[]> {
  const { db, session } = context;
  const words = wordsAsked({ search });
  if (words.length < 2) return [];
  const kinds = searched.map(({ view }) => view.kind);
  const counts = await Promise.all(kinds.map((kind) => countWords(db, session.workspaceId, kind, [], words)));
  const sums = words.map((_, i) => counts.reduce((sum, each) => sum + (each?.[i] ?? Number.NaN), 0));
  const apart = sums.some(Number.isNaN) ? [] : [toldApart("record", words, sums)];
  const lacking = await Promise.all(
    kinds.map((kind) =>
      missed(
        context,
        kind,
        { search },
        rows.filter((row) => views.get(row)!.kind === kind),
      ),
    ),
  );
  return [...apart, ...lacking.flat()];
}

/** `types=contacts,deal`: kinds by either of their names. */
function readTypes({ db, parameters }: Authenticated): readonly Kind[] | undefined {
  const asked = single(parameters, "types");
  if (asked === undefined) return undefined;
  const { catalog } = db;
  const kinds = asked
    .split(",")
    .map((each) => each.trim().toLowerCase())
    .filter(Boolean)
    .map((name) => {
      const kind = catalog.get(name) ?? catalog.byPlural(name);
      if (kind) return kind;
      const plurals = catalog.kinds.map(({ plural }) => plural);
      const near = nearest(name, plurals);
      throw new Problem("invalid_value", `types cannot be ${echo(name)}`, [
        ...(near.length > 0 ? [`did you mean ${near.join(" or ")}?`] : []),
        `types is a comma list of ${plurals.join(", ")}`,
      ]);
    });
  if (kinds.length === 0) throw new Problem("invalid_value", "types names no kind", "leave types= out to search all kinds");
  return catalog.kinds.filter((kind) => kinds.includes(kind));
}

/** Own kinds may be many, and most of them empty. */
const MANY = 30;

async function searchedKinds({ db, session }: Authenticated): Promise<readonly Kind[]> {
  const { kinds } = db.catalog;
  if (kinds.length <= MANY) return kinds;
  const used = await usedKinds(db.pool, session.workspaceId);
  return kinds.filter(({ shared, name }) => !shared || used.has(name));
}

type Searched = { query: ListQuery; view: View };

/** Kinds that one request searches at once: all of them together would fill the queue that a workspace's other requests wait in. */
const AT_ONCE = 4;

async function searchKinds(
  context: Authenticated,
  kinds: readonly Searched[],
  reach: Reach,
): Promise<(Searched & { page: Page })[]> {
  const { services, session } = context;
  const { db, seal } = services;
  const found: (Searched & { page: Page })[] = [];
  let next = 0;
  const work = async () => {
    while (next < kinds.length) {
      const at = next++;
      const { query, view } = kinds[at]!;
      found[at] = { query, view, page: await searchRows(db, session.workspaceId, view, query, [], seal, reach) };
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}
