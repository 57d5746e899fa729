import { comparedSql, orderedSql, ordersFolded } from "../fields/folding.ts";
import { doneValues } from "../records/declaration.ts";
import { derived } from "../records/derived.ts";
import { columnName, type Field, hasName, isAlways, type Kind, stored, writable } from "../records/kind.ts";
import { blocksOf } from "./blocks.ts";
import { computedSql, frozenSql } from "./computed.ts";
import { sharedTableSql } from "./sharedTable.ts";
import { writeFunctionSql } from "./writeFunction.ts";

/** The SQL that makes the table of a kind with its indexes, and the function that writes its records. */
export const ddl = derived(
  (kind: Kind): string =>
    `${[...(kind.shared ? sharedTableSql() : [tableSql(kind), ...indexesSql(kind), ...tuningSql(kind)]), writeFunctionSql(kind)].join("\n")}\n`,
);

function tableSql(kind: Kind): string {
  const { plural, links, needsOneOf } = kind;
  const own = ownOf(kind);
  const lines = [
    'workspace_id text collate "C" not null',
    'id text collate "C" not null',
    ...own.map(columnSql),
    "version integer not null",
    "created_at timestamptz not null",
    'created_by text collate "C" not null',
    "updated_at timestamptz not null",
    "deleted_at timestamptz",
    'merged_into text collate "C"',
    // Stands for what a frozen record holds still (see computed.ts).
    ...(kind.frozen ? ['seal text collate "C"'] : []),
    // The place of its last change in the feed (see entry.ts).
    "xid xid8",
    // The values of fields that workspaces have added (see slots.ts).
    "own jsonb",
    ...searchColumn(kind),
    "primary key (workspace_id, id)",
    ...links.map(
      ({ id, target }) => `foreign key (workspace_id, ${quoted(id)}) references ${target.plural} (workspace_id, id)`,
    ),
    ...(needsOneOf
      ? [`constraint ${plural}_needs_one_of check (num_nonnulls(${needsOneOf.join(", ")}) > 0 or deleted_at is not null)`]
      : []),
    ...frozenSql(kind),
    ...own.flatMap((field) => {
      const { check } = field.type;
      return check ? [`constraint ${checkName(kind, field)} check (${check.sql(quoted(field))})`] : [];
    }),
  ];
  return `create table ${plural} (\n  ${lines.join(",\n  ")}\n);`;
}

/** The fields with a column that callers may set, or that this kind has besides what every kind has. */
const ownOf = ({ fields }: Kind): Field[] =>
  fields.filter((field) => stored(field) && (!field.readOnly || field.kept || field.computed));

/** The constraint that holds a field to what its type demands. */
export const checkName = ({ plural }: Kind, { name }: Field) => `${plural}_${name}_fits`;

function columnSql(field: Field): string {
  const { sqlType } = field.type;
  const column = `${quoted(field)} ${sqlType}${sqlType === "text" ? ' collate "C"' : ""}`;
  if (field.computed)
    return `${column} generated always as (${computedSql(field.computed)}) stored${isAlways(field) ? " not null" : ""}`;
  return `${column}${field.required ? " not null" : ""}`;
}

/**
 * What search looks at: the title first, which decides the rank, then every other searched field, each on a line of its own, and what workspaces have
 * added.
 */
function searchColumn(kind: Kind): string[] {
  const searched = [kind.titleField, ...ownOf(kind).filter((field) => field.search && field !== kind.titleField)];
  const parts = searched.flatMap((field) => field.type.searched?.(quoted(field)) ?? [quoted(field)]);
  const text = `crm_lines(${[...parts, "crm_own_lines(own)"].join(", ")})`;
  return [`search text generated always as (crm_fold(${text})) stored`];
}

