import { setTimeout as sleep } from "node:timers/promises";
import { addCounts, type Counts, endImport } from "../../db/imports/imports.ts";
import { countVerdicts, nextStaged, stagedKinds, storeVerdicts, unreadable, type Verdict } from "../../db/imports/rows.ts";
import { readUsage } from "../../db/records/usage.ts";
import { learnTable } from "../../db/statistics.ts";
import type { Told } from "../../formats/format.ts";
import { shortId } from "../../kit/id.ts";
import type { Kind } from "../../records/kind.ts";
import { createAnalysis } from "./analysis.ts";
import { type Chunk, foreseeChunk, writeChunk } from "./chunk.ts";
import { ChunkFault } from "./chunkFault.ts";
import type { Job } from "./job.ts";
import type { Rows } from "./judge.ts";
import { ATTEMPTS, chunkByChunk, MOST_ROWS, PAUSE_MS } from "./pace.ts";
import type { Telling } from "./telling.ts";

const DEADLINE_MS = 60_000;
const STRICT_DEADLINE_MS = 900_000;
/** Rows that a dry run shows as they would be. */
export const SHOWN = 5;

export type Outcome = "done" | "refused";

/** Kinds in the order in which they are written: what others link to comes first. */
async function kindsInOrder(job: Job): Promise<Kind[]> {
  const kinds = await stagedKinds(job.db.pool, job.hold);
  return job.db.catalog.dependentsFirst.filter(({ name }) => kinds.has(name)).reverse();
}

/** Writes all rows that pass, chunk by chunk, and tells what comes of each. */
export async function writeAll(job: Job, telling: Telling): Promise<Outcome> {
  const counts = emptyCounts();
  const progress = createProgress(telling, job.found.rows);
  const learn = createLearning(job);
  const work = async (kind: Kind, after: number, most: number) => {
    await learn(kind, counts.created);
    const chunk = await job.db.pool.transaction((tx) => writeChunk(tx, job, kind, after, most), {
      longFor: job.hold.workspaceId,
      deadlineMs: DEADLINE_MS,
    });
    tellAll(job, telling, counts, await withUnreadable(job, kind, after, chunk));
    progress(counts);
    return chunk;
  };
  await tellNameless(job, telling, counts);
  for (const kind of await kindsInOrder(job)) {
    await chunkByChunk(
      (after, most) => work(kind, after, most),
      (after, fault) => refuseNext(job, kind, after, fault, (verdicts) => tellAll(job, telling, counts, verdicts)),
    );
  }
  await endImport(job.db.pool, job.hold, "done", job.now());
  return "done";
}

/** Looks after the planner's knowledge whenever there are four times as many new records as the last time. */
function createLearning({ db, made, hold }: Job): (kind: Kind, created: number) => Promise<void> {
  let next = 500;
  const tx: Rows = { rows: (statement) => db.pool.rows(statement, { longFor: hold.workspaceId, deadlineMs: DEADLINE_MS }) };
  return async (kind, created) => {
    if (created < next) return;
    next = created * 4;
    await learnTable(tx, kind.table, created);
    for (const [plural, names] of made) await learnTable(tx, db.catalog.byPlural(plural)!.table, names.size);
  };
}

/** With the rows before the last that could not even be staged, in the order of the file. */
async function withUnreadable(job: Job, { name }: Kind, after: number, { verdicts, last = LAST }: Chunk): Promise<Verdict[]> {
  if (!job.hasUnreadable) return verdicts;
  const others = await unreadable(job.db.pool, job.hold, name, after, last);
  return [...verdicts, ...others].sort((a, b) => a.n - b.n);
}

const LAST = 2 ** 31 - 1;

/** Rows that name no kind come first: no kind's turn is theirs. Those of a file that has no readable row at all are told so, too. */
async function tellNameless(job: Job, telling: Telling, counts: Counts): Promise<void> {
  if (!job.hasUnreadable) return;
  const kinds = new Set((await kindsInOrder(job)).map(({ name }) => name));
  for (const name of ["", ...job.db.catalog.kinds.map((kind) => kind.name)]) {
    if (!kinds.has(name)) tellAll(job, telling, counts, await unreadable(job.db.pool, job.hold, name, 0, LAST));
  }
}

/** Refuses the one row that a chunk consists of. */
async function refuseNext(
  job: Job,
  kind: Kind,
  after: number,
  { kind: written, problem }: ChunkFault,
  tell: (verdicts: Verdict[]) => void,
): Promise<number> {
  if (problem.code === "internal") throw problem;
  if (problem.code === "plan_limit_reached") job.full.add(written);
  const { pool } = job.db;
  const verdict = await pool.transaction(async (tx) => {
    const [next] = await nextRow(tx, job, kind, after);
    const one: Verdict = { ...next!, outcome: "refused", problem };
    await storeVerdicts(tx, job.hold, [one]);
    await addCounts(tx, job.hold, countVerdicts([one]), job.now());
    return one;
  });
  tell([verdict]);
  return verdict.n;
}

async function nextRow(tx: Rows, job: Job, kind: Kind, after: number): Promise<{ n: number; row: number }[]> {
  return (await nextStaged(tx, job.hold, kind.name, after, 1)).map(({ n, row }) => ({ n, row }));
}

