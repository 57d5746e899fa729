import { type Block, blocksOf } from "../../derive/blocks.ts";
import { ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import { columnName, type Kind } from "../../records/kind.ts";
import type { Joining } from "../records/joined.ts";
import { rowsOf } from "../records/table.ts";
import { furtherKeysSql, listOf } from "../records/twins.ts";

type Rows = Pick<Transaction, "rows">;

/** How a row of a file is recognized in another row or a record: by one block that is the same in both, or by two. The surest mark stands first. */
export type Mark = { why: string; blocks: readonly Block[]; named: boolean };

/** A phone is shared by an office, so the name has to be the same too. */
export function marksOf(kind: Kind): Mark[] {
  const blocks = blocksOf(kind);
  const name = blocks.findLast(({ named }) => named);
  if (!name) return [];
  const isPhone = ({ field }: Block) => field === kind.identity!.phone;
  return [
    ...blocks
      .filter(({ named }) => !named)
      .map((block) => ({ why: block.name, blocks: isPhone(block) ? [block, name] : [block], named: false })),
    { why: "same_name", blocks: [name], named: true },
  ];
}

/** The key of each row by a mark, and the oldest living record that has it too. `values`: one list for each block. */
export async function marked(
  { rows }: Rows,
  workspaceId: string,
  kind: Kind,
  { blocks }: Mark,
  ns: readonly number[],
  values: readonly (readonly string[])[],
): Promise<{ n: number; key: string; id: string | null }[]> {
  if (ns.length === 0) return [];
  const texts = blocks.map((_, i) => ident(`v${i}`));
  const keys = blocks.map(({ key }, i) => raw(`${key(`(u.v${i} collate "C")`)}`));
  const names = blocks.map((_, i) => ident(`k${i}`));
  const same = blocks.map(
    ({ key, column }, i) => sql`${raw(key(`r."${column}"`))} = k.${names[i]!} and r.${ident(column)} is not null`,
  );
  // No index has further values, so records of the same name are read, and their further values are compared here.
  const further = blocks.map((block, i) => {
    const list = listOf(kind, block);
    return list ? sql`r.${ident(list.name)} is not null and k.${names[i]!} = any (${furtherKeysSql(kind, block)})` : same[i]!;
  });
  const isNamed = blocks.length > 1 && blocks.some((block) => listOf(kind, block));
  const holder = (matches: readonly Statement[]) =>
    sql`(select r.id from ${rowsOf(kind)} r where r.workspace_id = ${workspaceId} and r.deleted_at is null
        and ${join(matches, " and ")} order by r.id limit 1)`;
  const found = await rows(
    sql`select u.n, array_to_string(array[${join(names.map((name) => sql`k.${name}`))}], E'\n'), ${isNamed ? sql`coalesce(f.id, ${holder(further)})` : sql`f.id`}
      from unnest(${ns}::integer[], ${join(values.map((each) => sql`${each}::text[]`))}) as u(n, ${join(texts)})
      cross join lateral (select ${join(keys.map((each, i) => sql`${each} as ${names[i]!}`))}) k
      left join lateral ${holder(same)} f on true
      where ${join(
        names.map((name) => sql`k.${name} <> ''`),
        " and ",
      )}`,
  );
  return found.map(([n, key, id]) => ({ n: n as number, key: key as string, id: id as string | null }));
}

/** The campaigns that each record is in: their ids by the id of the record. */
export async function whereIn(
  { rows }: Rows,
  workspaceId: string,
  { kind, into, whom }: Joining,
  ids: readonly string[],
): Promise<Map<string, string[]>> {
  if (ids.length === 0) return new Map();
  const [to, put] = [ident(columnName(into.id)), ident(columnName(whom.id))];
  const found = await rows(
    sql`select r.${put}, array_agg(r.${to} order by r.${to}) from ${rowsOf(kind)} r
      where r.workspace_id = ${workspaceId} and r.${put} = any (${ids}::text[]) and r.deleted_at is null group by 1`,
  );
  return new Map(found as unknown as [string, string[]][]);
}
