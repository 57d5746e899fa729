import { findList, type SavedList, slugsOf } from "../db/lists/lists.ts";
import { type Deleted, type ListQuery, type Parameters, readListQuery } from "../derive/query.ts";
import { readParameters } from "../http/target.ts";
import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import type { Kind } from "../records/kind.ts";
import { LIST_PARAMETERS } from "../records/reserved.ts";
import type { Authenticated } from "../service/route.ts";

/** The query with what the saved lists of its `list=` ask: AND-ed, like every other filter. */
export async function withLists(context: Authenticated, kind: Kind, query: ListQuery): Promise<ListQuery> {
  let { conditions, words } = query;
  for (const asked of query.lists) {
    const list = await listNamed(context, asked);
    if (list.kind !== kind.name) throw ofAnother(context, list);
    const saved = list.query === null ? undefined : readSaved(context, kind, list.query, `list ${echo(list.slug)}: `);
    const listed = { field: kind.field("id")!, predicate: { is: "listed" as const, list: list.id } };
    conditions = [...conditions, ...(saved?.conditions ?? [listed])];
    words = [...words, ...(saved?.search === undefined ? [] : [saved.search])];
  }
  return query.lists.length === 0 ? query : { ...query, conditions, words };
}

export async function listNamed({ db, session }: Authenticated, asked: string, deleted?: Deleted): Promise<SavedList> {
  const list = await findList(db, session.workspaceId, asked, deleted);
  if (list) return list;
  if (deleted === undefined && (await findList(db, session.workspaceId, asked, "only")))
    throw new Problem(
      "not_found",
      `list ${echo(asked)} is deleted`,
      `POST /lists/${encodeURIComponent(asked)}/restore brings it back`,
    );
  const slugs = await slugsOf(db, session.workspaceId);
  const near = nearest(asked.replaceAll(" ", "-"), slugs);
  throw new Problem("not_found", `there is no list ${echo(asked)} in this workspace`, [
    ...(near.length > 0 ? [`did you mean ${near.join(" or ")}?`] : []),
    "GET /lists shows what there is",
  ]);
}

function ofAnother({ db }: Authenticated, { slug, kind }: SavedList): Problem {
  const plural = db.catalog.get(kind)?.plural ?? kind;
  return new Problem(
    "invalid_filter",
    `list ${echo(slug)} is one of ${plural}`,
    `GET /${plural}?list=${encodeURIComponent(slug)}`,
  );
}

/** What a saved query may hold. */
const SAVED = ["search"];

/** Reads the query of a list as it is now: times are read by the clock, `me` is who asks. */
export function readSaved({ reading }: Pick<Authenticated, "reading">, kind: Kind, query: string, named = ""): ListQuery {
  const parameters: Parameters = readParameters(query.replace(new RegExp(`^(?:/${kind.plural})?\\?`), ""));
  const other = parameters.find(([name]) => (LIST_PARAMETERS as readonly string[]).includes(name) && !SAVED.includes(name));
  if (other)
    throw new Problem("invalid_filter", `${named}a list is saved by filters and search, and not by ${other[0]}`, [
      `send ${other[0]} when you ask for its records: GET /${kind.plural}?list=…&${other[0]}=…`,
    ]);
  if (parameters.length === 0)
    throw new Problem("invalid_value", `${named}the query is empty`, "name what to find: stage=lead, or search=acme");
  try {
    return readListQuery(kind, parameters, reading);
  } catch (error) {
    throw error instanceof Problem ? new Problem(error.code, named + error.message, error.hints) : error;
  }
}
