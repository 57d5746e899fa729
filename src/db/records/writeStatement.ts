import type { View } from "../../derive/view.ts";
import { createRecent } from "../../kit/recent.ts";
import { numbered, type Statement } from "../../postgres/sql.ts";
import { type Catalog, type Derivation, definitionOf, type Kind, linksOf } from "../../records/define.ts";
import type { Author, Database } from "../database.ts";
import { authorValues, type Column, columnsOf, HISTORY_COLUMNS, historySelect, recordColumns } from "./columns.ts";
import { tableOf } from "./table.ts";

/** A create counts against `cap`, where the plan has one for the kind; with a `claim` it happens once for its idempotency key. */
export type Way = { creates: boolean; claim?: Claim | undefined; cap?: number | undefined };

/** What makes a repeated create the same create: the caller's key, and a fingerprint of what was asked. */
export type Claim = { key: string; fingerprint: string };

export type Values = {
  /** Column values to set, whether the record is there or not; null clears. Links by key. */
  sent: Record<string, unknown>;
  /** Further values of a new record. */
  initial: Record<string, unknown>;
  /** Keys to take out of `custom`. */
  removed: readonly string[];
  /** The record must have one of these. */
  versions: readonly number[] | undefined;
};

/** `id`: of a new record, or the key of the one to change. */
export type Write = { author: Author; entryId: string; id: string; values: Values };

/**
 * The statement of a write and of its history entry. Its text is made for the fields that are written: a column that is not mentioned costs
 * nothing, and no link is locked but those that are set. Undefined when a change brings nothing.
 */
export function writeStatement(db: Database, view: View, way: Way, write: Write): Statement | undefined {
  const { sent, initial, removed, versions } = write.values;
  const { creates, claim, cap } = way;
  const values: unknown[] = [...authorValues(write.author), write.entryId, write.id];
  let parts = "";
  for (const column of columnsOf(view.kind)) {
    const { name } = column;
    const part = partOf(column, write.values, creates);
    if (part === SENT) values.push(sent[name]);
    if (part === INITIAL) values.push(initial[name]);
    parts += part;
  }
  if (!creates && !parts.includes(SENT) && !parts.includes(CLEARED)) return undefined;
  const shape = { creates, claims: claim !== undefined, cap, expects: versions !== undefined, parts };
  if (claim) values.push(claim.key, claim.fingerprint);
  if (sent.custom) values.push(removed);
  if (versions) values.push(versions);
  return statementOf(db, view, shape)(values);
}

/** How a column takes part. `DERIVED` follows another that is written. `CLEARED` is set to null without a value that is sent along: a link, or all of `custom`. */
const SENT = "s";
const CLEARED = "c";
const INITIAL = "i";
const DERIVED = "d";
const ABSENT = "-";

function partOf({ name, clears, derived }: Column, { sent, initial }: Values, creates: boolean): string {
  if (Object.hasOwn(sent, name)) return clears && sent[name] === null ? CLEARED : SENT;
  if (derived && Object.hasOwn(sent, derived.field)) return DERIVED;
  if (!creates) return ABSENT;
  if (derived && Object.hasOwn(initial, derived.field) && initial[derived.field] !== derived.value) return DERIVED;
  return Object.hasOwn(initial, name) ? INITIAL : ABSENT;
}

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** What a derived column of a new record is; `now` is what the field it follows is given. */
const derivedNew = ({ value }: Derivation, now: string) =>
  `case when ${now} is distinct from ${literal(value)} then $2::timestamptz end`;

/** Of one that is there: the row is read as it is when it is locked, so of writes at once each sees what the one before it left. */
function derivedAgain(name: string, { field, value }: Derivation, now: string): string {
  const [was, is] = [`r."${field}" is not distinct from ${literal(value)}`, `${now} is not distinct from ${literal(value)}`];
  return `case when ${was} and not (${is}) then crm_after(r.updated_at, $2) when ${is} and not (${was}) then null else r."${name}" end`;
}

/** What the text depends on. `parts` has a letter for each column. */
type Shape = { creates: boolean; claims: boolean; cap: number | undefined; expects: boolean; parts: string };

