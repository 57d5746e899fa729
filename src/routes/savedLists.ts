import {
  customFits,
  deleteList,
  insertList,
  LIST_VIEW,
  type ListChange,
  listLists,
  listSet,
  MOST_LISTS,
  purgeList,
  restoreList,
  slugOf,
  updateList,
} from "../db/lists/lists.ts";
import { resolveConditions } from "../db/records/references.ts";
import { valuesOf } from "../derive/operation.ts";
import { CONFIRM, cursor, deletedToo, limit } from "../derive/parameters.ts";
import { readDeleted } from "../derive/query.ts";
import { countType } from "../fields/text.ts";
import { boolean, required, text } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import { shortId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import { covers } from "../kit/scope.ts";
import type { Kind } from "../records/kind.ts";
import { lacksScope } from "../service/permit.ts";
import type { Authenticated, Route } from "../service/route.ts";
import { savedList } from "../views/list.ts";
import { confirm } from "./confirm.ts";
import { listNamed, readSaved } from "./listed.ts";
import { addToList, kindNamed, membersNamed, membersType, takeOffList } from "./listMembers.ts";
import { listAnswer } from "./lists.ts";
import { isPurge } from "./purge.ts";
import { refuseUnreadable } from "./readable.ts";
import { list as listRecords } from "./records.ts";

const EXAMPLE = { name: "hot leads", kind: "contact", query: "stage=lead&company.industry=energy" };

export function savedListRoutes(kinds: readonly Kind[]): Route[] {
  return [
    {
      method: "GET",
      path: "/lists",
      about: "the saved lists",
      parameters: deletedToo(savedList),
      answers: { is: "list", of: [savedList] },
      handle: all,
    },
    {
      method: "POST",
      path: "/lists",
      about: "save a list: a query that is asked anew each time, or members",
      body: {
        is: "values",
        values: {
          ...valuesOf(savedList, "name", "kind", "query", "description", "custom"),
          members: { type: membersType, about: "the records to put on it, by id" },
        },
        example: EXAMPLE,
      },
      answers: { is: "record", of: savedList, statuses: [201] },
      keyed: true,
      again: (context, id) => shown(context, id, "unchanged"),
      refuses: ["already_exists", "unprocessable", "plan_limit_reached", "invalid_filter"],
      handle: create,
    },
    {
      method: "GET",
      path: "/lists/{id}",
      about: "one saved list, by id or name",
      parameters: deletedToo(savedList),
      answers: { is: "record", of: savedList },
      handle: one,
    },
    {
      method: "PATCH",
      path: "/lists/{id}",
      about: "rename a list, or change its query, its description or its own fields",
      body: {
        is: "values",
        values: valuesOf(savedList, "name", "query", "description", "custom"),
        partial: true,
        example: { query: "stage=lead" },
      },
      answers: { is: "record", of: savedList },
      refuses: ["already_exists", "unprocessable", "invalid_filter"],
      handle: change,
    },
    {
      method: "DELETE",
      path: "/lists/{id}",
      about: "delete a list, in two steps; its records stay",
      parameters: { ...CONFIRM, purge: boolean({ about: "for good: it cannot be restored; of a deleted list too" }) },
      answers: { is: "message", values: { deleted: required(text({ about: "the handle of what was deleted" })) } },
      refuses: ["confirmation_required"],
      handle: remove,
    },
    {
      method: "POST",
      path: "/lists/{id}/restore",
      about: "bring a deleted list back, with its members",
      answers: { is: "record", of: savedList },
      refuses: ["already_exists", "plan_limit_reached"],
      handle: restore,
    },
    {
      method: "POST",
      path: "/lists/{id}/members",
      about: "put records on a list that has no query",
      body: {
        is: "values",
        values: { members: required({ type: membersType, about: "the records, by id" }) },
        example: { members: ["c_t4v6w8y0", "c_8m3q5h2k"] },
      },
      answers: { is: "message", values: { added: required({ type: countType, about: "how many were not on it yet" }) } },
      refuses: ["unprocessable"],
      handle: addToList,
    },
    {
      method: "DELETE",
      path: "/lists/{id}/members/{record}",
      about: "take a record off a list; the record stays",
      answers: { is: "message", values: { removed: required(text({ about: "the id of the record" })) } },
      handle: takeOffList,
    },
    {
      method: "GET",
      path: "/lists/{id}/records",
      about: "the records of a list; list= on a list of its kind takes filters too",
      parameters: {
        search: text({ about: "words to find, or what comes near them; best first" }),
        sort: text({ about: "the order, by a field of the records; - is descending" }),
        limit: limit(200),
        cursor,
        fields: text({ about: "the fields to show, with commas" }, 8_000),
        count: boolean({ about: "counts all, up to 1000" }),
      },
      answers: { is: "list", of: kinds },
      refuses: ["invalid_sort", "invalid_cursor", "invalid_field", "busy"],
      handle: records,
    },
  ];
}

async function all({ db, session, parameters }: Authenticated): Promise<Answer> {
  const deleted = readDeleted(savedList, parameters);
  return listAnswer(LIST_VIEW, { rows: await listLists(db, session.workspaceId, { deleted }), more: false });
}

async function one(context: Authenticated): Promise<Answer> {
  const { id } = await listNamed(context, context.path.id!, readDeleted(savedList, context.parameters));
  return shown(context, id);
}

async function shown(
  { db, session }: Authenticated,
  id: string,
  outcome?: "created" | "updated" | "unchanged",
): Promise<Answer> {
  const [row] = await listLists(db, session.workspaceId, { id });
  if (!row)
    throw new Problem("not_found", `there is no list ${shortId(id)} in this workspace`, "GET /lists shows what there is");
  return {
    is: "record",
    view: LIST_VIEW,
    row,
    ...(outcome ? { outcome } : {}),
    ...(outcome === "created" ? { status: 201 } : {}),
  };
}

async function create(context: Authenticated): Promise<Answer> {
  const { db, author, services, body } = context;
  const sent = body.values as Record<string, string | null> & { members?: string[] | null; custom?: object | null };
  const { name, kind: asked, query, description, custom } = sent;
  // A list that is empty at first says so by an empty array, which is read as nothing sent.
  const members = sent.members ?? (Array.isArray(body.sent?.members) ? [] : undefined);
  const kind = kindNamed(context, asked!);
  if ((query == null) === (members == null))
    throw new Problem(
      query == null ? "missing_field" : "invalid_value",
      query == null ? "a list needs a query or members" : "a list has a query or members, and not both",
      `POST /lists ${JSON.stringify(EXAMPLE)}, or "members":["${kind.prefix}_…"]`,
    );
  guardName(name!);
  if (query != null) await checkQuery(context, kind, query);
  const found = members?.length ? await membersNamed(context, kind, members) : [];
  const id = await insertList(db, author, services.ids, {
    name: name!,
    kind,
    query: query ?? null,
    description: description ?? null,
    custom: custom ?? null,
    members: found,
  });
  if (id === "full") throw full();
  if (id === undefined) throw taken(name!);
  return shown(context, id, "created");
}

async function change(context: Authenticated): Promise<Answer> {
  const { db, author, body } = context;
  const list = await listNamed(context, context.path.id!);
  const { name, query, description, custom } = body.values as Record<string, string | null | undefined> & {
    custom?: Record<string, unknown> | null;
  };
  if (name === null) throw new Problem("missing_field", "a list cannot be without name", "send another name");
  if (query === null || (query !== undefined && list.query === null))
    throw new Problem(
      "invalid_value",
      "a list keeps its sort: a query that changes, or members",
      "save another list: POST /lists",
    );
  if (name !== undefined) guardName(name);
  const kind = db.catalog.get(list.kind);
  if (query !== undefined && kind) await checkQuery(context, kind, query);
  if (custom && !(await customFits(db, author.workspaceId, list.id, custom)))
    throw new Problem(
      "invalid_value",
      "custom would come to more than 200 keys or 1 MB",
      "take keys away first: null removes one",
    );
  const change: ListChange = {
    ...(name === undefined ? {} : { name }),
    ...(query === undefined ? {} : { query }),
    ...(description === undefined ? {} : { description }),
    ...(custom ? { custom } : {}),
  };
  if (!(await updateList(db, author, list.id, change))) throw taken(name ?? list.slug);
  return shown(context, list.id, "updated");
}

/** A name without letters and digits could not be asked for. */
function guardName(name: string): void {
  if (slugOf(name) !== "") return;
  throw new Problem("invalid_value", `a list cannot be called ${echo(name)}`, "name it with letters or digits, e.g. hot leads");
}

const full = () => new Problem("plan_limit_reached", `a workspace has at most ${MOST_LISTS} lists`, "delete one: GET /lists");

const taken = (name: string) =>
  new Problem(
    "already_exists",
    `there is a list ${echo(slugOf(name))} already`,
    `change that one: PATCH /lists/${encodeURIComponent(slugOf(name))}`,
  );

/** All that the query names is there, and may be read. */
async function checkQuery(context: Authenticated, kind: Kind, query: string): Promise<void> {
  const saved = readSaved(context, kind, query);
  refuseUnreadable(context, saved);
  await resolveConditions(context.db, context.session.workspaceId, saved.conditions);
}

async function remove(context: Authenticated): Promise<Answer> {
  const { db, author } = context;
  const purge = isPurge(context);
  const { id, slug } = await listNamed(context, context.path.id!, purge ? "include" : undefined);
  const handle = `list/${shortId(id)}`;
  const set = await listSet(db, author.workspaceId, id);
  const what = `${handle} ${echo(slug)}${purge ? " for good" : ""}`;
  confirm(
    context,
    "delete list",
    [id, set, String(purge)],
    `delete ${what}; its records stay`,
    `DELETE /lists/${shortId(id)}${purge ? "?purge=true" : ""}`,
  );
  if (purge) await purgeList(db, author.workspaceId, id);
  else await deleteList(db, author, id);
  return { is: "message", message: `deleted ${what}`, values: { deleted: handle } };
}

async function restore(context: Authenticated): Promise<Answer> {
  const { db, author } = context;
  const list = await listNamed(context, context.path.id!, "include");
  const outcome = await restoreList(db, author, list);
  if (outcome === "taken") throw taken(list.slug);
  if (outcome === "full") throw full();
  return shown(context, list.id, "updated");
}

async function records(context: Authenticated): Promise<Answer> {
  const { id, kind: name } = await listNamed(context, context.path.id!);
  const kind = kindNamed(context, name);
  if (!covers(context.session.scopes, "read", kind.plural)) throw lacksScope(context.session, "read", kind.plural);
  return listRecords({ ...context, parameters: [...context.parameters, ["list", id]] }, kind);
}
