import type { Problem } from "../../kit/problem.ts";
import type { Pool } from "../../postgres/pool.ts";
import { raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import { type Counts, type Hold, takenOver } from "./imports.ts";

/** A row of a file on its way in: staged, or refused already. */
export type NewRow = { n: number; row: number; kind: string } & (
  | { said?: string | undefined; fields: string }
  | { problem: Problem }
);

/** Stores rows in one statement. Their values are JSON already. */
export async function stageRows(pool: Pool, { workspaceId, id, runner }: Hold, rows: readonly NewRow[]): Promise<void> {
  const field = <T>(pick: (row: NewRow) => T) => rows.map(pick);
  const stored = await pool.rows(
    sql`insert into import_rows (workspace_id, import_id, n, row, kind, said, fields, bytes, outcome, problem)
      select ${workspaceId}, ${id}, u.n, u.row, u.kind, u.said, u.fields::jsonb, u.bytes, case when u.problem is not null then 'refused' end,
        u.problem::jsonb
      from unnest(${field(({ n }) => n)}::integer[], ${field(({ row }) => row)}::integer[], ${field(({ kind }) => kind)}::text[],
        ${field((row) => ("problem" in row ? null : (row.said ?? null)))}::text[],
        ${field((row) => ("problem" in row ? null : row.fields))}::text[],
        ${field((row) => ("problem" in row ? 0 : row.fields.length))}::integer[],
        ${field((row) => ("problem" in row ? problemJson(row.problem) : null))}::text[]) as u(n, row, kind, said, fields, bytes, problem)
      where exists (select from imports i where i.workspace_id = ${workspaceId} and i.id = ${id} and i.runner = ${runner})
      returning 1`,
    { longFor: workspaceId, deadlineMs: 60_000, near: workspaceId },
  );
  if (stored.length < rows.length) throw takenOver();
}

const problemJson = ({ code, message, hints }: Problem) => JSON.stringify({ code, message, hints });

export type StagedRow = { n: number; row: number; said: string | null; fields: unknown };

/** Characters of values that are read at once: a row may hold a megabyte. */
const MOST_BYTES = 4_000_000;

/** The next staged rows of a kind behind `after`, at most `most`: at least one, if there is one. */
export async function nextStaged(
  tx: Pick<Transaction, "rows">,
  { workspaceId, id }: Hold,
  kind: string,
  after: number,
  most: number,
): Promise<StagedRow[]> {
  const rows = await tx.rows(sql`select n, row, said, fields from (
      select r.n, r.row, r.said, r.fields, sum(r.bytes) over (order by r.n) - r.bytes as before from (
        select n, row, said, fields, bytes from import_rows where workspace_id = ${workspaceId} and import_id = ${id} and n > ${after}
          and kind = ${kind} and outcome is null order by n limit ${most}) r) r
    where before < ${MOST_BYTES} order by n`);
  return rows.map(([n, row, said, fields]) => ({ n, row, said, fields }) as StagedRow);
}

/** What came of a row. */
export type Verdict =
  | { n: number; row: number; outcome: "created" | "updated" | "unchanged"; recordId: string; key?: string | undefined }
  | { n: number; row: number; outcome: "refused"; problem: Pick<Problem, "code" | "message" | "hints"> };

/** Keeps verdicts in the place of the values they are about. `keeps`: those of rows that passed stay, to be written later. */
export async function storeVerdicts(
  tx: Pick<Transaction, "rows">,
  { workspaceId, id }: Hold,
  verdicts: readonly Verdict[],
): Promise<void> {
  if (verdicts.length === 0) return;
  const record = (verdict: Verdict) => (verdict.outcome === "refused" ? null : verdict.recordId);
  const problem = (verdict: Verdict) => (verdict.outcome === "refused" ? problemJson(verdict.problem as Problem) : null);
  await tx.rows(sql`update import_rows r set outcome = u.outcome, record_id = u.record_id, problem = u.problem::jsonb, fields = null
    from unnest(${verdicts.map(({ n }) => n)}::integer[], ${verdicts.map(({ outcome }) => outcome)}::text[], ${verdicts.map(record)}::text[],
      ${verdicts.map(problem)}::text[]) as u(n, outcome, record_id, problem)
    where r.workspace_id = ${workspaceId} and r.import_id = ${id} and r.n = u.n and ${within(verdicts)}`);
}

/** Without statistics of an import that is new, all of its rows would be read for each chunk. */
function within(rows: readonly { n: number }[]): Statement {
  const numbers = rows.map(({ n }) => n);
  return sql`r.n between ${Math.min(...numbers)} and ${Math.max(...numbers)}`;
}

export function countVerdicts(verdicts: readonly Verdict[]): Counts {
  const counts: Counts = { created: 0, updated: 0, unchanged: 0, refused: 0 };
  for (const { outcome } of verdicts) counts[outcome] += 1;
  return counts;
}

/** Natural keys that rows before `before` have, as a dry run keeps them. */
export async function keysBefore(
  tx: Pick<Transaction, "rows">,
  { workspaceId, id }: Hold,
  kind: string,
  keys: readonly string[],
): Promise<Set<string>> {
  if (keys.length === 0) return new Set();
  const rows = await tx.rows(sql`select distinct key from import_rows where workspace_id = ${workspaceId} and import_id = ${id}
    and kind = ${kind} and key = any (${keys}::text[])`);
  return new Set(rows.map(([key]) => key as string));
}

/** Keeps the natural keys of rows that a dry run has passed. */
export async function keepKeys(
  tx: Pick<Transaction, "rows">,
  { workspaceId, id }: Hold,
  keys: readonly { n: number; key: string }[],
): Promise<void> {
  if (keys.length === 0) return;
  await tx.rows(sql`update import_rows r set key = u.key from unnest(${keys.map(({ n }) => n)}::integer[],
      ${keys.map(({ key }) => key)}::text[]) as u(n, key)
    where r.workspace_id = ${workspaceId} and r.import_id = ${id} and r.n = u.n and ${within(keys)}`);
}

/** The kinds of the rows that are staged, and how many there are of each. */
export async function stagedKinds(pool: Pool, { workspaceId, id }: Hold): Promise<Map<string, number>> {
  const rows = await pool.rows(
    sql`select kind, count(*)::int from import_rows where workspace_id = ${workspaceId} and import_id = ${id} and outcome is null group by kind`,
    { retry: true, longFor: workspaceId, deadlineMs: 60_000 },
  );
  return new Map(rows.map(([kind, count]) => [kind as string, count as number]));
}

/** Rows behind `after`, up to `last`, that could not even be staged. They are of the kind, or of no known one. */
export async function unreadable(
  pool: Pick<Pool, "rows">,
  { workspaceId, id }: Hold,
  kind: string,
  after: number,
  last: number,
): Promise<Verdict[]> {
  const rows = await pool.rows(
    sql`select n, row, outcome, record_id, problem from import_rows where workspace_id = ${workspaceId} and import_id = ${id}
      and n > ${after} and n <= ${last} and kind = ${kind} and outcome = 'refused' and bytes = 0 order by n`,
    { longFor: workspaceId, retry: true },
  );
  return rows.map(verdictOf);
}

export type VerdictFilter = { outcome?: string | undefined; after?: number | undefined };

/** The verdicts of an import in the order of its file, in batches. */
export async function* readVerdicts(
  pool: Pool,
  workspaceId: string,
  importId: string,
  { outcome, after = 0 }: VerdictFilter,
): AsyncGenerator<readonly Verdict[]> {
  const wanted: Statement = outcome === undefined ? raw("outcome is not null") : sql`outcome = ${outcome}`;
  for (let last = -1; ; ) {
    const rows = await pool.rows(
      sql`select n, row, outcome, record_id, problem from import_rows where workspace_id = ${workspaceId} and import_id = ${importId}
        and n > ${last} and row > ${after} and ${wanted} order by n limit 1000`,
      { retry: true, longFor: workspaceId },
    );
    if (rows.length > 0) yield rows.map(verdictOf);
    if (rows.length < 1000) return;
    last = rows.at(-1)![0] as number;
  }
}

function verdictOf([n, row, outcome, recordId, problem]: readonly unknown[]): Verdict {
  return { n, row, outcome, ...(outcome === "refused" ? { problem } : { recordId }) } as Verdict;
}