/** Of all views together, for callers choose views and shapes, and each pair of them has a text of some kilobytes. */
const MOST_SHAPES = 1_000;

const statements = createRecent<string, (values: unknown[]) => Statement>(MOST_SHAPES);

function statementOf(db: Database, view: View, shape: Shape): (values: unknown[]) => Statement {
  const { creates, claims, cap, expects, parts } = shape;
  const key = `${view.serial} ${creates ? "create" : "update"}${claims ? " once" : ""}${expects ? " at" : ""} ${cap ?? ""} ${parts}`;
  let statement = statements.get(key);
  if (!statement) {
    statement = numbered(writeSql(db, view, shape));
    statements.set(key, statement);
  }
  return statement;
}

/**
 * `$1`-`$7` the author, `$8` id of the history entry, `$9` new id or the key of the record, then the values of the columns; where a key is
 * claimed, it and its fingerprint; where `custom` is sent, the keys to remove; where a version is expected, those it may be.
 *
 * A linked record is locked against deletion while its id is written (`for key share`), so that a link never points to what is gone. What
 * has version 1 was created.
 */
function writeSql(db: Database, view: View, { creates, claims, cap, expects, parts }: Shape): string {
  const { kind } = view;
  const { naturalKey } = kind;
  const table = tableOf(kind, db.catalog);
  const columns = columnsOf(kind).map((column, i) => ({ ...column, part: parts[i]! }));
  let last = 9;
  const next = (type: string) => `$${++last}::${type}`;
  const given = new Map<string, string>();
  for (const { name, type, part } of columns) if (part === SENT || part === INITIAL) given.set(name, next(type));
  const claim = claims ? [next("text"), next("text")] : [];
  const removed = columns.some(({ name, part }) => name === "custom" && part === SENT) ? next("text[]") : "";
  const version = expects ? [`r.version = any(${next("integer[]")})`] : [];

  const links = linkCtes(kind, db.catalog, given, creates ? columns.filter(({ part }) => part === ABSENT) : []);
  const linked = [...links.keys()].filter((name) => given.has(name)).map((name) => `exists (select from link_${name})`);
  const freshly = (name: string, part: string) => (creates && part === SENT ? `excluded."${name}"` : value(name));
  const value = (name: string) => (links.has(name) ? `(select id from link_${name})` : (given.get(name) ?? "null"));

  const isSet = ({ name, part }: { name: string; part: string }) =>
    (part === SENT || part === CLEARED) && !(creates && name === naturalKey);
  const sourceOf = ({ derived }: Column) => columns.find(({ name }) => name === derived?.field)!;
  const set = columns.filter(isSet).map(({ name, part }) => {
    const fresh = freshly(name, part);
    const merged = `nullif((coalesce(r.custom, '{}') || ${given.get(name)}) - ${removed}, '{}')`;
    return { name, becomes: name === "custom" && part === SENT ? merged : fresh };
  });
  // They change only with the field they follow, which `differs` looks at.
  const follow = columns
    .filter((column) => column.part === DERIVED && isSet(sourceOf(column)))
    .map((column) => {
      const source = sourceOf(column);
      return { name: column.name, becomes: derivedAgain(column.name, column.derived!, freshly(source.name, source.part)) };
    });
  const changes = `${[...set, ...follow].map(({ name, becomes }) => `"${name}" = ${becomes}`).join(", ")}, version = r.version + 1`;
  const before = set.map(({ name }) => `r."${name}"`).join(", ");
  const differs = `(${before}) is distinct from (${set.map(({ becomes }) => becomes).join(", ")})`;
  const where = (conditions: string[]) => (conditions.length > 0 ? `where ${conditions.join(" and ")}` : "");

  const inserted = columns.filter(
    ({ name, part }) => given.has(name) || part === DERIVED || (part === ABSENT && links.has(name)),
  );
  const values = inserted.map((column) => {
    const { name, part, derived } = column;
    if (part === DERIVED) return derivedNew(derived!, value(sourceOf(column).name));
    return name === "custom" ? `nullif(${value(name)}, '{}')` : value(name);
  });
  const conflict = `on conflict (workspace_id, "${naturalKey}") where "${naturalKey}" is not null and deleted_at is null`;
  const otherwise =
    set.length > 0
      ? `do update set ${changes}, updated_at = crm_after(r.updated_at, excluded.updated_at) ${where([...version, differs])}`
      : "do nothing";
  const create = () => `insert into ${table.name.text} as r
      (workspace_id, id, ${inserted.map(({ name }) => `"${name}", `).join("")}version, created_at, created_by, updated_at)
      select $1, $9, ${values.map((each) => `${each}, `).join("")}1, $2, $3, $2 ${where([...(claims ? ["exists (select from claimed)"] : []), ...linked])}
      ${given.has(naturalKey ?? "") ? `${conflict} ${otherwise}` : ""}`;
  const update = () => `update ${table.name.text} r set ${changes}, updated_at = crm_after(r.updated_at, $2)
      ${where(["r.workspace_id = $1", idEnds("r.id", "$9"), "r.deleted_at is null", ...version, ...linked, differs])}`;

  const entry = {
    id: "$8",
    action: "case when version = 1 then 'created' else 'updated' end",
    row: "to_jsonb(written)",
  };
  const ctes = [
    ...links.values(),
    ...(claims ? [claimCte(claim, linked)] : []),
    `written as (${creates ? create() : update()}
      returning ${recordColumns(kind).join(", ")})`,
    ...(creates && cap !== undefined ? [usageCte(kind, cap)] : []),
    `history as (insert into changes (${HISTORY_COLUMNS}) ${historySelect("written", kind, entry)})`,
  ];
  return `with ${ctes.join(",\n    ")}
    select ${table.select(view).text} from (select $1::text as workspace_id, written.* from written) r`;
}

