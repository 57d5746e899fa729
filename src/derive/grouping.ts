import { z } from "zod";
import { countType, textType } from "../fields/text.ts";
import type { FieldType } from "../fields/type.ts";
import { isExact } from "../kit/json.ts";
import { echo, quoteIfNeeded } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import { currencyOf, type Field, isRecord, type Kind, type Link, memberNamed, membersOf } from "../records/kind.ts";
import { FIGURES, GROUPING } from "../records/reserved.ts";
import { TOLD } from "./columns.ts";

export const UNITS = ["day", "week", "month", "quarter", "year"] as const;
export type Unit = (typeof UNITS)[number];
export type FigureName = (typeof FIGURES)[number];

/** What the rows of a group have in common: a field's value, a member of one, the span of time it falls into, or the record it links to. */
export type GroupKey = {
  field: Field;
  via?: Link;
  member?: string;
  unit?: Unit;
  /** The fields a group shows it in: of a link the id, then the name. */
  shown: readonly Field[];
};

/** What the rows of a group come to. `weighted`: the sum of what is likely, by a field that says so in percent. */
export type Figure = { is: FigureName; field: Field; shown: Field } | { is: "weighted"; field: Field; by: Field; shown: Field };

/** A list that is added up: `group_by=stage&sum=amount_cents`. */
export type Grouping = {
  by: readonly GroupKey[];
  figures: readonly Figure[];
  /** Says what amounts are amounts of, so that no group mixes them. */
  per: Field | undefined;
  /** How many rows a group has. */
  count: Field;
  sort: { name: string; descending: boolean } | undefined;
  limit: number;
};

export const MOST_GROUPS = 1_000;
const MOST_KEYS = 2;

/** A number that a double may not hold is text in JSON. */
export const exactType: FieldType = {
  ...countType,
  name: "exact",
  shown: z.union([z.number(), z.string()]),
  toLine: (text: string) => text,
  toJson: (text: string) => (isExact(text) ? text : `"${text}"`),
};

/** Of what an amount is, or how a time reads in a group. */
const labelType: FieldType = { ...textType(60), toLine: quoteIfNeeded };

/** The query of SQL that counts them, where they are one of its tables. */
function countedBySql({ plural }: Kind, by: readonly string[]): string {
  const table = TOLD[plural];
  if (!table) return "leave it out";
  const columns = by.filter((name) => Object.hasOwn(table, name));
  const groups = columns.length > 0 ? ` group by ${columns.map((_, i) => i + 1).join(", ")}` : "";
  return `SQL counts them: POST /sql {"sql":"select ${[...columns, "count(*)"].join(", ")} from ${plural}${groups}"}`;
}

/** Reads the parameters that add a list up; undefined where there are none. */
export function readGrouping(kind: Kind, parameters: readonly (readonly [string, string, string?])[]): Grouping | undefined {
  const asked = (name: string) =>
    parameters.filter(([each]) => each === name).flatMap(([, list]) => list.split(",").map((item) => item.trim()));
  const names = GROUPING.filter((name) => parameters.some(([each]) => each === name));
  if (names.length === 0) return undefined;
  if (!isRecord(kind))
    throw new Problem(
      "invalid_filter",
      `${kind.plural} are not added up: ${names[0]} is for records`,
      countedBySql(kind, asked("group_by")),
    );
  refuseBeside(parameters, names[0]!);
  const by = asked("group_by").map((name) => readKey(kind, name));
  if (by.length > MOST_KEYS)
    throw new Problem("invalid_value", `group_by names ${by.length} fields`, `group by at most ${MOST_KEYS} fields`);
  const figures = FIGURES.flatMap((is) => asked(is).map((name) => readFigure(kind, is, name)));
  const grouping = { by: distinct(by), figures: distinct(figures), per: perOf(kind, figures, by), count: countOf(kind) };
  const sort = readGroupSort(grouping, asked("sort"));
  return { ...grouping, sort, limit: readGroupLimit(asked("limit")) };
}

