import { nearestRows } from "../db/records/nearest.ts";
import { resolveId } from "../db/records/references.ts";
import { previewRemoval, type Removal, removeRow } from "../db/records/remove.ts";
import { getRow, listRows } from "../db/records/rows.ts";
import { streamRows } from "../db/records/stream.ts";
import { type Lacks, updateRow, upsertRow } from "../db/records/write.ts";
import { searchRows } from "../db/search/search.ts";
import { readRecord, type Written } from "../derive/body.ts";
import { readNear, withNear } from "../derive/near.ts";
import { CONFIRM, chosenFields, DRY, deletedToo, detaching, WRITING } from "../derive/parameters.ts";
import { isSet, readDeleted, readListQuery } from "../derive/query.ts";
import { type Row, rowId, type View, withSimilarity } from "../derive/view.ts";
import { required, text } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import { shortId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import { oneOf } from "../kit/words.ts";
import type { Catalog } from "../records/catalog.ts";
import { derived } from "../records/derived.ts";
import type { Holder, Kind, Link } from "../records/kind.ts";
import { type Authenticated, type Route, readPathId } from "../service/route.ts";
import { attaching, withAttached } from "./attach.ts";
import { affectedTold, bulkRoutes, within } from "./bulk.ts";
import { confirm } from "./confirm.ts";
import { groupAnswer } from "./groups.ts";
import { scopesLacking, withLinks } from "./linked.ts";
import { withLists } from "./listed.ts";
import { listAnswer, listView, streamAnswer } from "./lists.ts";
import { assumed, deletedTwins, namesakes, unchosen, unusual, wanting } from "./notes.ts";
import { whyNothing } from "./nothing.ts";
import { print } from "./print.ts";
import { isPurge, PURGE, purge } from "./purge.ts";
import { mayRead, recordView, refuseUnreadable } from "./readable.ts";
import { callPage } from "./scripts.ts";
import { statesTold } from "./standings.ts";
import { strangers } from "./strangers.ts";

const DELETED = {
  deleted: required(text({ about: "the handle of what was deleted" })),
  change: text({ about: "the change, which POST /undo takes back" }),
  ...DRY,
};

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

/** What is missing in a path is 404, whereas a missing link of a body would be 422. */
function holderId({ db, session, path }: Authenticated, holder: Kind): Promise<string> {
  return resolveId(db, session.workspaceId, holder, readPathId(holder, path.id!));
}

async function create(context: Authenticated, kind: Kind, given: Record<string, unknown>): Promise<Answer> {
  for (const name of Object.keys(given)) {
    if (context.body.values[name] !== undefined)
      throw new Problem("invalid_field", `${name} is in the path already`, `leave ${name} out of the body`);
  }
  const written = expecting(
    context,
    readRecord(kind, { ...context.body, values: { ...context.body.values, ...given } }, false, context.reading),
  );
  return withAttached(context, kind, (outer) =>
    withLinks(outer, kind, written, (inner, linked, made) => upsert(inner, kind, linked, made)),
  );
}

async function upsert(context: Authenticated, kind: Kind, written: Written, made: string[]): Promise<Answer> {
  const { db, services } = context;
  const view = recordView(context, kind);
  const { caps } = services.plans.of(context.session.plan);
  const terms = { claim: context.claim, cap: caps[kind.plural], lacks: lacksOf(context, kind) };
  const { row, outcome, change } = await upsertRow(db, context.author, services.ids, view, written, terms);
  const created = outcome === "created";
  const location = { Location: `/${kind.plural}/${shortId(row[0] as string)}` };
  const others = created
    ? [...(await namesakes(context, kind, written, rowId(row))), ...(await deletedTwins(context, kind, written))]
    : [];
  const notes = [
    ...made,
    ...others,
    ...(created ? assumed(kind, written) : []),
    ...(await toldOf(context, view, row, written)),
  ];
  const head = created ? { status: 201, headers: location } : { status: 200 };
  return { is: "record", view, row, outcome, change, notes, ...head };
}

/** With `If-None-Match: *` a POST only creates (RFC 9110, section 13.1.2). */
function lacksOf({ session, headers }: Authenticated, kind: Kind): Lacks {
  const { name, naturalKey } = kind;
  const lacks = scopesLacking(session, kind);
  if (headers["if-none-match"]?.trim() !== "*" || lacks.update) return lacks;
  const taken = new Problem("already_exists", `there is ${oneOf(name)} with this ${naturalKey}`, [
    "it is left as it is; without If-None-Match the POST would update it",
  ]);
  return { ...lacks, update: taken };
}

async function get(context: Authenticated, kind: Kind): Promise<Answer> {
  const printed = await (kind.document ? print : callPage)(context, kind);
  if (printed) return printed;
  const deleted = readDeleted(kind, context.parameters);
  const view = recordView(context, kind, deleted);
  const row = await getRow(context.db, context.session.workspaceId, view, readPathId(kind, context.path.id!), deleted);
  return { is: "record", view, row, ...(await statesTold(context, kind, rowId(row))) };
}

async function patch(context: Authenticated, kind: Kind): Promise<Answer> {
  const written = expecting(context, readRecord(kind, context.body, true, context.reading));
  const view = recordView(context, kind);
  const reference = readPathId(kind, context.path.id!);
  return withLinks(context, kind, written, async (inner, linked, made) => {
    const { db, author, services, claim } = inner;
    const { row, outcome, change } = await updateRow(db, author, services.ids, view, reference, linked, claim);
    return { is: "record", view, row, outcome, change, notes: [...made, ...(await toldOf(inner, view, row, linked))] };
  });
}

/** What is told beside every write. */
async function toldOf(context: Authenticated, view: View, row: Row, written: Written): Promise<string[]> {
  const people = await strangers(context, view.kind, written);
  return [...unchosen(view, row, written), ...wanting(view, row, written), ...unusual(view.kind, written), ...people];
}

/** The versions of the header and that of the body are the same wish, so they must not contradict each other. */
function expecting({ ifMatch }: Authenticated, written: Written): Written {
  if (ifMatch === undefined) return written;
  const versions = ifMatch.filter((version) => written.versions?.includes(version) ?? true);
  if (versions.length > 0) return { ...written, versions };
  throw new Problem(
    "version_conflict",
    `If-Match names version ${ifMatch.join(" or ")} and the body version ${written.versions?.join()}`,
    "send one of them",
  );
}

/**
 * The first call tells what would go and gives a token for the record in this version and for all that goes or is unlinked with it; the same
 * call with the token does it.
 */
async function remove(context: Authenticated, kind: Kind): Promise<Answer> {
  const { db, services } = context;
  const { ids } = services;
  const reference = readPathId(kind, context.path.id!);
  const detach = isSet(context.parameters, "detach");
  const agree = (removal: Removal) => {
    const { id, version, set } = removal;
    if (context.ifMatch && !context.ifMatch.includes(version)) {
      throw new Problem(
        "version_conflict",
        `the record is at version ${version}, not ${context.ifMatch.join(" or ")}`,
        "GET it again before you delete it",
      );
    }
    const path = `/${kind.plural}/${shortId(id)}${detach ? "?detach=true" : ""}`;
    confirm(context, "delete", [id, String(version), set], `delete ${told(context, kind, removal)}`, `DELETE ${path}`);
  };
  agree(await previewRemoval(db, context.session.workspaceId, kind, reference, detach));
  const removal = await removeRow(db, context.author, ids, kind, reference, detach, agree);
  const change = shortId(removal.change);
  return {
    is: "message",
    message: `deleted ${told(context, kind, removal)}`,
    values: { deleted: `${kind.name}/${shortId(removal.id)}`, change },
    hints: context.dryRun ? [] : [`to take this back: POST /undo {"change":"${change}"}`],
    headers: { "X-Change": change },
  };
}

/** `contact/c_t4v6w8y0 "Jane Doe", with 2 activities, and clear its link on 1 deal` */
function told(context: Authenticated, kind: Kind, { id, title, affected }: Removal): string {
  return [`${kind.name}/${shortId(id)}${mayRead(context, kind) ? ` ${echo(title)}` : ""}`, ...affectedTold(affected)].join(
    ", ",
  );
}