function indexesSql(kind: Kind): string[] {
  const { plural, links, keyField, furtherKey, reminder } = kind;
  const order = kind.order.replace("-", "");
  const own = ownOf(kind);
  const index = (name: string, on: string, where = "", using = "") =>
    `create index ${plural}_${name}_idx on ${plural} ${using}(workspace_id, ${on}) where ${where && `${where} and `}deleted_at is null;`;
  const sorted = kind.fields.filter((field) => field.sort && stored(field));
  const due = [`${reminder?.at} is not null`, ...pendingSql(kind)].join(" and ");
  return [
    `create unique index ${plural}_handle_key on ${plural} (workspace_id, right(id, 8));`,
    ...(keyField
      ? [
          `create unique index ${plural}_${keyField.name}_key on ${plural} (workspace_id, ${compared(keyField)}) where ${quoted(keyField)} is not null and deleted_at is null;`,
        ]
      : []),
    ...onceSql(kind),
    ...sorted.map((field) =>
      // The unique index has the order of those with a value, if the column itself is ordered: `lower(…) is not null` does not tell the
      // planner that the column is not.
      field === keyField && ordered(field) === quoted(field)
        ? index(`${field.name}_none`, `${ordered(field)}, id`, `${quoted(field)} is null`)
        : index(`${field.name}_order`, `${ordered(field)}, id`),
    ),
    ...own.filter(({ paged }) => paged).map((field) => index(field.name, `${compared(field)}, ${order}, id`)),
    ...links.map(({ id }) => index(id.name, `${quoted(id)}, ${order}, id`, `${quoted(id)} is not null`)),
    ...(reminder?.doneWhen ? [index("due", `${reminder.at}, id`, due)] : []),
    ...(reminder?.owner ? [index(`${reminder.owner}_due`, `${reminder.owner}, ${reminder.at}, id`, due)] : []),
    // A link may be sent by the name of the record it leads to.
    ...(kind.holders.length > 0 ? [index("called", `"left"(crm_fold(${quoted(kind.titleField)}), 200)`)] : []),
    // The column is in the index as well, or PostgreSQL would fetch the row and work the key out again.
    ...blocksOf(kind).map(
      ({ name, column, key }) =>
        `create index ${plural}_${name}_idx on ${plural} (workspace_id, (${key(`"${column}"`)}), id) include ("${column}") where "${column}" is not null and deleted_at is null;`,
    ),
    `create index ${plural}_deleted_idx on ${plural} (workspace_id, ${order}, id) where deleted_at is not null;`,
    // A new record with the natural key of a deleted one may be that one again.
    ...(keyField ? [goneSql(kind, keyField, compared(keyField))] : []),
    ...(furtherKey ? [goneSql(kind, furtherKey, quoted(furtherKey), "using gin ")] : []),
    index("search", "search gin_trgm_ops", "", "using gin "),
    `create index ${plural}_lexemes_idx on ${plural} using gin (crm_lexemes(workspace_id, ${hasName(kind) ? "search" : "E'\\n' || search"})) where deleted_at is null;`,
    ...own.flatMap((field) =>
      (field.type.indexed?.(quoted(field)) ?? []).map(({ name, on, where }) =>
        index(`${field.name}${name}`, on, where, "using gin "),
      ),
    ),
  ];
}

/** One thing is in another once. */
function onceSql(kind: Kind): string[] {
  const { plural, joins } = kind;
  if (!joins) return [];
  const pair = `"${joins.into}", "${joins.whom}"`;
  return [`create unique index ${onceConstraint(kind)} on ${plural} (workspace_id, ${pair}) where deleted_at is null;`];
}

/** The index that keeps it so. */
export const onceConstraint = ({ plural }: Kind): string => `${plural}_once_key`;

const goneSql = ({ plural }: Kind, field: Field, on: string, using = "") =>
  `create index ${plural}_${field.name}_gone_idx on ${plural} ${using}(workspace_id, ${on}) where ${quoted(field)} is not null and deleted_at is not null;`;

/** What holds of a record that still reminds, as SQL about its columns: the index of reminders and the list of them say the same. */
export function pendingSql(kind: Kind, row = ""): string[] {
  const { doneWhen } = kind.reminder ?? {};
  if (!doneWhen) return [];
  const done = kind.field(doneWhen.field)!;
  if (done.slot) return [`${row}${columnName(done)} is not true`];
  const values = doneValues(doneWhen);
  if (values[0] === true) return [`not ${row}${doneWhen.field}`];
  if (values.length === 1) return [`${row}${doneWhen.field} <> '${values[0]}'`];
  return [`${row}${doneWhen.field} not in (${values.map((value) => `'${value}'`).join(", ")})`];
}

/** PostgreSQL's own guesses are those of an average workspace, and too coarse for search. */
function tuningSql(kind: Kind): string[] {
  const { plural } = kind;
  const folded = ownOf(kind).filter(({ sort, required, type }) => sort && !required && ordersFolded(type));
  return [
    `alter table ${plural} alter column workspace_id set (n_distinct = -0.0002);`,
    ...searchTuningSql(kind),
    ...writable(kind).flatMap((field) =>
      (field.type.indexed?.(field.name) ?? []).flatMap(({ name, untold }) =>
        untold ? [`alter index ${plural}_${field.name}${name}_idx alter column 2 set statistics 0;`] : [],
      ),
    ),
    ...folded.map(({ name }) => `create statistics ${plural}_${name}_folded on lower("${name}") from ${plural};`),
  ];
}

/** What the search column and its index lose when the column is made anew. */
export const searchTuningSql = ({ plural }: Kind): string[] => [
  `alter table ${plural} alter column search set statistics 200;`,
  `alter index ${plural}_lexemes_idx alter column 1 set statistics 0;`,
];

const compared = (field: Field) => comparedSql(field.type, quoted(field));
const ordered = (field: Field) => orderedSql(field.type, quoted(field));

const quoted = ({ name }: Field) => `"${name}"`;
