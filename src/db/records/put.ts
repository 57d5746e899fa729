import { sealedSql } from "../../derive/computed.ts";
import { settable } from "../../derive/differences.ts";
import { entrySql, placeSql } from "../../derive/entry.ts";
import type { IdSource } from "../../kit/id.ts";
import { ident, numbered, type Statement, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import { derived } from "../../records/derived.ts";
import { columnName, type Kind } from "../../records/kind.ts";
import type { Author } from "../database.ts";
import { freeAddresses, takeAddresses } from "./addresses.ts";
import { ENTRY_AUTHOR, entryAuthorValues, near } from "./author.ts";
import { moveMemberships, type Union } from "./memberships.ts";
import { indexMentions, movedMentions } from "./mentions.ts";
import { NO_CAP } from "./usage.ts";

/** Columns to set in one record that the transaction has locked. `deleted_at` is one of them: a time hides the record, null brings it back. */
export type Put = { kind: Kind; id: string; action: "updated" | "deleted" | "restored"; sets: Record<string, unknown> };

type Terms = {
  /** The record whose entry is the cause of a record's entry; undefined, or the record itself, for one that has no cause. */
  causeOf?: (id: string) => string | undefined;
  /** The cap of the plan on a kind, by its plural, for records that come back. */
  caps?: Readonly<Record<string, number>>;
};

const CHUNK = 1_000;

/** The time at which records are hidden. */
export const timeOf = ({ now }: Author) => new Date(now).toISOString();

/**
 * Writes many records at once, each with its history entry, and gives the ids of the entries by record. Records that go come first, so
 * that the others may take their natural keys; where several records change theirs, all of these are freed before one is set.
 */
export async function putRows(
  tx: Transaction,
  author: Author,
  ids: IdSource,
  puts: readonly Put[],
  { causeOf = () => undefined, caps = {} }: Terms = {},
): Promise<Map<string, string>> {
  const entries = new Map(puts.map(({ id }) => [id, ids("ch")]));
  const dragged = (id: string) => {
    const cause = causeOf(id);
    return cause === undefined || cause === id ? null : (entries.get(cause) ?? null);
  };
  const going = puts.filter(({ action }) => action === "deleted");
  const staying = puts.filter(({ action }) => action !== "deleted");
  for (const kind of kindsOf(puts)) await freeAddresses(tx, author.workspaceId, kind, movingOf(kind, puts));
  for (const kind of kindsOf(puts)) await moveMemberships(tx, author, kind, unionsOf(kind, puts), timeOf(author));
  for (const kind of kindsOf(going)) await putKind(kind, going);
  for (const kind of kindsOf(staying)) await freeKeys(tx, author, kind, staying);
  for (const kind of kindsOf(staying)) await putKind(kind, staying);
  for (const kind of kindsOf(staying)) await takeAddresses(tx, author.workspaceId, kind, movingOf(kind, staying));
  for (const kind of kindsOf(puts)) await indexMentions(tx, author.workspaceId, kind, movedMentions(kind, puts));
  return entries;

  async function putKind(kind: Kind, all: readonly Put[]): Promise<void> {
    const those = all.filter((put) => put.kind === kind);
    for (let at = 0; at < those.length; at += CHUNK) {
      const chunk = those.slice(at, at + CHUNK);
      const rows = chunk.map(({ id, action, sets }) => ({ id, action, sets, entry: entries.get(id), cause: dragged(id) }));
      if (tx.spread && kind.frozen) await putSealed(kind, rows);
      else await tx.rows(updateOf(kind)([author.workspaceId, timeOf(author), { rows }]), near(author));
      await tx.rows(entriesOf(kind)([...entryAuthorValues(author), { rows }]), near(author));
    }
    const count = (action: Put["action"]) => those.filter((put) => put.action === action).length;
    const more = count("restored") - count("deleted");
    if (more !== 0) await tx.rows(countSql(author, kind, more, caps[kind.plural]));
  }

  async function putSealed(kind: Kind, rows: readonly { id: string }[]): Promise<void> {
    const seals = new Map((await tx.rows(sealsOf(kind)([author.workspaceId, { rows }]))) as [string, string | null][]);
    const sealed = rows.map((row) => ({ ...row, seal: seals.get(row.id) }));
    await tx.rows(updateSealedOf(kind)([author.workspaceId, timeOf(author), { rows: sealed }]), near(author));
  }
}

const kindsOf = (puts: readonly Put[]): Kind[] => [...new Set(puts.map(({ kind }) => kind))];

const unionsOf = (kind: Kind, puts: readonly Put[]): Union[] =>
  puts
    .filter((put) => put.kind === kind && put.sets["merged_into"] !== undefined)
    .map(({ id, sets }) => ({ id, into: sets["merged_into"] as string | null }));

/** The records of a kind whose addresses change, come or go. */
function movingOf(kind: Kind, puts: readonly Put[]): string[] {
  const { naturalKey = "", furtherKey } = kind;
  if (!furtherKey) return [];
  const moves = ({ action, sets }: Put) => action !== "updated" || naturalKey in sets || furtherKey.name in sets;
  return puts.filter((put) => put.kind === kind && moves(put)).map(({ id }) => id);
}

/** A natural key is unique among the living, so whoever is hidden for a moment frees it. */
async function freeKeys(tx: Transaction, author: Author, kind: Kind, puts: readonly Put[]): Promise<void> {
  const { keyField } = kind;
  const changing = puts.filter(
    (put) => put.kind === kind && put.action === "updated" && keyField && columnName(keyField) in put.sets,
  );
  const claiming = puts.filter((put) => put.kind === kind && (put.action === "restored" || changing.includes(put)));
  if (changing.length === 0 || claiming.length < 2) return;
  await tx.rows(
    sql`update ${ident(kind.table)} r set deleted_at = ${timeOf(author)}::timestamptz
      where r.workspace_id = ${author.workspaceId} and r.id = any (${changing.map(({ id }) => id)}::text[])`,
  );
  for (const { sets } of changing) sets["deleted_at"] = null;
}

/** The rows of a parameter as a table. */
const rowsSql = (parameter: string) =>
  `jsonb_to_recordset(${parameter}::jsonb -> 'rows') as e (id text, action text, sets jsonb, entry text, cause text, seal text)`;

/** What a column becomes. */
const becomesIn = (row: string) => (name: string) => `case when e.sets ? '${name}' then n."${name}" else ${row}."${name}" end`;

/** `$1` workspace, `$2` time, `$3` rows. */
function updateSql(kind: Kind, sealedBefore: boolean) {
  const becomes = becomesIn("r");
  const isSlot = (name: string) => kind.stored(name)?.slot === true;
  const slots = settable(kind).filter(isSlot);
  const own = `(select jsonb_object_agg(s.key, s.value) from jsonb_each(e.sets) s where s.key in (${slots.map((name) => `'${name}'`).join(", ")}))`;
  const set = settable(kind).flatMap((name) => {
    if (isSlot(name)) return [];
    // A main value that comes back may stand in its list by now.
    const main = kind.field(name)?.further;
    return `"${name}" = ${main ? `crm_further(${becomes(name)}, ${becomes(main)}, null)` : becomes(name)}`;
  });
  if (slots.length > 0) set.push(`own = crm_own(r.own, ${own}, true)`);
  if (kind.frozen) set.push(`seal = ${sealedBefore ? "e.seal" : sealedSql(kind, becomesIn("r"), "r.seal")}`);
  return numbered(`update ${kind.table} r set ${set.join(", ")},
      version = r.version + 1, updated_at = crm_after(r.updated_at, $2::timestamptz), xid = ${placeSql("r")}
    from ${rowsSql("$3")} cross join lateral jsonb_populate_record(null::${kind.table}, e.sets) n
    where r.workspace_id = $1 and r.id = e.id`);
}

const updateOf = derived((kind: Kind) => updateSql(kind, false));
const updateSealedOf = derived((kind: Kind) => updateSql(kind, true));

/** The seals that rows are to have. Citus takes no function in an update that depends on a session. */
const sealsOf = derived((kind: Kind) =>
  numbered(`select r.id, ${sealedSql(kind, becomesIn("r"), "r.seal")} from ${rowsSql("$2")}
    cross join lateral jsonb_populate_record(null::${kind.table}, e.sets) n join ${kind.table} r on r.workspace_id = $1 and r.id = e.id`),
);

/** `$1` to `$6` the author, `$7` rows. */
const entriesOf = derived((kind: Kind) =>
  numbered(
    entrySql(kind, {
      id: "e.entry",
      action: "e.action",
      cause: "e.cause",
      row: "r",
      sets: ({ name }) => `e.sets ? '${name}'`,
      author: ENTRY_AUTHOR,
      from: `${rowsSql("$7")} join ${kind.table} r on r.workspace_id = $1 and r.id = e.id`,
    }),
  ),
);

/** Records that come back count against the cap; those that go are taken off whatever the cap is by now. */
const countSql = ({ workspaceId }: Author, { name }: Kind, more: number, cap: number | undefined): Statement =>
  sql`update usage set used = used + ${more}::integer, cap = ${more > 0 ? (cap ?? NO_CAP) : NO_CAP}
    where workspace_id = ${workspaceId} and kind = ${name}`;