/** Asked twice is asked once. */
const distinct = <T extends GroupKey | Figure>(all: readonly T[]): T[] => {
  const name = ({ shown }: GroupKey | Figure) => [shown].flat()[0]!.name;
  return all.filter((each, i) => all.findIndex((other) => name(other) === name(each)) === i);
};

/** What pages through records means nothing for groups, which all come at once. */
function refuseBeside(parameters: readonly (readonly [string, string, string?])[], by: string): void {
  const [name] = parameters.find(([each]) => ["cursor", "offset", "fields", "count"].includes(each)) ?? [];
  if (name === undefined) return;
  throw new Problem("invalid_filter", `${name} does not go with ${by}`, [
    `leave ${name} out: all groups come at once, each with how many it has; sort= and limit= take the largest`,
  ]);
}

function readKey(kind: Kind, asked: string): GroupKey {
  const colon = asked.lastIndexOf(":");
  const unit = UNITS.find((each) => each === asked.slice(colon + 1));
  const name = unit && colon > 0 ? asked.slice(0, colon) : asked;
  const key = ownKey(kind, name) ?? keyAcross(kind, name);
  if (!key) throw unknownKey(kind, colon > 0 && !unit ? asked.slice(0, colon) : name, asked);
  return spanned(key, name, unit);
}

function ownKey(kind: Kind, name: string): GroupKey | undefined {
  const field = kind.field(name);
  if (field?.link) return { field, shown: [field.link.id, field.link.shown] };
  if (field) return isGroupable(field) ? { field, shown: [field] } : undefined;
  const member = memberNamed(kind, name);
  if (!member?.members.isKey(member.key)) return undefined;
  return { field: member.field, member: member.key, shown: [labelOf(name)] };
}

/** `company.industry`, one step over a link. */
function keyAcross({ links }: Kind, name: string): GroupKey | undefined {
  const via = links.find((link) => name.startsWith(`${link.name}.`));
  const field = via?.target.field(name.slice(via.name.length + 1));
  if (!via || !field || field.link || !isGroupable(field)) return undefined;
  return { field, via, shown: [{ ...field, name, column: name }] };
}

const TIMES: readonly string[] = ["timestamptz", "date"];
const isTime = ({ type }: Field) => TIMES.includes(type.sqlType);

/** The identity and the version say nothing of groups; nor do long texts and lists. */
export const isGroupable = (field: Field): boolean =>
  (field.slot === true || (field.column !== "id" && field.column !== "version")) &&
  !field.type.long &&
  !["text[]", "jsonb"].includes(field.type.sqlType);

const labelOf = (name: string): Field => ({ name, type: labelType, about: name });

function spanned(key: GroupKey, name: string, unit: Unit | undefined): GroupKey {
  if (key.member === undefined && isTime(key.field)) {
    if (unit) return { ...key, unit, shown: [labelOf(name)] };
    if (key.field.type.sqlType === "date") return key;
    throw new Problem("invalid_value", `${name} differs in every record`, `group by a span of time: ${spansOf(name)}`);
  }
  if (!unit) return key;
  throw new Problem("invalid_value", `${name} is no time, so it has no ${unit}`, `group_by=${name}`);
}

const spansOf = (name: string) => UNITS.map((unit) => `group_by=${name}:${unit}`).join(", ");

function unknownKey(kind: Kind, name: string, asked: string): Problem {
  const field = kind.field(name);
  if (field && isTime(field)) return new Problem("invalid_value", `group_by cannot be ${echo(asked)}`, spansOf(name));
  const names = groupNames(kind);
  const near = nearest(name, names);
  return new Problem(
    "invalid_filter",
    field ? `${kind.plural} cannot be grouped by ${name}` : `there is no field ${echo(name)} on ${kind.plural}`,
    `${near.length > 0 && !field ? `did you mean ${near.join(" or ")}? ` : ""}group by: ${names.join(", ")}; of a link also ${kind.links
      .slice(0, 1)
      .map((link) => `${link.name}.<field>`)
      .join("")}`.replace(/; of a link also $/, ""),
  );
}

