import { groupRows } from "../db/records/groups.ts";
import { groupFields, MOST_GROUPS } from "../derive/grouping.ts";
import { barOf, type Pipeline, pipelineOf } from "../derive/pipeline.ts";
import { readListQuery } from "../derive/query.ts";
import { createView, FIRST_COLUMN, type Row, type View } from "../derive/view.ts";
import type { Answer } from "../http/reply.ts";
import { Problem } from "../kit/problem.ts";
import { derived } from "../records/derived.ts";
import type { Field, Kind } from "../records/kind.ts";
import { GROUPING } from "../records/reserved.ts";
import type { Authenticated, Route } from "../service/route.ts";
import { withLists } from "./listed.ts";
import { refuseUnreadable } from "./readable.ts";

/** Of the first kind that has a pipeline. */
export function pipelineRoutes(kinds: readonly Kind[]): Route[] {
  const kind = kinds.find(({ pipeline }) => pipeline);
  if (!kind) return [];
  return [
    {
      method: "GET",
      path: "/pipeline",
      about: `open ${kind.plural} by ${kind.pipeline!.stage}, with a bar each`,
      filters: { of: kind, most: MOST_GROUPS, only: true },
      answers: { is: "list", of: [pipelineOf(kind).view] },
      handle: (context) => pipeline(context, kind),
    },
  ];
}

async function pipeline(context: Authenticated, kind: Kind): Promise<Answer> {
  const { db, session, reading, parameters } = context;
  refuseListParameters(context);
  const query = await withLists(context, kind, readListQuery(kind, parameters, reading));
  refuseUnreadable(context, query);
  const made = pipelineOf(kind);
  const { field, is } = kind.pipeline!.open;
  const open = { field: kind.field(field)!, predicate: { is: "eq" as const, value: is } };
  const scoped = { ...query, conditions: [...query.conditions, open] };
  const { rows, more } = await groupRows(db, session.workspaceId, kind, scoped, made.grouping, reading.zone);
  return {
    is: "list",
    view: lines(kind),
    rows: drawn(made, rows),
    ending: () => ({ nextCursor: null, summary: summaryOf(kind, made, rows), notes: more ? [TOO_MANY] : [] }),
    uncut: true,
  };
}

const TOO_MANY = `there are more stages than ${MOST_GROUPS}: filter them`;

/** Stages come as they are, all at once. */
function refuseListParameters({ parameters }: Authenticated): void {
  const refused: readonly string[] = [...GROUPING, "sort", "limit", "cursor", "offset", "fields", "count"];
  const [name] = parameters.find(([each]) => refused.includes(each)) ?? [];
  if (name === undefined) return;
  throw new Problem(
    "invalid_filter",
    `the pipeline takes filters, and not ${name}`,
    "GET /help/adding-up tells how a list is added up",
  );
}

/** The bar is drawn once the largest amount of each currency is known. Likely stages come last, where that is said; else the largest first. */
function drawn({ grouping, sum, weighted, likely }: Pipeline, rows: readonly Row[]): Row[] {
  const fields = groupFields(grouping);
  const valueIn = (row: Row, field: Field | undefined) => (field ? row[FIRST_COLUMN + fields.indexOf(field)] : null);
  const numberOf = (row: Row, field: Field | undefined) => Number(valueIn(row, field) ?? 0);
  const unitOf = (row: Row) => String(valueIn(row, grouping.per) ?? "");
  const most = new Map<string, number>();
  for (const row of rows) most.set(unitOf(row), Math.max(most.get(unitOf(row)) ?? 0, numberOf(row, sum)));
  const chance = (row: Row) => (valueIn(row, likely) === null ? 101 : numberOf(row, likely));
  const ordered = rows.toSorted(
    (a, b) =>
      (unitOf(a) < unitOf(b) ? -1 : unitOf(a) > unitOf(b) ? 1 : 0) ||
      chance(a) - chance(b) ||
      numberOf(b, sum) - numberOf(a, sum),
  );
  return ordered.map((row) => {
    const amount = numberOf(row, sum);
    const bar = barOf(amount, valueIn(row, weighted) === null ? amount : numberOf(row, weighted), most.get(unitOf(row))!);
    return [...row.slice(0, FIRST_COLUMN), bar, ...row.slice(FIRST_COLUMN)];
  });
}

/** `21 open deals` */
function summaryOf({ name, plural, pipeline }: Kind, { grouping }: Pipeline, rows: readonly Row[]): string {
  const at = FIRST_COLUMN + groupFields(grouping).indexOf(grouping.count);
  const all = rows.reduce((total, row) => total + (row[at] as number), 0);
  return `${all} ${pipeline!.open.is} ${all === 1 ? name : plural}`;
}

const lines = derived((kind: Kind): View => {
  const { view } = pipelineOf(kind);
  return createView(view, view.fields);
});
