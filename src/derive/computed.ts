import type { Computation, Holding } from "../fields/spec.ts";
import type { Field, Kind } from "../records/kind.ts";

/** What a computed field comes to, as SQL about the columns of its own row: the expression of a generated column. */
export function computedSql(computation: Computation): string {
  switch (computation.is) {
    case "total": {
      const total = `crm_${computation.figure}(${quoted(computation.of)})`;
      const { negativeWith } = computation;
      return negativeWith === undefined || computation.figure === "taxes"
        ? total
        : `case when ${quoted(negativeWith)} is null then ${total} else - ${total} end`;
    }
    case "open":
      return `case when ${holdsSql(computation.while)} then ${[grossSql(computation.items), ...computation.by.map(coveredSql)].join(" - ")} end`;
    case "first": {
      const cases = computation.values.map(([value, when]) => `when ${holdsSql(when)} then '${value}'`);
      return `case ${cases.join(" ")} else '${computation.else}' end`;
    }
    case "walk": {
      const along = `${quoted(computation.steps)}, ${quoted(computation.answers)}`;
      return computation.figure === "status"
        ? `crm_walk_status(${along}, ${quoted(computation.stopped)})`
        : `crm_${computation.figure}(${along})`;
    }
    case "day-after":
      return `case when ${holdsSql(computation.while)} then (${quoted(computation.of)} + 1)::timestamp at time zone 'UTC' end`;
  }
}

function holdsSql({ has = [], lacks = [], settled, unsettled, begun, holds = [] }: Holding): string {
  return [
    ...has.map((name) => `${quoted(name)} is not null`),
    ...lacks.map((name) => `${quoted(name)} is null`),
    ...holds.map(quoted),
    ...(settled ? [`${settled.by.map(coveredSql).join(" + ")} >= ${grossSql(settled.items)}`] : []),
    ...(unsettled ? [`${unsettled.by.map(coveredSql).join(" + ")} < ${grossSql(unsettled.items)}`] : []),
    ...(begun === undefined ? [] : [`${coveredSql(begun)} > 0`]),
  ].join(" and ");
}

const grossSql = (items: string) => `crm_gross(${quoted(items)})`;
const coveredSql = (name: string) => `coalesce(${quoted(name)}, 0)`;
const quoted = (name: string) => `"${name}"`;

/** The fields of a kind that the service itself sets. */
export const keptOf = ({ fields }: Kind): Field[] => fields.filter(({ kept }) => kept);

/** The fields that a frozen record holds still: all that a caller or the service may set but those that are left free. */
const heldOf = (kind: Kind): Field[] =>
  kind.fields.filter(
    ({ name, readOnly, type, kept }) => (!readOnly || kept) && !type.borrowed && !kind.frozen!.free.includes(name),
  );

/** What stands for all that a frozen record holds still. A time is a number in it, which no zone of a session changes. `of` gives the value of a column, as SQL. */
export const sealSql = (kind: Kind, of: (name: string) => string): string =>
  `md5(jsonb_build_array(${heldOf(kind)
    .map(({ name, type }) => (type.sqlType === "timestamptz" ? `extract(epoch from ${of(name)})` : of(name)))
    .join(", ")})::text)`;

/** The seal of a row that is written: it is there from the moment on from which the record is frozen. */
export function sealedSql(kind: Kind, of: (name: string) => string, former?: string): string {
  const made = `case when ${of(kind.frozen!.when)} is not null then ${sealSql(kind, of)} end`;
  return former === undefined ? made : `coalesce(${former}, ${made})`;
}

export const frozenName = ({ plural }: Pick<Kind, "plural">) => `${plural}_frozen`;

/** What a payment that does not fit is refused by: no table has a constraint of that name. */
export const settleName = ({ plural }: Pick<Kind, "plural">) => `${plural}_settle`;

/** The constraint that keeps a frozen record as it is, whoever writes it and however. */
export function frozenSql(kind: Kind): string[] {
  const { frozen } = kind;
  if (!frozen) return [];
  const unsealed = `seal is null and ${quoted(frozen.when)} is null`;
  return [
    `constraint ${frozenName(kind)} check (${unsealed} or deleted_at is null and coalesce(seal, '') = ${sealSql(kind, (name) => quoted(name))})`,
  ];
}
