import { nearestRows } from "../db/records/nearest.ts";
import { getRow, listRows } from "../db/records/rows.ts";
import { streamRows } from "../db/records/stream.ts";
import { searchRows } from "../db/search/search.ts";
import { readNear, withNear } from "../derive/near.ts";
import { CONFIRM, chosenFields, deletedToo, detaching, WRITING } from "../derive/parameters.ts";
import { readDeleted, readListQuery } from "../derive/query.ts";
import { rowId, withSimilarity } from "../derive/view.ts";
import type { Answer } from "../http/reply.ts";
import { oneOf } from "../kit/words.ts";
import type { Catalog } from "../records/catalog.ts";
import { derived } from "../records/derived.ts";
import type { Holder, Kind, Link } from "../records/kind.ts";
import { type Authenticated, type Route, readPathId } from "../service/route.ts";
import { attaching } from "./attach.ts";
import { bulkRoutes, within } from "./bulk.ts";
import { groupAnswer } from "./groups.ts";
import { withLists } from "./listed.ts";
import { listAnswer, listView, streamAnswer } from "./lists.ts";
import { whyNothing } from "./nothing.ts";
import { print } from "./print.ts";
import { isPurge, PURGE, purge } from "./purge.ts";
import { recordView, refuseUnreadable } from "./readable.ts";
import { DELETED, remove } from "./remove.ts";
import { callPage } from "./scripts.ts";
import { statesTold } from "./standings.ts";
import { create, holderId, patch } from "./write.ts";

/** The routes of one kind of record. */
export function recordRoutes(kind: Kind, { heldBy }: Catalog): Route[] {
  const firsts = new Map<Kind, Holder>();
  for (const holder of heldBy(kind)) if (holder.kind !== kind && !firsts.has(holder.kind)) firsts.set(holder.kind, holder);
  return [...ownRoutes(kind), ...[...firsts.values()].flatMap(heldRoutes), ...mentionRoutes(kind)];
}

/** They are the same in every catalog that has the kind. */
const ownRoutes = derived((kind: Kind): Route[] => {
  const { plural, name } = kind;
  const one = `/${plural}/{id}`;
  return [
    {
      method: "GET",
      path: `/${plural}`,
      about: `list, filter, search ${plural}`,
      filters: { of: kind, most: kind.mostRows },
      answers: { is: "list", of: [kind] },
      handle: (context) => list(context, kind),
    },
    {
      method: "POST",
      path: `/${plural}`,
      about: createAbout(kind),
      parameters: { ...chosenFields(kind), ...attaching(kind), ...WRITING },
      besides: Object.keys(attaching(kind)),
      body: { is: "create", of: kind },
      answers: { is: "record", of: kind, statuses: [201, 200] },
      handle: (context) => create(context, kind, {}),
    },
    {
      method: "GET",
      path: one,
      about: `one ${name} with all its fields`,
      parameters: { ...chosenFields(kind), ...deletedToo(kind) },
      answers: { is: "record", of: kind },
      handle: (context) => get(context, kind),
    },
    {
      method: "PATCH",
      path: one,
      about: `change the fields of ${oneOf(name)} that you send; null clears`,
      parameters: { ...chosenFields(kind), ...WRITING },
      body: { is: "patch", of: kind },
      answers: { is: "record", of: kind },
      handle: (context) => patch(context, kind),
    },
    {
      method: "DELETE",
      path: one,
      about: `delete ${oneOf(name)}, in two steps: answers a confirm token, then does it`,
      parameters: { ...PURGE, ...detaching(kind), ...CONFIRM, ...WRITING },
      answers: { is: "message", values: DELETED },
      refuses: ["confirmation_required", "version_conflict"],
      handle: (context) => (isPurge(context) ? purge(context, kind) : remove(context, kind)),
    },
    ...bulkRoutes(kind),
  ];
});

function createAbout({ naturalKey, name }: Kind): string {
  return naturalKey ? `create, or update the ${name} with that ${naturalKey}` : `create ${oneOf(name)}`;
}

