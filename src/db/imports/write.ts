import { createManySql } from "../../derive/createMany.ts";
import { asStored } from "../../derive/slots.ts";
import { needsFunction } from "../../derive/writeFunction.ts";
import { comparedSql } from "../../fields/folding.ts";
import type { IdSource } from "../../kit/id.ts";
import { ident, numbered, raw, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import { derived } from "../../records/derived.ts";
import { columnName, type Kind, slotsOf } from "../../records/kind.ts";
import type { Author } from "../database.ts";
import { authorValues, entryAuthorValues, near } from "../records/author.ts";
import { indexNewMentions } from "../records/mentions.ts";
import { rowsOf } from "../records/table.ts";
import { lockLiving } from "./links.ts";

type Rows = Pick<Transaction, "rows" | "spread">;

/** A record to write: a change of the one with this id, or else a create that updates the record of its natural key. */
export type ToWrite = {
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
 * Writes many records with their history. New ones are inserted all at once; what is left, changes and creates that somebody else was quicker
 * with, goes through the function that writes one (derive/writeFunction.ts). A row that nothing was written for is missing in the answer: it
 * would change nothing, or a link leads nowhere. Keys are taken in order, so that two imports of the same people do not wait for each other in
 * a circle; the rows of one key stay in theirs.
 */
export async function writeRecords(
  tx: Rows,
  kind: Kind,
  author: Author,
  ids: IdSource,
  records: readonly ToWrite[],
  options: WriteOptions,
): Promise<Map<number, WrittenRecord>> {
  if (records.length === 0) return new Map();
  const ready = records.map((record): Ready => ({ record, newId: record.id ?? ids(kind.prefix), entry: ids("ch") }));
  ready.sort((a, b) => compareKeys(a.record, b.record));
  const fresh =
    tx.spread || needsFunction(kind) || kind.shared || slotsOf(kind).length > 0
      ? []
      : await newOnes(tx, author.workspaceId, kind, ready);
  const written = await insertNew(tx, kind, author, fresh, options);
  const rest = ready.filter(({ record }) => !written.has(record.n));
  if (rest.length === 0) return written;
  const rows = await tx.rows(
    callOf(kind)([
      ...authorValues(author),
      rest.map(({ record }) => record.n),
      rest.map(({ entry }) => entry),
      rest.map(({ newId }) => newId),
      rest.map(({ record }) => record.id === undefined),
      rest.map(({ record }) => JSON.stringify(asStored(kind, record.sent, true))),
      rest.map(({ record }) => JSON.stringify(asStored(kind, record.initial, false))),
      rest.map(({ record }) => JSON.stringify(record.removed)),
      options.createsOnly ? [] : null,
      options.cap ?? null,
    ]),
    near(author),
  );
  for (const [n, id, version] of rows) written.set(n as number, { id: id as string, created: version === 1 });
  return written;
}

/** A record with the ids that it and its history entry get. */
type Ready = { record: ToWrite; newId: string; entry: string };

/** Creates whose natural key nobody holds, the first row of each, and whose links lead to living records, which stay locked. */
async function newOnes(tx: Rows, workspaceId: string, kind: Kind, ready: readonly Ready[]): Promise<Ready[]> {
  const creates = ready.filter(({ record }) => record.id === undefined);
  // Only addresses are looked up beforehand: a taken key of another kind makes the insert skip the row.
  const keys = kind.furtherKey ? creates.flatMap(({ record }) => record.key ?? []) : [];
  const taken = new Set((await holdersOf(tx, workspaceId, kind, keys)).keys());
  const living = new Map<string, Set<string>>();
  for (const { id, target } of kind.links) {
    const linked = new Set(creates.flatMap(({ record }) => (record.sent[id.name] as string | null | undefined) ?? []));
    living.set(id.name, await lockLiving(tx, workspaceId, target, [...linked]));
  }
  return creates.filter(({ record: { key, sent } }) => {
    // One of several addresses is left to the function that writes one.
    if (addressesOf(kind, sent).length > 1) return false;
    if (key !== undefined && taken.has(key)) return false;
    if (key !== undefined) taken.add(key);
    return kind.links.every(({ id }) => sent[id.name] == null || living.get(id.name)!.has(sent[id.name] as string));
  });
}

/** The values of its natural key that a record would have: each belongs to one. */
function addressesOf({ keyField, furtherKey }: Kind, sent: ToWrite["sent"]): string[] {
  if (!furtherKey) return [];
  const [main, further] = [sent[keyField!.name], sent[furtherKey.name]] as [
    string | null | undefined,
    string[] | null | undefined,
  ];
  return [...(further ?? []), main].filter((value) => value != null);
}

/** Inserts new records, then their history, then counts them. A record whose key was taken meanwhile is left out. */
async function insertNew(
  tx: Rows,
  kind: Kind,
  author: Author,
  fresh: readonly Ready[],
  { cap }: WriteOptions,
): Promise<Map<number, WrittenRecord>> {
  if (fresh.length === 0) return new Map();
  const { insert, history } = createManyOf(kind);
  const rows = await tx.rows(
    insert([
      ...authorValues(author).slice(0, 3),
      fresh.map(({ newId }) => newId),
      fresh.map(({ record }) => JSON.stringify(record.sent)),
      fresh.map(({ record }) => JSON.stringify(record.initial)),
      ...(kind.furtherKey ? [fresh.map(({ record }) => addressesOf(kind, record.sent)[0] ?? null)] : []),
    ]),
  );
  const made = new Set(rows.map(([id]) => id as string));
  const created = fresh.filter(({ newId }) => made.has(newId));
  await tx.rows(history([...entryAuthorValues(author), created.map(({ newId }) => newId), created.map(({ entry }) => entry)]));
  await indexNewMentions(
    tx,
    author.workspaceId,
    kind,
    created.map(({ newId }) => newId),
  );
  if (cap !== undefined && created.length > 0) {
    await tx.rows(sql`insert into usage as u (workspace_id, kind, used, cap) values (${author.workspaceId}, ${kind.name}, ${created.length}, ${cap})
      on conflict (workspace_id, kind) do update set used = u.used + excluded.used, cap = excluded.cap`);
  }
  return new Map(created.map(({ record, newId }) => [record.n, { id: newId, created: true }]));
}

const createManyOf = derived((kind: Kind) => {
  const { insert, history } = createManySql(kind);
  return { insert: numbered(insert), history: numbered(history) };
});

function compareKeys(a: ToWrite, b: ToWrite): number {
  const [one, other] = [a.key ?? a.id ?? "", b.key ?? b.id ?? ""];
  return one < other ? -1 : one > other ? 1 : a.n - b.n;
}

/** `$1` to `$7` the author, then a list of each thing that differs from row to row. */
const callOf = derived((kind: Kind) =>
  numbered(`select u.n, r.id, r.version from unnest($8::integer[], $9::text[], $10::text[], $11::boolean[], $12::text[], $13::text[],
      $14::text[]) as u(n, entry, id, creates, sent, initial, removed)
    cross join lateral ${kind.table}_write($1, $2, $3, $4, $5, $6, $7, u.entry, u.id, u.creates,
      case when u.creates then $15::integer[] end, $16::integer, null, null, u.sent::jsonb, u.initial::jsonb,
      array(select jsonb_array_elements_text(u.removed::jsonb))) r`),
);

/**
 * The living records that hold these values of the kind's natural key, by the value. Where a record may have several, the table of addresses
 * knows, and has one index: among the many of the kind's own table the planner takes a wrong one while it knows nothing of a workspace.
 */
export async function holdersOf(
  tx: Rows,
  workspaceId: string,
  kind: Kind,
  keys: readonly string[],
): Promise<Map<string, string>> {
  const { keyField, furtherKey, name } = kind;
  if (!keyField || keys.length === 0) return new Map();
  if (furtherKey) {
    const held =
      await tx.rows(sql`select a.value, a.record_id from addresses a where a.workspace_id = ${workspaceId} and a.kind = ${name}
      and a.value = any (${[...new Set(keys)]}::text[])`);
    return new Map(held.map(([key, id]) => [key as string, id as string]));
  }
  const column = raw(comparedSql(keyField.type, `r."${columnName(keyField)}"`));
  const value = raw(comparedSql(keyField.type, 'u.key collate "C"'));
  const rows = await tx.rows(sql`select u.key, f.id from unnest(${[...new Set(keys)]}::text[]) as u(key)
    cross join lateral (select r.id from ${rowsOf(kind)} r where r.workspace_id = ${workspaceId} and ${column} = ${value}
      and r.${ident(columnName(keyField))} is not null and r.deleted_at is null limit 1) f`);
  return new Map(rows.map(([key, id]) => [key as string, id as string]));
}
