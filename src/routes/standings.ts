import { type Joining, joiningOf } from "../db/records/joined.ts";
import { resolveId } from "../db/records/references.ts";
import { type Counting, countStates, overlapRows, tallyRows, workloadRows } from "../db/records/standings.ts";
import { type Named, valuesOf } from "../derive/operation.ts";
import { limit } from "../derive/parameters.ts";
import { readLimit, single } from "../derive/query.ts";
import { createWholeView, type Row, type View } from "../derive/view.ts";
import { handleOf } from "../fields/link.ts";
import { countType, textType } from "../fields/text.ts";
import { required, tags, text } from "../fields/vocabulary.ts";
import type { Single } from "../formats/format.ts";
import type { Answer } from "../http/reply.ts";
import { type IdReference, shortId } from "../kit/id.ts";
import { Problem } from "../kit/problem.ts";
import { toTimestamp } from "../kit/time.ts";
import { counted, oneOf } from "../kit/words.ts";
import type { Catalog } from "../records/catalog.ts";
import { defineView } from "../records/define.ts";
import { derived } from "../records/derived.ts";
import type { Kind } from "../records/kind.ts";
import { permit } from "../service/permit.ts";
import { type Authenticated, type Route, readPathId } from "../service/route.ts";
import { mayRead } from "./readable.ts";

const MOST = 200;

/** How far those are who were put into something, in one request: overlaps, workloads and counts of campaigns. */
export const standingRoutes = ({ kinds }: Catalog): Route[] =>
  kinds.filter(({ joins }) => joins).flatMap((kind) => routesOf(joiningOf(kind)));

function routesOf(joining: Joining): Route[] {
  const { kind, into, whom } = joining;
  const { plural, name } = into.target;
  const among: Named = { [plural]: tags({ about: `only these ${plural}: a comma list of ids` }) };
  return [
    {
      method: "GET",
      path: `/${plural}/overlap`,
      kind,
      about: `the ${whom.target.plural} that are in more than one ${name}`,
      parameters: { ...among, limit: limit(MOST) },
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
    {
      method: "GET",
      path: `/${plural}/counts`,
      kind,
      about: `how many ${kind.joins!.as} each ${name} has of each ${kind.joins!.state}, where most is left to do first`,
      parameters: { ...among, limit: limit(MOST) },
      refuses: ["not_found"],
      answers: { is: "list", of: [tallyOf(kind).kind] },
      handle: (context) => tallies(context, joining),
    },
  ];
}

async function overlap(context: Authenticated, joining: Joining): Promise<Answer> {
  const { db, session, parameters } = context;
  const { whom, into } = joining;
  permit(session, { verb: "read", plural: whom.target.plural });
  const among = await readAmong(context, joining);
  const most = readLimit(single(parameters, "limit"), MOST);
  const { rows, all } = await overlapRows(db, session.workspaceId, joining, among, most);
  const shown = rows.map(([id, version, , title, many, ids]) => [
    id,
    version,
    handleOf(whom.target.name, id as string),
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
  const { db, session } = context;
  const rows = await workloadRows(db, session.workspaceId, joining, await countingOf(context, joining));
  const summary = `${rows.length} ${rows.length === 1 ? "person" : "people"}`;
  return {
    is: "list",
    view: workloadOf(joining.kind).view,
    rows,
    ending: () => ({ nextCursor: null, summary, notes: [] }),
    uncut: true,
  };
}

async function tallies(context: Authenticated, joining: Joining): Promise<Answer> {
  const { into, kind } = joining;
  permit(context.session, { verb: "read", plural: into.target.plural });
  const among = await readAmong(context, joining);
  const most = among ? MOST : readLimit(single(context.parameters, "limit"), MOST);
  const rows = await talliesOf(context, joining, most + 1, among);
  const shown = rows.slice(0, most);
  const more = rows.length > most ? [`there are more: name some with ${into.target.plural}=`] : [];
  return {
    is: "list",
    view: tallyOf(kind).view,
    rows: shown,
    ending: () => ({ nextCursor: null, summary: counted(shown.length, into.target), notes: more }),
    uncut: true,
  };
}

/** Rows of the view of `tallyOf`. */
export async function talliesOf(
  context: Authenticated,
  joining: Joining,
  most: number,
  among?: readonly string[],
): Promise<Row[]> {
  const { db, session } = context;
  const rows = await tallyRows(db, session.workspaceId, joining, countingAmong(context, joining, among), most);
  return rows.map(([id, version, , ...rest]) => [id, version, handleOf(joining.into.target.name, id as string), ...rest]);
}

const countingOf = async (context: Authenticated, joining: Joining): Promise<Counting> =>
  countingAmong(context, joining, await readAmong(context, joining));

const countingAmong = ({ reading }: Authenticated, { kind }: Joining, among: Counting["among"]): Counting => ({
  among,
  states: statesOf(kind),
  now: toTimestamp(reading.now),
});

async function readAmong(
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
  if (references.length > MOST)
    throw new Problem("invalid_filter", `${target.plural} takes at most ${MOST} ids`, "ask in several requests");
  const ids: string[] = [];
  for (const reference of references) ids.push(await resolveId(db, session.workspaceId, target, reference));
  return ids;
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

/** How far each may be. */
export const statesOf = (kind: Kind): readonly string[] => kind.field(kind.joins!.state)!.type.choices!;

type Shown = { kind: Kind; view: View };

const count = (about: string) => required({ type: countType, about });

/** What says of which record a line tells. */
const named = (name: string) => ({
  id: { type: textType(80), about: "the whole id", always: true, shown: "json", column: "id" } as const,
  handle: { type: textType(80), about: `the ${name}`, always: true, shown: "json" } as const,
  name: text({ about: "what it is called" }),
});

const standing = (of: Kind) => ({
  [of.joins!.as]: count("how many in all"),
  open: count("how many there is still something to do for"),
  due: count("how many of these are due by now"),
});

const eachState = <T>(of: Kind, value: (state: string) => T) =>
  Object.fromEntries(statesOf(of).map((state) => [state, value(state)]));

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
      ...named(name),
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
      ...standing(of),
      [into.target.plural]: count("in how many"),
      ...eachState(of, (state) => count(`how many are ${state}`)),
    },
    example: {
      [by]: "sam@acme.com",
      [as]: 40,
      open: 31,
      due: 3,
      [into.target.plural]: 2,
      ...eachState(of, () => 8),
    },
  });
  return { kind, view: createWholeView(kind) };
});

export const tallyOf = derived((of: Kind): Shown => {
  const { into } = joiningOf(of);
  const { name, prefix } = into.target;
  const { as, by } = of.joins!;
  const kind = defineView({
    name: "tally",
    plural: "tallies",
    prefix: "ty",
    about: `How far one ${name} is.`,
    title: "name",
    order: as,
    unfiltered: true,
    fields: {
      ...named(name),
      ...standing(of),
      unassigned: count(`how many of the open ones have no ${by}`),
      ...eachState(of, (state) => count(`how many are ${state}`)),
    },
    example: {
      id: `${prefix}_01k9x2v7m3q8r0s2n5t4v6w8y0`,
      handle: `${name}/${prefix}_t4v6w8y0`,
      name: "Spring 2026",
      [as]: 40,
      open: 31,
      due: 3,
      unassigned: 5,
      ...eachState(of, () => 8),
    },
  });
  return { kind, view: createWholeView(kind, () => name) };
});
