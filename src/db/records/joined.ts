import type { ListQuery } from "../../derive/query.ts";
import type { Written } from "../../derive/written.ts";
import type { IdReference, IdSource } from "../../kit/id.ts";
import { ident, join, raw, type Statement, sql } from "../../postgres/sql.ts";
import { columnName, type Kind, type Link } from "../../records/kind.ts";
import type { Author, Database } from "../database.ts";
import { writeRecords } from "../imports/write.ts";
import { inUnit, ofMany } from "../unit.ts";
import { MOST_BULK, refuseTooMany } from "./bulk.ts";
import { inTime, long } from "./deadlines.ts";
import { withNewHandles } from "./handles.ts";
import { type Making, withLinked } from "./linked.ts";
import { gone, idMatches, wrongKind } from "./references.ts";
import { refusal } from "./refusal.ts";
import { LOCK, type Root, type Rows, rootColumns, rootOf, setOf } from "./remove.ts";
import { filtersOf } from "./rows.ts";
import { rowsOf } from "./table.ts";
import { prepareValues } from "./write.ts";
import type { Values } from "./writeStatement.ts";

/** A kind whose records put one thing into another, with the two links. */
export type Joining = { kind: Kind; into: Link; whom: Link };

export function joiningOf(kind: Kind): Joining {
  const linkOf = (name: string) => kind.links.find(({ id }) => id.name === name)!;
  return { kind, into: linkOf(kind.joins!.into), whom: linkOf(kind.joins!.whom) };
}

/** What would be put in. `set` stands for exactly these, and `already` counts those that are in it. */
export type Joined = { into: string; records: readonly Root[]; already: number; set: string };

export const previewJoin = (
  db: Database,
  workspaceId: string,
  joining: Joining,
  to: IdReference,
  query: ListQuery,
): Promise<Joined> =>
  inTime(joining.whom.target, query, () =>
    find(db, (each) => db.pool.rows(each, long(workspaceId)), workspaceId, joining, to, query, raw("")),
  );

const CHUNK = 1_000;

/**
 * Puts in what the filters find and is not in it yet, in one transaction. What they are put into is locked first, so that of two such requests the
 * second finds what the first has put in. Record after record gets one option after the other.
 */
export function joinAll(
  db: Database,
  author: Author,
  ids: IdSource,
  joining: Joining,
  to: IdReference,
  query: ListQuery,
  options: readonly Written[],
  making: Making,
  agree: (joined: Joined) => void,
): Promise<Joined> {
  const { kind, into, whom } = joining;
  return withNewHandles(() =>
    inUnit(
      db,
      async (unit, tx) => {
        const values: Values[] = [];
        for (const option of options) {
          const { written } = await withLinked(unit, author, kind, option, making);
          values.push(await prepareValues(unit, author, kind, written));
        }
        const found = await find(unit, tx.rows, author.workspaceId, joining, to, query, LOCK);
        agree(found);
        const { cap } = making.termsOf(kind);
        for (let at = 0; at < found.records.length; at += CHUNK) {
          const chunk = found.records.slice(at, at + CHUNK).map(({ id }, i) => {
            const { sent, initial, removed } = values[(at + i) % values.length]!;
            const both = { [into.id.name]: found.into, [whom.id.name]: id };
            return { n: at + i, sent: { ...sent, ...both }, initial, removed };
          });
          await writeRecords(tx, kind, author, ids, chunk, { cap }).catch((error) => Promise.reject(refusal(kind, error, {})));
        }
        return found;
      },
      ofMany(author.workspaceId),
    ),
  );
}

/** In the order of ids, so that two such requests lock them one behind the other. */
async function find(
  db: Database,
  rows: Rows,
  workspaceId: string,
  { kind, into, whom }: Joining,
  to: IdReference,
  query: ListQuery,
  lock: Statement,
): Promise<Joined> {
  if (to.prefix !== into.target.prefix) throw wrongKind(db, into.target, to);
  const [holder] = await rows(
    sql`select r.id from ${rowsOf(into.target)} r where r.workspace_id = ${workspaceId} and ${idMatches(raw("r.id"), to.key)}
      and r.deleted_at is null ${lock}`,
  );
  if (!holder) throw await gone({ pool: { rows } }, workspaceId, into.target, to.key);
  const filters = await filtersOf(db, workspaceId, whom.target, query);
  const isIn = sql`exists (select from ${rowsOf(kind)} j where j.workspace_id = ${workspaceId} and j.${ident(columnName(into.id))} = ${holder[0] as string}
    and j.${ident(columnName(whom.id))} = r.id and j.deleted_at is null)`;
  const found = await rows(
    sql`select ${isIn}, ${rootColumns(whom.target)} from ${rowsOf(whom.target)} r where ${join(filters, " and ")} order by r.id limit ${MOST_BULK + 1}`,
  );
  if (found.length > MOST_BULK) throw refuseTooMany(whom.target);
  const records = found.flatMap(([already, ...row]) => (already ? [] : [rootOf(whom.target, row)]));
  // Whoever is to be put in may change meanwhile: only who it is counts.
  const set = setOf(records.map((record) => ({ ...record, goes: false })));
  return { into: holder[0] as string, records, already: found.length - records.length, set };
}
