import { recordsOfImport } from "../db/imports/recordsOf.ts";
import { MOST_BULK } from "../db/records/bulk.ts";
import {
  countStates,
  type Joined,
  type Joining,
  joinAll,
  joiningOf,
  overlapRows,
  previewJoin,
  workloadRows,
} from "../db/records/joined.ts";
import { resolveId, resolveLink } from "../db/records/references.ts";
import { type Named, valuesOf } from "../derive/operation.ts";
import { COMMON_PARAMETERS, limit } from "../derive/parameters.ts";
import { type ListQuery, queryWithout, readLimit, readListQuery, single } from "../derive/query.ts";
import { createWholeView, type View } from "../derive/view.ts";
import { countType, textType } from "../fields/text.ts";
import { required, tags, text } from "../fields/vocabulary.ts";
import type { Single } from "../formats/format.ts";
import type { Answer } from "../http/reply.ts";
import { type IdReference, shortId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import { covers } from "../kit/scope.ts";
import { toTimestamp } from "../kit/time.ts";
import { counted, oneOf } from "../kit/words.ts";
import type { Catalog } from "../records/catalog.ts";
import { defineView } from "../records/define.ts";
import { derived } from "../records/derived.ts";
import type { Kind } from "../records/kind.ts";
import { permit } from "../service/permit.ts";
import { type Authenticated, type Route, readPathId } from "../service/route.ts";
import { ANSWER, BULK, bulkRoutesAt, counts, done, nothing, readBulkQuery, readOptions } from "./bulk.ts";
import { confirm } from "./confirm.ts";
import { makingOf } from "./linked.ts";
import { mayRead } from "./readable.ts";

/** The routes of kinds whose records put one thing into another: who is in a campaign. */
export const joinedRoutes = ({ kinds }: Catalog): Route[] =>
  kinds.filter(({ joins }) => joins).flatMap((kind) => routesOf(joiningOf(kind)));

function routesOf(joining: Joining): Route[] {
  const { kind, into, whom } = joining;
  const { as } = kind.joins!;
  const { plural, name } = into.target;
  const path = `/${plural}/{id}/${as}`;
  const among: Named = { [plural]: tags({ about: `only these ${plural}: a comma list of ids` }) };
  return [
    {
      method: "POST",
      path,
      kind,
      needs: "create",
      about: `put all ${whom.target.plural} that the filters find into ${oneOf(name)}, in two steps; one, by {"${whom.id.name}":"…"}, at once`,
      filters: { of: whom.target, most: MOST_BULK, bulk: true },
      parameters: { ...BULK, import: text({ about: "the request of an import: only what it was about" }) },
      body: { is: "patch", of: kind },
      answers: {
        is: "message",
        values: { added: counts("how many were put in"), already: counts("how many were in it already"), ...ANSWER },
      },
      refuses: ["confirmation_required", "unprocessable", "plan_limit_reached"],
      handle: (context) => put(context, joining),
    },
    ...bulkRoutesAt(path, kind, `${as} of ${oneOf(name)}`, { name: into.id.name, of: into.target }),
    {
      method: "GET",
      path: `/${plural}/overlap`,
      kind,
      about: `the ${whom.target.plural} that are in more than one ${name}`,
      parameters: { ...among, limit: limit(MOST_SHOWN) },
      refuses: ["not_found"],
      answers: { is: "list", of: [overlapOf(kind).kind] },
      handle: (context) => overlap(context, joining),
    },
    {
      method: "GET",
      path: `/${plural}/workloads`,
      kind,
      about: `what each ${kind.joins!.by} has to do, who has the most first`,
      parameters: among,
      refuses: ["not_found"],
      answers: { is: "list", of: [workloadOf(kind).kind] },
      handle: (context) => workloads(context, joining),
    },
  ];
}

async function put(context: Authenticated, joining: Joining): Promise<Answer> {
  const { db, author, services, session, body, path } = context;
  const { kind, into, whom } = joining;
  // Filters tell who there is, to whoever may read them or, as in bulk, change them.
  const mayFilter = mayRead(context, whom.target) || covers(session.scopes, "update", whom.target.plural);
  if (!mayFilter) permit(session, { verb: "read", plural: whom.target.plural });
  const to = readPathId(into.target, path.id!);
  await resolveId(db, session.workspaceId, into.target, to);
  for (const field of [into.id.name, into.name])
    if (body.values[field] !== undefined)
      throw new Problem("invalid_field", `${field} is in the path already`, `leave ${field} out of the body`);
  const { [whom.id.name]: byId, [whom.name]: byName, ...others } = body.values;
  const one = byId ?? byName;
  // A new record needs both links, which are known once it is known who is meant.
  const both = { [into.id.name]: path.id!, [whom.id.name]: byId ?? `${whom.target.prefix}_00000000` };
  const options = readOptions({ ...context, body: { ...body, values: { ...others, ...both } } }, kind, false);
  const query = one === undefined ? await readQuery(context, joining) : await queryOfOne(context, joining);
  const making = makingOf(context);
  const written = options.map((option) => ({ ...option, links: without(option.links, [into.name, whom.name]) }));
  const agree = (found: Joined) => {
    if (one === undefined) ask(context, joining, found);
  };
  const preview = await previewJoin(db, session.workspaceId, joining, to, query);
  if (preview.records.length === 0) {
    if (preview.already === 0) return nothing(context, whom.target, { added: 0, already: 0 });
    const message = `${preview.already === 1 ? "is" : `all ${counted(preview.already, whom.target)} are`} in it already`;
    return {
      is: "message",
      message,
      values: { added: 0, already: preview.already, request: context.requestId },
    };
  }
  agree(preview);
  const { records, already } = await joinAll(db, author, services.ids, joining, to, query, written, making, agree);
  const rest = already > 0 ? `, ${already} ${already === 1 ? "was" : "were"} in it already` : "";
  return done(context, `put ${counted(records.length, whom.target)} into ${shortOf(into.target, preview.into)}${rest}`, {
    added: records.length,
    already,
  });
}

const without = <T>(values: Record<string, T>, names: readonly string[]): Record<string, T> =>
  Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)));

