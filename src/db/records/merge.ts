import { createHash } from "node:crypto";
import { type Stored, settable } from "../../derive/differences.ts";
import { type Merged, mergeFields } from "../../derive/merging.ts";
import type { IdReference, IdSource } from "../../kit/id.ts";
import { wholeOf } from "../../kit/largeJson.ts";
import { Problem } from "../../kit/problem.ts";
import { counted } from "../../kit/words.ts";
import { ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import { columnName, type Kind, type Link } from "../../records/kind.ts";
import type { Author, Database } from "../database.ts";
import { inUnit, ofMany } from "../unit.ts";
import { withNewHandles } from "./handles.ts";
import { type Put, putRows, timeOf } from "./put.ts";
import { gone, idMatches, wrongKind } from "./references.ts";
import { LOCK, type Rows } from "./remove.ts";
import { rowsOf, storedSql } from "./table.ts";
import { refusal } from "./write.ts";

/** What a merge of two records does. `links`: records that linked to the other one, by kind. */
export type Merge = {
  kept: { id: string; version: number };
  other: { id: string; version: number; title: string };
  fields: readonly Merged[];
  links: readonly { kind: Kind; count: number }[];
  /** Stands for exactly this. */
  set: string;
};

/** What a merge would do, for the question that comes before it. */
export async function previewMerge(db: Database, workspaceId: string, wish: Wish): Promise<Merge> {
  return (await plan(db, (each) => db.pool.rows(each, { retry: true }), workspaceId, wish, raw(""))).merge;
}

/** The record that is kept, and the one that becomes part of it; fields of which the other's value wins. */
export type Wish = { kind: Kind; into: IdReference; from: IdReference; take: readonly string[] };

/**
 * Makes one record of two. What linked to the other links to the kept one, and the other is hidden and names the one it became part of. The entry
 * of the kept record, or of the other where nothing changed in that, is the cause of all others.
 */
export function mergeRows(
  db: Database,
  author: Author,
  ids: IdSource,
  wish: Wish,
  agree: (merge: Merge) => void,
): Promise<{ id: string; change: string }> {
  const { kind } = wish;
  return withNewHandles(() =>
    inUnit(
      db,
      async (unit, tx) => {
        const { merge, moved } = await plan(unit, tx.rows, author.workspaceId, wish, LOCK);
        agree(merge);
        const { kept, other } = merge;
        const sets = Object.fromEntries(
          merge.fields.filter(({ from }) => from !== "kept").map(({ field, value }) => [columnName(field), value]),
        );
        const gone = { deleted_at: timeOf(author), merged_into: kept.id };
        const puts: Put[] = [
          { kind, id: other.id, action: "deleted", sets: gone },
          ...(Object.keys(sets).length > 0 ? [{ kind, id: kept.id, action: "updated", sets } as const] : []),
          ...moved.map(({ kind: holder, id, links }): Put => {
            const moving = links.map((link) => [columnName(link.id), kept.id]);
            return { kind: holder, id, action: "updated", sets: Object.fromEntries(moving) };
          }),
        ];
        const main = puts.some(({ id }) => id === kept.id) ? kept.id : other.id;
        const entries = await putRows(tx, author, ids, puts, { causeOf: () => main }).catch((error) =>
          Promise.reject(refusal(kind, error, sets)),
        );
        return { id: kept.id, change: entries.get(main)! };
      },
      ofMany(author.workspaceId),
    ),
  );
}

type Moved = { kind: Kind; id: string; version: number; links: Link[] };

async function plan(
  db: Database,
  rows: Rows,
  workspaceId: string,
  { kind, into, from, take }: Wish,
  lock: Statement,
): Promise<{ merge: Merge; moved: Moved[] }> {
  for (const reference of [into, from]) if (reference.prefix !== kind.prefix) throw wrongKind(db, kind, reference);
  const state = join(settable(kind).map((name) => sql`${raw(`'${name}'`)}, ${storedSql(kind, name)}`));
  const found = await rows(
    sql`select r.id, r.version, coalesce(left(r.${ident(columnName(kind.titleField))}, 100), ''), jsonb_build_object(${state}) from ${rowsOf(kind)} r
      where r.workspace_id = ${workspaceId} and r.deleted_at is null
      and ((${idMatches(raw("r.id"), into.key)}) or (${idMatches(raw("r.id"), from.key)})) order by r.id ${lock}`,
  );
  const recordOf = async ({ key }: IdReference) => {
    const row = found.find(([id]) => (id as string).endsWith(key));
    if (!row) throw await gone({ pool: { rows } }, workspaceId, kind, key);
    const [id, version, title, values] = row as [string, number, string, unknown];
    return { id, version, title, state: wholeOf(values) as Stored };
  };
  const [kept, other] = [await recordOf(into), await recordOf(from)];
  if (kept.id === other.id)
    throw new Problem(
      "unprocessable",
      `both are the same ${kind.name}`,
      "from is the other one, which becomes part of the first",
    );
  const moved = await movedRecords(rows, workspaceId, kind, other.id, lock);
  const fields = mergeFields(kind, kept.state, other.state, take);
  const hash = createHash("sha256");
  for (const each of [kept, other, ...moved]) hash.update(`${each.id} ${each.version}\n`);
  const kinds = [...new Set(moved.map((each) => each.kind))];
  const links = kinds.map((of) => ({ kind: of, count: moved.filter((each) => each.kind === of).length }));
  return { merge: { kept, other, fields, links, set: hash.digest("base64url") }, moved };
}

/** The living records that link to one, each with its links to it. */
async function movedRecords(rows: Rows, workspaceId: string, target: Kind, to: string, lock: Statement): Promise<Moved[]> {
  const moved: Moved[] = [];
  for (const holder of new Set(target.holders.map(({ kind }) => kind))) {
    const links = holder.links.filter((link) => link.target === target);
    const held = join(links.map(({ id }) => sql`r.${ident(columnName(id))}`));
    const any = join(
      links.map(({ id }) => sql`r.${ident(columnName(id))} = ${to}`),
      " or ",
    );
    const found = await rows(
      sql`select r.id, r.version, array[${held}] from ${rowsOf(holder)} r
        where r.workspace_id = ${workspaceId} and (${any}) and r.deleted_at is null order by r.id limit ${MOST_MOVED + 1} ${lock}`,
    );
    if (found.length > MOST_MOVED)
      throw new Problem(
        "unprocessable",
        `more than ${counted(MOST_MOVED, holder)} link to it`,
        "merge it into the other direction",
      );
    for (const [id, version, ids] of found as [string, number, string[]][])
      moved.push({ kind: holder, id, version, links: links.filter((_, i) => ids[i] === to) });
  }
  return moved;
}

const MOST_MOVED = 10_000;