/** By the index on the last eight characters, then by all that was given. */
const idEnds = (column: string, key: string) =>
  `right(${column}, 8) = right(${key}, 8) and right(${column}, length(${key})) = ${key}`;

/**
 * By column, `link_company_id as (select … for key share)`: the living record whose key is given. A new record takes a link of its own that
 * is `absent` from the records it does link to: the deal of a contact belongs to the contact's company.
 */
function linkCtes(
  kind: Kind,
  catalog: Catalog,
  given: ReadonlyMap<string, string>,
  absent: readonly { name: string }[],
): Map<string, string> {
  const links = linksOf(kind).map(({ field, target }) => {
    const linked = definitionOf(catalog, target);
    return { column: field.name, linked, carries: linksOf(linked).map((link) => link.field.name) };
  });
  const sources = (column: string) => links.filter(({ carries }) => carries.includes(column)).reverse();
  const ctes = new Map<string, string>();
  // What others are taken from comes first.
  for (const { column, linked, carries } of links.toSorted((a, b) => sources(a.column).length - sources(b.column).length)) {
    const taken = absent.some(({ name }) => name === column)
      ? sources(column).flatMap((source) => (ctes.has(source.column) ? [`(select ${column} from link_${source.column})`] : []))
      : [];
    const key = given.get(column) ?? (taken.length > 0 ? `coalesce(${taken.join(", ")})` : undefined);
    if (!key) continue;
    const selected = ["id", ...carries].map((name) => `t.${name}`).join(", ");
    ctes.set(
      column,
      `link_${column} as (select ${selected} from ${linked.plural} t
      where t.workspace_id = $1 and ${idEnds("t.id", key)} and t.deleted_at is null for key share)`,
    );
  }
  return ctes;
}

function claimCte([key, fingerprint]: readonly string[], linked: readonly string[]): string {
  return `claimed as (insert into idempotency_keys (workspace_id, key, fingerprint, record_id, created_at)
      select $1, ${key}, ${fingerprint}, $9, $2 where ${["true", ...linked].join(" and ")} on conflict do nothing returning key)`;
}

/** Counts a record that was created; over the cap, the constraint usage_within_cap fails the statement with all it did. */
function usageCte({ name }: Kind, cap: number): string {
  return `counted as (insert into usage as u (workspace_id, kind, used, cap) select $1, '${name}', 1, ${Math.trunc(cap)} from written where version = 1
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap)`;
}