/** `/contacts/{id}/activities`: the records of other kinds that link to this one, by the first of their links to it. */
function heldRoutes({ kind: held, link }: Holder): Route[] {
  const made = routesOfLink(link);
  if (made.length === 0) made.push(...heldRoutesOf(held, link));
  return made;
}

const routesOfLink = derived((_: Link): Route[] => []);

function heldRoutesOf(held: Kind, link: Link): Route[] {
  const { target: kind } = link;
  const joined = held.joins?.into === link.id.name;
  const path = `/${kind.plural}/{id}/${joined ? held.joins!.as : held.plural}`;
  const adding: Route = {
    method: "POST",
    path,
    about: `add ${oneOf(held.name)} to ${oneOf(kind.name)}`,
    parameters: { ...chosenFields(held), ...attaching(held), ...WRITING },
    besides: Object.keys(attaching(held)),
    body: { is: "create", of: held, given: link.id.name },
    answers: { is: "record", of: held, statuses: [201, 200] },
    handle: async (context) => create(context, held, { [link.id.name]: await holderId(context, kind) }),
  };
  return [
    {
      method: "GET",
      path,
      kind: held,
      about: `the ${held.plural} of ${oneOf(kind.name)}`,
      filters: { of: held, most: held.mostRows },
      answers: { is: "list", of: [held] },
      handle: (context) => list(context, held, { name: link.id.name, of: kind }),
    },
    // Many are put in at once (see joined.ts).
    ...(joined ? [] : [adding]),
  ];
}

/** `/contacts/{id}/emails`: the records that name an address of this one. Who they are about is in them, so nothing is added there. */
function mentionRoutes(of: Kind): Route[] {
  return of.mentionedBy.map(
    ({ kind, field }): Route => ({
      method: "GET",
      path: `/${of.plural}/{id}/${kind.plural}`,
      about: `the ${kind.plural} that name ${oneOf(of.name)}, by any address`,
      filters: { of: kind, most: kind.mostRows },
      answers: { is: "list", of: [kind] },
      handle: (context) => list(context, kind, { name: field.name, of }),
    }),
  );
}

export async function list(context: Authenticated, kind: Kind, held?: { name: string; of: Kind }): Promise<Answer> {
  const { db, services } = context;
  const { seal } = services;
  const { parameters, reading } = context;
  const near = readNear(kind, parameters);
  const read = readListQuery(kind, near ? parameters.filter(([name]) => name !== "near") : parameters, reading, kind.mostRows);
  const query = await withLists(context, kind, near ? withNear(read, near) : read);
  const scoped = held ? within(query, kind, held, readPathId(held.of, context.path.id!)) : query;
  if (scoped.grouping) return groupAnswer(context, kind, scoped, scoped.grouping);
  if (held)
    refuseUnreadable(context, { fields: undefined, conditions: scoped.conditions.filter(({ field }) => field.mentioned) });
  const view = listView(context, kind, query);
  const ranked = query.search !== undefined && !query.sort.asked;
  const binding = [kind.plural, held ? `${held.name}=${context.path.id}` : ""];
  if (query.whole)
    return streamAnswer(view, await streamRows(db, context.session.workspaceId, view, scoped, binding, seal), query);
  if (near) {
    const page = await nearestRows(db, context.session.workspaceId, withSimilarity(view), scoped, near, binding, seal);
    return listAnswer(withSimilarity(view), page, query, await whyNothing(context, kind, query, page));
  }
  const page = await (ranked ? searchRows : listRows)(db, context.session.workspaceId, view, scoped, binding, seal);
  return listAnswer(view, page, query, await whyNothing(context, kind, query, page));
}

async function get(context: Authenticated, kind: Kind): Promise<Answer> {
  const printed = await (kind.document ? print : callPage)(context, kind);
  if (printed) return printed;
  const deleted = readDeleted(kind, context.parameters);
  const view = recordView(context, kind, deleted);
  const row = await getRow(context.db, context.session.workspaceId, view, readPathId(kind, context.path.id!), deleted);
  return { is: "record", view, row, ...(await statesTold(context, kind, rowId(row))) };
}