const shortOf = ({ name }: Kind, id: string) => `${name}/${shortId(id)}`;

/** One that the body names, by id or by name. */
async function queryOfOne(
  { db, author, body, parameters, reading }: Authenticated,
  { kind, whom }: Joining,
): Promise<ListQuery> {
  const filter = parameters.find(([name]) => !(name in BULK) && !(name in COMMON_PARAMETERS));
  if (filter)
    throw new Problem("invalid_filter", `${whom.name} names one, and ${echo(filter[0])} finds others`, "send one of the two");
  const field = body.values[whom.id.name] === undefined ? whom.shown : whom.id;
  const sent = body.values[field.name];
  const choice = typeof sent === "string" ? field.type.names?.(sent, reading) : undefined;
  if (!choice)
    throw new Problem("invalid_value", `${field.name} names one ${whom.target.name}`, [
      `many are found by filters: POST …/${kind.joins!.as}?id=in:${whom.target.prefix}_…,${whom.target.prefix}_…`,
    ]);
  const key = await resolveLink(db, author, whom, choice);
  const { prefix } = whom.target;
  const id = await resolveId(db, author.workspaceId, whom.target, { prefix, key: key! }, "unprocessable");
  return onlyThese(whom.target, readListQuery(whom.target, [], reading), [id]);
}

function onlyThese(kind: Kind, query: ListQuery, ids: readonly string[]): ListQuery {
  const condition = { field: kind.field("id")!, predicate: { is: "in" as const, values: ids } };
  return { ...query, conditions: [...query.conditions, condition] };
}

async function readQuery(context: Authenticated, { whom }: Joining): Promise<ListQuery> {
  const { db, session, parameters } = context;
  const asked = single(parameters, "import");
  if (asked === undefined) return readBulkQuery(context, whom.target);
  const rest = parameters.filter(([name]) => name !== "import");
  const all = [...rest.filter(([name]) => name !== "all"), ["all", "true"] as const];
  const query = await readBulkQuery({ ...context, parameters: all }, whom.target);
  const ids = await recordsOfImport(db, session.workspaceId, whom.target, asked, MOST_BULK);
  if (ids) return onlyThese(whom.target, query, ids);
  throw new Problem("not_found", `${echo(asked)} is not the request of an import`, [
    "the answer to an import ends with it: request=req_…",
  ]);
}

const SHOWN = 5;

/** The question before it: how many, who comes first, and a token for exactly these. */
function ask(context: Authenticated, { kind, into, whom }: Joining, { into: id, records, already, set }: Joined): void {
  const first = records
    .slice(0, SHOWN)
    .map((record) => `${shortOf(whom.target, record.id)}${mayRead(context, whom.target) ? ` ${echo(record.title)}` : ""}`);
  const more = records.length > SHOWN ? [`and ${records.length - SHOWN} more`] : [];
  const rest = already > 0 ? `; ${already} ${already === 1 ? "is" : "are"} in it already` : "";
  const query = queryWithout(context.parameters, ["confirm", "dry_run", "propose"]);
  const path = `/${into.target.plural}/${shortId(id)}/${kind.joins!.as}`;
  const what = `put ${counted(records.length, whom.target)} into ${shortOf(into.target, id)}${rest}`;
  const body = JSON.stringify(Object.entries(context.body.values).sort());
  confirm(context, "join", [kind.plural, id, set, body], what, `POST ${path}?${query}`, [...first, ...more]);
}

/** How many there are of each state, beside the line of what they are in. JSON has the fields of the record alone. */
export async function statesTold(context: Authenticated, { holders }: Kind, id: string): Promise<Pick<Single, "notes">> {
  const holder = holders.find(({ kind, link }) => kind.joins?.into === link.id.name);
  if (!holder || context.style.format.allFields || !mayRead(context, holder.kind)) return {};
  const { kind } = holder;
  const { as, state } = kind.joins!;
  const found = await countStates(context.db, context.session.workspaceId, joiningOf(kind), id);
  const told = statesOf(kind).map((each) => [each, found.get(each) ?? 0] as const);
  const all = told.reduce((sum, [, many]) => sum + many, 0);
  return {
    notes: [`${as}=${all}${told.map(([each, many]) => ` ${each}=${many}`).join("")}; by ${state}: …/${as}?${state}=…`],
  };
}