/** What `group_by=` takes of the kind's own fields. */
export const groupNames = (kind: Kind): string[] => [
  ...kind.fields.filter((field) => isGroupable(field)).map((field) => (isTime(field) ? `${field.name}:month` : field.name)),
  ...membersOf(kind).map(({ name }) => `${name}.<key>`),
];

/** What `sum=` takes, and `min=` and `max=` besides times. */
export const isAmount = ({ type, readOnly, computed, kept }: Field): boolean =>
  (!readOnly || computed !== undefined || kept === true) && (type.sqlType === "bigint" || type.sqlType === "integer");

const fits = (is: FigureName, field: Field) => isAmount(field) || ((is === "min" || is === "max") && isTime(field));

export const figureNames = (kind: Kind, is: FigureName): string[] =>
  kind.fields.filter((field) => fits(is, field)).map(({ name }) => name);

function readFigure(kind: Kind, is: FigureName, name: string): Figure {
  const field = kind.field(name);
  if (field && fits(is, field)) {
    const type = is === "sum" || is === "avg" ? exactType : field.type;
    return { is, field, shown: { name: `${is}_${name}`, type, about: `${is} of ${field.about}` } };
  }
  const names = figureNames(kind, is);
  const near = nearest(name, names);
  throw new Problem(
    "invalid_filter",
    field ? `${is} does not work with ${name}` : `there is no field ${echo(name)} on ${kind.plural}`,
    names.length === 0
      ? `${kind.plural} have nothing to add up; count them: group_by=${groupNames(kind)[0]}`
      : [
          `${near.length > 0 && !field ? `did you mean ${near.join(" or ")}? ` : ""}${is}=${names.join(", ")}`,
          ...(kind.pipeline?.probability ? ["what is open, by stage and weighted by probability: GET /pipeline"] : []),
        ],
  );
}

/** Money of two currencies is never one sum. Where groups are of one currency already it is shown once. */
function perOf(kind: Kind, figures: readonly Figure[], by: readonly GroupKey[]): Field | undefined {
  const money = figures.find(({ field }) => field.type.money);
  if (!money) return undefined;
  const per = currencyOf(kind);
  if (!per) throw new Problem("invalid_filter", `${money.field.name} has no currency to add it up by`, "leave it out");
  return by.some(({ field, via }) => field === per && !via) ? undefined : per;
}

const countOf = ({ plural }: Kind): Field => ({ name: plural, type: countType, about: "how many" });

/** The fields of a group's line, in its order. */
export function groupFields({ by, figures, per, count }: Omit<Grouping, "sort" | "limit">): Field[] {
  return [...by.flatMap(({ shown }) => shown), count, ...figures.map(({ shown }) => shown), ...(per ? [per] : [])];
}

function readGroupSort(grouping: Omit<Grouping, "sort" | "limit">, asked: readonly string[]): Grouping["sort"] {
  if (asked.length === 0) return undefined;
  const [order] = asked as [string];
  const descending = order.startsWith("-");
  const names = groupFields(grouping).map(({ name }) => name);
  const name = descending ? order.slice(1) : order;
  if (asked.length === 1 && names.includes(name)) return { name, descending };
  throw new Problem("invalid_sort", `groups cannot be sorted by ${echo(asked.join(","))}`, [
    `sort by: ${names.join(", ")}; sort=-${grouping.count.name} is descending`,
  ]);
}

function readGroupLimit([text]: readonly string[]): number {
  if (text === undefined) return MOST_GROUPS;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MOST_GROUPS) return limit;
  throw new Problem("invalid_value", `limit cannot be ${echo(text)}`, `of groups limit is a number from 1 to ${MOST_GROUPS}`);
}
