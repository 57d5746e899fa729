import { type Block, blocksOf, wordsSql } from "../../derive/blocks.ts";
import type { Twin } from "../../derive/likeness.ts";
import { count, ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import { columnName, type Field, type Kind } from "../../records/kind.ts";
import type { Database } from "../database.ts";
import { long } from "./deadlines.ts";
import { rowsOf } from "./table.ts";

/** Entries of an index that a statement reads, and keys of several records that it gives. */
const WINDOW = 200_000;
export const MOST_KEYS = 150;
/** Records of one key that are looked at. */
const MOST_ALIKE = 40;

/** Records by a key that they have in common. `end`: the last key that was looked at, where there are more. */
export type Segment = { groups: readonly (readonly Twin[])[]; end: string | undefined };

export const keySql = ({ key, column }: Block) => raw(key(`r."${column}"`));

/** The part of a block after a key. The index alone tells which keys are there more than once. */
export async function readSegment(
  db: Database,
  workspaceId: string,
  kind: Kind,
  block: Block,
  from: string,
  mostKeys: number,
): Promise<Segment> {
  const key = keySql(block);
  const held = sql`r.workspace_id = ${workspaceId} and r.deleted_at is null and r.${ident(block.column)} is not null`;
  const entries = sql`select ${key} as key from ${rowsOf(kind)} r where ${held} and ${key} > ${from} order by ${key} limit ${count(WINDOW)}`;
  const needed = blocksOf(kind).findIndex(({ name }) => name === block.name);
  const rows = await db.pool.rows(
    sql`with many as materialized (select w.key from (${entries}) w group by w.key having count(*) > 1 order by w.key limit ${count(mostKeys)}),
      reached as (select case when (select count(*) from many) = ${count(mostKeys)} then (select max(key) from many)
        else (select e.key from (${entries}) e offset ${count(WINDOW - 1)} limit 1) end as until)
      select reached.until, many.key, found.* from reached left join many on true
        left join lateral (select ${twinColumns(kind, needed)} from ${rowsOf(kind)} r where ${held} and ${key} = many.key order by r.id
          limit ${count(MOST_ALIKE)}) found on true order by many.key, found.id`,
    long(workspaceId),
  );
  const found = rows.map(([, ...row]) => row).filter(([key, id]) => key !== null && id !== null);
  return { groups: groupsOf(found), end: (rows[0]?.[0] as string | null) ?? undefined };
}

/** All of a block where a kind has few records, further values included, which no index has in the order of their keys. */
export async function readWhole(
  db: Database,
  workspaceId: string,
  kind: Kind,
  block: Block,
  mostKeys: number,
): Promise<Segment> {
  if (!listOf(kind, block)) return readSegment(db, workspaceId, kind, block, "", mostKeys);
  const living = sql`r.workspace_id = ${workspaceId} and r.deleted_at is null`;
  const rows = await db.pool.rows(
    sql`with keyed as materialized (select r.id, k.key, count(*) over (partition by k.key) as many, row_number() over (partition by k.key order by r.id) as place
        from ${rowsOf(kind)} r cross join lateral unnest(${allKeysSql(kind, block)}) k (key) where ${living})
      select keyed.key, ${twinColumns(kind, 0)} from keyed join ${rowsOf(kind)} r on ${living} and r.id = keyed.id
      where keyed.many > 1 and keyed.place <= ${count(MOST_ALIKE)} order by keyed.key, r.id limit ${count(mostKeys * MOST_ALIKE)}`,
    long(workspaceId),
  );
  return { groups: groupsOf(rows), end: undefined };
}

/** Rows that begin with their key, by that key. */
function groupsOf(rows: readonly (readonly unknown[])[]): Twin[][] {
  const groups = new Map<unknown, Twin[]>();
  for (const [key, ...columns] of rows) {
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(twinOf(columns));
  }
  return [...groups.values()];
}

/** The field with the further values of a block's field. */
export const listOf = (kind: Kind, { field }: Block): Field | undefined => kind.field(field)!.list;

/** The keys of all values, as an array. */
const allKeysSql = (kind: Kind, block: Block): Statement =>
  raw(keysSql(block, `r."${listOf(kind, block)!.name}" || r."${block.field}"`));

/** The keys of the further values, as an array; empty where there are none. */
export const furtherKeysSql = (kind: Kind, block: Block): Statement => {
  const list = listOf(kind, block);
  if (!list) return raw("'{}'::text[]");
  return raw(`case when r."${list.name}" is null then '{}' else ${keysSql(block, `r."${list.name}"`)} end`);
};

const keysSql = ({ key }: Block, values: string) =>
  `array_remove(array(select distinct ${key("v")} from unnest(${values}) v), null)`;

/** For `twinOf`, with the keys of so many blocks at least. */
export function twinColumns(kind: Kind, needed: number): Statement {
  const blocks = blocksOf(kind).filter(({ named }, i) => !named || i < needed);
  const { email, phone, at } = kind.identity!;
  const of = (name: string) => columnName(kind.field(name)!);
  const column = (name: string | undefined) => (name === undefined ? raw("null::text") : sql`r.${ident(of(name))}`);
  const phones = phone === undefined ? undefined : kind.field(phone)!.list?.name;
  const further = phones === undefined ? "" : `, crm_digits_of(r."${phones}")`;
  const digits = phone === undefined ? raw("''") : raw(`concat_ws(' ', crm_digits(r."${of(phone)}")${further})`);
  return sql`r.id, left(r.${ident(columnName(kind.titleField))}, 100), ${raw(wordsSql(kind, (each) => `r."${each}"`))}, ${column(email)}, ${digits}, ${column(at)},
    array[${join(blocks.map(keySql))}]::text[], jsonb_build_array(${join(blocks.map((block) => furtherKeysSql(kind, block)))})`;
}

export function twinOf(row: readonly unknown[]): Twin {
  const [id, title, words, email, digits, at, keys, further] = row as [
    ...[string, string, string[] | null, string | null, string, string | null, (string | null)[], string[][]],
  ];
  return { id, title, words: words ?? [], email, digits: digits.split(/\s+/).filter(Boolean), at, keys, further };
}
