import { createHash } from "node:crypto";
import { type Stored, settable } from "../../derive/differences.ts";
import { type Merged, mergeFields } from "../../derive/merging.ts";
import type { IdReference, IdSource } from "../../kit/id.ts";
import { wholeOf } from "../../kit/largeJson.ts";
import { Problem } from "../../kit/problem.ts";
import { counted } from "../../kit/words.ts";
import { ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Catalog } from "../../records/catalog.ts";
import { columnName, type Kind } from "../../records/kind.ts";
import type { Author, Database } from "../database.ts";
import { inUnit, ofMany } from "../unit.ts";
import { frozenProblem } from "./frozen.ts";
import { withNewHandles } from "./handles.ts";
import { type Put, putRows, timeOf } from "./put.ts";
import { gone, idMatches, wrongKind } from "./references.ts";
import { refusal } from "./refusal.ts";
import { LOCK, type Rows } from "./remove.ts";
import { rowsOf, storedSql } from "./table.ts";

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
          ...moved.map(({ kind: holder, id, sets: moving, twin }): Put => {
            if (twin !== undefined)
              return { kind: holder, id, action: "deleted", sets: { deleted_at: timeOf(author), merged_into: twin } };
            return { kind: holder, id, action: "updated", sets: moving };
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

/** A record that linked to the other one. `twin`: the record that says the same of the kept one, and stands for both from now on. */
type Moved = { kind: Kind; id: string; version: number; sets: Record<string, string>; twin?: string };

async function plan(
  db: Database,
  rows: Rows,
  workspaceId: string,
  { kind, into, from, take }: Wish,
  lock: Statement,
): Promise<{ merge: Merge; moved: Moved[] }> {
  for (const reference of [into, from]) if (reference.prefix !== kind.prefix) throw wrongKind(db, kind, reference);
  const state = join(settable(kind).map((name) => sql`${raw(`'${name}'`)}, ${storedSql(kind, name)}`));
  const sealed = raw(kind.frozen ? "r.seal is not null" : "false");
  const found = await rows(
    sql`select r.id, r.version, coalesce(left(r.${ident(columnName(kind.titleField))}, 100), ''), jsonb_build_object(${state}), ${sealed} from ${rowsOf(kind)} r
      where r.workspace_id = ${workspaceId} and r.deleted_at is null
      and ((${idMatches(raw("r.id"), into.key)}) or (${idMatches(raw("r.id"), from.key)})) order by r.id ${lock}`,
  );
  const recordOf = async ({ key }: IdReference) => {
    const row = found.find(([id]) => (id as string).endsWith(key));
    if (!row) throw await gone({ pool: { rows } }, workspaceId, kind, key);
    const [id, version, title, values, isSealed] = row as [string, number, string, unknown, boolean];
    return { id, version, title, state: wholeOf(values) as Stored, isSealed };
  };
  const [kept, other] = [await recordOf(into), await recordOf(from)];
  if (kept.id === other.id)
    throw new Problem(
      "unprocessable",
      `both are the same ${kind.name}`,
      "from is the other one, which becomes part of the first",
    );
  const all = new Map<string, Moved>();
  await moveLinks(all, rows, workspaceId, { kind, heldBy: db.catalog.heldBy, from: other.id, to: kept.id }, lock);
  const moved = [...all.values()];
  const fields = mergeFields(kind, kept.state, other.state, take);
  // Refused before anybody is asked to confirm.
  const isHeld = ({ field, from }: Merged) => from !== "kept" && !kind.frozen?.free.includes(field.name);
  for (const each of [other, kept])
    if (each.isSealed && (each === other || fields.some(isHeld))) throw frozenProblem(kind, each.id);
  const hash = createHash("sha256");
  for (const each of [kept, other, ...moved]) hash.update(`${each.id} ${each.version}\n`);
  const kinds = [...new Set(moved.map((each) => each.kind))];
  const links = kinds.map((of) => ({ kind: of, count: moved.filter((each) => each.kind === of).length }));
  return { merge: { kept, other, fields, links, set: hash.digest("base64url") }, moved };
}

/** One record whose links become those of another. */
type Move = { kind: Kind; heldBy: Catalog["heldBy"]; from: string; to: string };

/** The living records that link to one, each with the links to set. */
async function moveLinks(
  moved: Map<string, Moved>,
  rows: Rows,
  workspaceId: string,
  { kind: target, heldBy, from, to }: Move,
  lock: Statement,
): Promise<void> {
  for (const holder of new Set(heldBy(target).map(({ kind }) => kind))) {
    const links = holder.links.filter((link) => link.target === target);
    const held = join(links.map(({ id }) => sql`r.${ident(columnName(id))}`));
    const any = join(
      links.map(({ id }) => sql`r.${ident(columnName(id))} = ${from}`),
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
    for (const [id, version, ids] of found as [string, number, string[]][]) {
      const sets = links.flatMap((link, i) => (ids[i] === from ? [[columnName(link.id), to]] : []));
      moved.set(id, { kind: holder, id, version, sets: { ...moved.get(id)?.sets, ...Object.fromEntries(sets) } });
    }
    for (const [id, twin] of await twinsOf(rows, workspaceId, holder, { kind: target, heldBy, from, to })) {
      moved.get(id)!.twin = twin;
      await moveLinks(moved, rows, workspaceId, { kind: holder, heldBy, from: id, to: twin }, lock);
    }
  }
}

/** Of records that put one thing into another once, those that would do it twice: each with the one that does it already. */
async function twinsOf(rows: Rows, workspaceId: string, holder: Kind, { kind, from, to }: Move): Promise<[string, string][]> {
  const ends = holder.joins ? [holder.joins.into, holder.joins.whom] : [];
  const end = holder.links.find(({ id, target }) => ends.includes(id.name) && target === kind);
  if (!end) return [];
  const other = holder.links.find(({ id }) => ends.includes(id.name) && id !== end.id)!;
  const [moving, same] = [ident(columnName(end.id)), ident(columnName(other.id))];
  const found = await rows(sql`select a.id, b.id from ${rowsOf(holder)} a
    join ${rowsOf(holder)} b on b.workspace_id = ${workspaceId} and b.${moving} = ${to} and b.${same} = a.${same} and b.deleted_at is null
    where a.workspace_id = ${workspaceId} and a.${moving} = ${from} and a.deleted_at is null`);
  return found as [string, string][];
}

const MOST_MOVED = 10_000;
