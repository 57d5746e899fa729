import { type Block, blocksOf, wordsSql } from "../../derive/blocks.ts";
import type { Twin } from "../../derive/likeness.ts";
import { count, ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import { columnName, type Kind } from "../../records/kind.ts";
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
  const groups = new Map<string, Twin[]>();
  for (const [, key, ...columns] of rows) {
    if (key === null || columns[0] === null) continue;
    const twin = twinOf(columns);
    const group = groups.get(key as string);
    if (group) group.push(twin);
    else groups.set(key as string, [twin]);
  }
  return { groups: [...groups.values()], end: (rows[0]?.[0] as string | null) ?? undefined };
}

/** For `twinOf`, with the keys of so many blocks at least. */
export function twinColumns(kind: Kind, needed: number): Statement {
  const blocks = blocksOf(kind).filter(({ named }, i) => !named || i < needed);
  const { email, phone, at } = kind.identity!;
  const of = (name: string) => columnName(kind.field(name)!);
  const column = (name: string | undefined) => (name === undefined ? raw("null::text") : sql`r.${ident(of(name))}`);
  const digits = phone === undefined ? raw("''") : raw(`coalesce(crm_digits(r."${of(phone)}"), '')`);
  return sql`r.id, left(r.${ident(columnName(kind.titleField))}, 100), ${raw(wordsSql(kind, (each) => `r."${each}"`))}, ${column(email)}, ${digits}, ${column(at)},
    array[${join(blocks.map(keySql))}]::text[]`;
}

export function twinOf(row: readonly unknown[]): Twin {
  const [id, title, words, email, digits, at, keys] = row as [
    ...[string, string, string[] | null, string | null, string, string | null, (string | null)[]],
  ];
  return { id, title, words: words ?? [], email, digits: digits === "" ? [] : digits.split("\n"), at, keys };
}
