import { comparedSql } from "../../fields/folding.ts";
import type { IdSource } from "../../kit/id.ts";
import { ident, numbered, raw, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import { derived } from "../../records/derived.ts";
import type { Kind } from "../../records/kind.ts";
import type { Author } from "../database.ts";
import { authorValues } from "../records/author.ts";

type Rows = Pick<Transaction, "rows">;

/** A record to write: a change of the one with this id, or else a create that updates the record of its natural key. */
export type Record_ = {
  n: number;
  id?: string | undefined;
  sent: Record<string, unknown>;
  initial: Record<string, unknown>;
  removed: readonly string[];
  /** The natural key that was sent. */
  key?: string | undefined;
};

export type WriteOptions = {
  cap: number | undefined;
  /** Known records are left alone. */
  createsOnly?: boolean;
};

export type WrittenRecord = { id: string; created: boolean };

/**
 * Writes many records by the function that writes one (derive/writeFunction.ts), in one statement, with their history. A row that
 * nothing was written for is missing in the answer: it would change nothing, or a link leads nowhere. Keys are taken in order, so that two
 * imports of the same people do not wait for each other in a circle; the rows of one key stay in theirs.
 */
export async function writeRecords(
  tx: Rows,
  kind: Kind,
  author: Author,
  ids: IdSource,
  records: readonly Record_[],
  { cap, createsOnly = false }: WriteOptions,
): Promise<Map<number, WrittenRecord>> {
  if (records.length === 0) return new Map();
  const ready = records.map((record) => ({ record, newId: record.id ?? ids(kind.prefix), entry: ids("ch") }));
  ready.sort((a, b) => compareKeys(a.record, b.record));
  const rows = await tx.rows(
    callOf(kind)([
      ...authorValues(author),
      ready.map(({ record }) => record.n),
      ready.map(({ entry }) => entry),
      ready.map(({ newId }) => newId),
      ready.map(({ record }) => record.id === undefined),
      ready.map(({ record }) => JSON.stringify(record.sent)),
      ready.map(({ record }) => JSON.stringify(record.initial)),
      ready.map(({ record }) => JSON.stringify(record.removed)),
      createsOnly ? [] : null,
      cap ?? null,
    ]),
    { plan: "named" },
  );
  return new Map(rows.map(([n, id, version]) => [n as number, { id: id as string, created: version === 1 }]));
}

function compareKeys(a: Record_, b: Record_): number {
  const [one, other] = [a.key ?? a.id ?? "", b.key ?? b.id ?? ""];
  return one < other ? -1 : one > other ? 1 : a.n - b.n;
}

/** `$1` to `$7` the author, then a list of each thing that differs from row to row. */
const callOf = derived((kind: Kind) =>
  numbered(`select u.n, r.id, r.version from unnest($8::integer[], $9::text[], $10::text[], $11::boolean[], $12::text[], $13::text[],
      $14::text[]) as u(n, entry, id, creates, sent, initial, removed)
    cross join lateral ${kind.plural}_write($1, $2, $3, $4, $5, $6, $7, u.entry, u.id, u.creates,
      case when u.creates then $15::integer[] end, $16::integer, null, null, u.sent::jsonb, u.initial::jsonb,
      array(select jsonb_array_elements_text(u.removed::jsonb))) r`),
);

/** The living records that hold these values of the kind's natural key, by the value. */
export async function holdersOf(
  tx: Rows,
  workspaceId: string,
  kind: Kind,
  keys: readonly string[],
): Promise<Map<string, string>> {
  const { keyField } = kind;
  if (!keyField || keys.length === 0) return new Map();
  const column = raw(comparedSql(keyField.type, `r."${keyField.name}"`));
  const value = raw(comparedSql(keyField.type, 'u.key collate "C"'));
  const rows = await tx.rows(sql`select u.key, r.id from unnest(${[...new Set(keys)]}::text[]) as u(key)
    join ${ident(kind.plural)} r on r.workspace_id = ${workspaceId} and ${column} = ${value} and r.${ident(keyField.name)} is not null
      and r.deleted_at is null`);
  return new Map(rows.map(([key, id]) => [key as string, id as string]));
}