export const statesOf = (kind: Kind): readonly string[] => kind.field(kind.joins!.state)!.type.choices!;

const MOST_SHOWN = 200;

async function overlap(context: Authenticated, joining: Joining): Promise<Answer> {
  const { db, session, parameters } = context;
  const { whom, into } = joining;
  permit(session, { verb: "read", plural: whom.target.plural });
  const among = await readAmong(context, joining);
  const most = readLimit(single(parameters, "limit"), MOST_SHOWN);
  const { rows, all } = await overlapRows(db, session.workspaceId, joining, among, most);
  const shown = rows.map(([id, version, , title, many, ids]) => [
    id,
    version,
    shortOf(whom.target, id as string),
    title,
    many,
    (ids as string[]).map(shortId),
  ]);
  const summary = `${all === shown.length ? all : `${shown.length} of ${all}`} in more than one ${into.target.name}`;
  return {
    is: "list",
    view: overlapOf(joining.kind).view,
    rows: shown,
    ending: () => ({ nextCursor: null, summary, notes: [] }),
    facts: { total: all },
    uncut: true,
  };
}

async function workloads(context: Authenticated, joining: Joining): Promise<Answer> {
  const { db, session, reading } = context;
  const among = await readAmong(context, joining);
  const now = toTimestamp(reading.now);
  const rows = await workloadRows(db, session.workspaceId, joining, among, statesOf(joining.kind), now);
  const summary = `${rows.length} ${rows.length === 1 ? "person" : "people"}`;
  return {
    is: "list",
    view: workloadOf(joining.kind).view,
    rows,
    ending: () => ({ nextCursor: null, summary, notes: [] }),
    uncut: true,
  };
}

export async function readAmong(
  { db, session, parameters }: Authenticated,
  { into: { target } }: Joining,
): Promise<string[] | undefined> {
  const asked = single(parameters, target.plural);
  if (asked === undefined) return undefined;
  const references = asked
    .split(",")
    .map((each) => each.trim())
    .filter(Boolean)
    .map((each): IdReference => readPathId(target, each));
  if (references.length > MOST_SHOWN)
    throw new Problem("invalid_filter", `${target.plural} takes at most ${MOST_SHOWN} ids`, "ask in several requests");
  const ids: string[] = [];
  for (const reference of references) ids.push(await resolveId(db, session.workspaceId, target, reference));
  return ids;
}

type Shown = { kind: Kind; view: View };

const overlapOf = derived((of: Kind): Shown => {
  const { into, whom } = joiningOf(of);
  const { name, prefix } = whom.target;
  const { plural } = into.target;
  const kind = defineView({
    name: "overlap",
    plural: "overlaps",
    prefix: "ov",
    about: `${oneOf(name)} in more than one ${into.target.name}.`,
    title: "name",
    order: plural,
    unfiltered: true,
    fields: {
      id: { type: textType(80), about: "the whole id", always: true, shown: "json", column: "id" },
      handle: { type: textType(80), about: `the ${name}`, always: true, shown: "json" },
      name: text({ about: "what it is called" }),
      [plural]: required({ type: countType, about: "in how many it is" }),
      in: required(tags({ about: "which these are" })),
    },
    example: {
      id: `${prefix}_01k9x2v7m3q8r0s2n5t4v6w8y0`,
      handle: `${name}/${prefix}_t4v6w8y0`,
      name: "Jane Doe",
      [plural]: 2,
      in: [`${into.target.prefix}_5h2k8m3q`, `${into.target.prefix}_9r7t2v4x`],
    },
  });
  return { kind, view: createWholeView(kind, () => name) };
});

const workloadOf = derived((of: Kind): Shown => {
  const { into } = joiningOf(of);
  const { as, by } = of.joins!;
  const states = statesOf(of);
  const count = (about: string) => required({ type: countType, about });
  const kind = defineView({
    name: "workload",
    plural: "workloads",
    prefix: "wl",
    about: `What one ${by} has to do.`,
    title: by,
    order: by,
    unfiltered: true,
    nameless: true,
    fields: {
      [by]: valuesOf(of, by)[by]!,
      [as]: count("how many in all"),
      open: count("how many there is still something to do for"),
      due: count("how many of these are due by now"),
      [into.target.plural]: count("in how many"),
      ...Object.fromEntries(states.map((state) => [state, count(`how many are ${state}`)])),
    },
    example: {
      [by]: "sam@acme.com",
      [as]: 40,
      open: 31,
      due: 3,
      [into.target.plural]: 2,
      ...Object.fromEntries(states.map((state) => [state, 8])),
    },
  });
  return { kind, view: createWholeView(kind) };
});