/** Judges all rows and writes none: what a dry run shows, and what strict begins with. */
export async function foreseeAll(job: Job, telling: Telling): Promise<Counts> {
  const analysis = job.options.analyze ? createAnalysis(job) : undefined;
  const counts = emptyCounts();
  const progress = createProgress(telling, job.found.rows);
  const { pool } = job.db;
  const usage = await readUsage(job.db, job.hold.workspaceId);
  let shown = job.options.dryRun && !analysis ? 0 : SHOWN;
  const tx: Rows = {
    rows: (statement) => pool.rows(statement, { longFor: job.hold.workspaceId, deadlineMs: DEADLINE_MS, plan: "custom" }),
  };
  const work = async (kind: Kind, after: number, most: number, left: { creates: number }) => {
    const { passed, ...chunk } = await foreseeChunk(tx, job, kind, after, most, left);
    const values = new Map(passed.slice(0, SHOWN - shown).map((one) => [one.n, one.values]));
    shown += values.size;
    const verdicts = await withUnreadable(job, kind, after, chunk);
    for (const verdict of verdicts) {
      const { n, row, outcome } = verdict;
      if (outcome === "refused") telling.tell(told(job, verdict));
      else if (values.has(n)) telling.tell({ is: "verdict", row, outcome: `would be ${outcome}`, values: values.get(n)! });
    }
    for (const finding of (await analysis?.look(tx, kind, passed)) ?? []) telling.tell(finding);
    if (!job.options.dryRun) await keepRefused(job, chunk.verdicts);
    add(counts, countVerdicts(verdicts));
    progress(counts);
    return chunk;
  };
  await tellNameless(job, telling, counts);
  for (const kind of await kindsInOrder(job)) {
    const cap = job.capOf(kind);
    const left = { creates: cap === undefined ? Number.POSITIVE_INFINITY : cap - (usage.get(kind.name) ?? 0) };
    await chunkByChunk(
      (after, most) => work(kind, after, most, left),
      (_, fault) => Promise.reject(fault.problem),
    );
  }
  if (analysis) telling.tell(analysis.ending());
  return counts;
}

/** Keeps why rows did not pass, of an import that will not be written for it. */
async function keepRefused({ db, hold, now }: Job, verdicts: readonly Verdict[]): Promise<void> {
  const refused = verdicts.filter(({ outcome }) => outcome === "refused");
  if (refused.length === 0) return;
  await db.pool.transaction(async (tx) => {
    await addCounts(tx, hold, countVerdicts(refused), now());
    await storeVerdicts(tx, hold, refused);
  });
}

/** Writes all rows in one transaction, after they were judged; none when one fails in the database after all. */
export async function writeStrictly(job: Job, telling: Telling): Promise<Outcome> {
  const { pool } = job.db;
  const kinds = await kindsInOrder(job);
  for (let attempt = 1; ; attempt++) {
    try {
      const verdicts = await pool.transaction((tx) => writeInOne(tx, job, kinds), {
        longFor: job.hold.workspaceId,
        deadlineMs: STRICT_DEADLINE_MS,
      });
      tellAll(job, telling, emptyCounts(), verdicts);
      return "done";
    } catch (error) {
      if (error instanceof Refused) {
        await keepRefused(job, error.verdicts);
        for (const verdict of error.verdicts) telling.tell(told(job, verdict));
        return "refused";
      }
      if (!(error instanceof ChunkFault) || !error.passing || attempt === ATTEMPTS) {
        throw error instanceof ChunkFault ? error.problem : error;
      }
      await sleep(PAUSE_MS * attempt, undefined, { ref: false });
    }
  }
}

/** Rows that did not pass after all: nothing is written. */
class Refused extends Error {
  readonly verdicts: readonly Verdict[];

  constructor(verdicts: readonly Verdict[]) {
    super("rows were refused");
    this.verdicts = verdicts;
  }
}

async function writeInOne(tx: Rows, job: Job, kinds: readonly Kind[]): Promise<Verdict[]> {
  const all: Verdict[] = [];
  for (const kind of kinds) {
    for (let after = 0; ; ) {
      const { verdicts, last } = await writeChunk(tx, job, kind, after, MOST_ROWS);
      const refused = verdicts.filter(({ outcome }) => outcome === "refused");
      if (refused.length > 0) throw new Refused(refused);
      all.push(...verdicts);
      if (last === undefined) break;
      after = last;
    }
  }
  await endImport(tx, job.hold, "done", job.now());
  return all;
}

const emptyCounts = (): Counts => ({ created: 0, updated: 0, unchanged: 0, refused: 0 });

function add(counts: Counts, more: Counts): void {
  for (const name of Object.keys(counts) as (keyof Counts)[]) counts[name] += more[name];
}

function tellAll(job: Job, telling: Telling, counts: Counts, verdicts: readonly Verdict[]): void {
  for (const verdict of verdicts) telling.tell(told(job, verdict));
  add(counts, countVerdicts(verdicts));
}

export function told({ db }: Pick<Job, "db">, verdict: Verdict): Told {
  const { row, outcome } = verdict;
  if (verdict.outcome === "refused") return { is: "verdict", row, problem: verdict.problem };
  const id = verdict.recordId;
  const kind = db.catalog.byPrefix(id.slice(0, id.indexOf("_")));
  return { is: "verdict", row, outcome, id, handle: `${kind?.name}/${shortId(id)}` };
}

const EVERY_ROWS = 10_000;
const EVERY_MS = 1_000;

/** Tells how far it is, every second or every so many rows, until all rows are done. */
function createProgress(telling: Telling, rows: number): (counts: Counts) => void {
  let told = 0;
  let at = performance.now();
  return ({ created, updated, unchanged, refused }) => {
    const done = created + updated + unchanged + refused;
    if (done >= rows) return;
    if (done - told < EVERY_ROWS && performance.now() - at < EVERY_MS) return;
    told = done;
    at = performance.now();
    telling.tell({ is: "progress", note: `${done} rows` });
  };
}
