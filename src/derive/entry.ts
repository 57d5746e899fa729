import { type Field, type Kind, stored } from "../records/kind.ts";

/** Where a statement has what it tells of the author of a change: values or placeholders, as SQL. */
export type AuthorSql = { workspace: string; actor: string; token: string; agent: string; reason: string; request: string };

/** Whether a change set a field, as SQL. */
type Sets = (field: Field) => string;

/** Removals set no field that may be long. */
const SETS_NOTHING: Sets = () => "false";

/**
 * The one statement that writes history: an entry for each record that has become `row`. `from` gives the rows where they are several.
 * Whatever changes records runs it in the same transaction.
 */
export function entrySql(
  kind: Kind,
  {
    id,
    action,
    cause,
    row,
    author,
    sets,
    from,
  }: { id: string; action: string; cause: string; row: string; author: AuthorSql; sets?: Sets; from?: string },
): string {
  const { workspace, actor, token, agent, reason, request } = author;
  return `insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
  select ${workspace}, ${id}, ${kindSql(kind, row)}, ${row}.id, ${row}.version, ${action}, ${row}.updated_at, ${actor}, ${token}, ${agent}, ${reason}, ${request}, ${cause},
    ${placeSql(row)}, ${keptSql(kind, row, sets)}${from ? ` from ${from}` : ""};`;
}

/** The name of the kind of a row of its table. */
const kindSql = ({ name, shared }: Kind, row: string) => (shared ? `${row}.kind` : `'${name}'`);

/**
 * The place in the feed of the entry of a row, or of the row itself as it changes: its transaction, or that of the version before where that
 * one is later. A transaction that began first may change a record last; by its own number alone, version 3 would come before version 2.
 * Whatever changes a row sets its `xid` to this. The row keeps it, because a look for the entry before would be planned while there are none.
 */
export const placeSql = (row: string) => `greatest(pg_current_xact_id(), ${row}.xid)`;

/** Columns that are no part of the record. */
const noPart = ({ shared, frozen }: Kind) =>
  `'{workspace_id,search,xid,own${shared ? ",kind" : ""}${frozen ? ",seal" : ""}}'::text[]`;
/** Bytes of the long values that a change did not set, from which on its entry leaves them out. */
const MOST_REPEATED = 8_000;
/** Every so many versions an entry is whole, so that no walk back to what it left out is longer. */
const WHOLE_EVERY = 32;
/** Under which an entry tells what it left out: no field has such a name. */
export const LEFT_OUT = "=";

/**
 * The record of an entry. Long values that the change did not set are left out where they come to much: a small change of a record with a
 * megabyte of notes would keep that megabyte once more, for ever. The entry tells their names and sizes under `=`; they are those of the
 * nearest version before that has them (`wholeSql` in db/records/history.ts).
 */
export function keptSql(kind: Kind, row: string, sets: Sets = SETS_NOTHING): string {
  const whole = `(to_jsonb(${row}) - ${noPart(kind)} || coalesce(${row}.own, '{}'))`;
  const long = kind.fields.filter(
    (field) => (!field.readOnly || field.copied) && stored(field) && !field.slot && field.type.long,
  );
  if (long.length === 0) return whole;
  const unset = long.map((field) => ({
    name: field.name,
    size: `case when not ${sets(field)} then ${sizeSql(field, row)} end`,
  }));
  const much = unset.map(({ size }) => `coalesce(${size}, 0)`).join(" + ");
  const sizes = unset.map(({ name, size }) => `'${name}', ${size}`).join(", ");
  return `case when ${row}.version = 1 or ${row}.version % ${WHOLE_EVERY} = 0 or ${much} < ${MOST_REPEATED} then ${whole}
      else (select ${whole} - array(select jsonb_object_keys(sizes)) || jsonb_build_object('${LEFT_OUT}', sizes)
        from jsonb_strip_nulls(jsonb_build_object(${sizes})) sizes) end`;
}

/** Bytes; null where there is no value. */
const sizeSql = ({ name, type }: Field, row: string) =>
  type.sqlType === "jsonb" ? `pg_column_size(${row}."${name}" #> '{}')` : `octet_length(${row}."${name}")`;
