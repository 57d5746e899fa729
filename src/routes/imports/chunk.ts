import { addCounts, beat } from "../../db/imports/imports.ts";
import { lockLiving, missingLink } from "../../db/imports/links.ts";
import {
  countVerdicts,
  keepKeys,
  keysBefore,
  nextStaged,
  type StagedRow,
  storeVerdicts,
  type Verdict,
} from "../../db/imports/rows.ts";
import { holdersOf, writeRecords } from "../../db/imports/write.ts";
import type { Kind } from "../../records/kind.ts";
import { writing } from "./chunkFault.ts";
import type { Job } from "./job.ts";
import { judge, type Passed, type Rows } from "./judge.ts";
import { linkRows } from "./linking.ts";

/** What came of a chunk. `last` is its last row; undefined when no row of the kind is left. */
export type Chunk = { verdicts: Verdict[]; last: number | undefined };

const NOTHING_LEFT: Chunk = { verdicts: [], last: undefined };

/** Writes the next rows of a kind, and what came of them: both or neither, for all of it is one transaction. */
export async function writeChunk(tx: Rows, job: Job, kind: Kind, after: number, most: number): Promise<Chunk> {
  await beat(tx, job.hold, job.now());
  const staged = await nextStaged(tx, job.hold, kind.name, after, most);
  if (staged.length === 0) return NOTHING_LEFT;
  const { passed, refused } = await linkRows(tx, job, kind, await judge(tx, job, kind, staged), true);
  const options = { cap: job.capOf(kind), createsOnly: job.lacks(kind).update !== undefined };
  const written = await writing(kind, job.author, () =>
    writeRecords(tx, kind, job.author, job.ids, passed.map(recordOf), options),
  );
  const verdicts: Verdict[] = [...refused];
  const without: Passed[] = [];
  for (const one of passed) {
    const record = written.get(one.n);
    if (!record) without.push(one);
    else verdicts.push({ ...placeOf(one), outcome: record.created ? "created" : "updated", recordId: record.id });
  }
  verdicts.push(...(await explain(tx, job, kind, without)));
  verdicts.sort((a, b) => a.n - b.n);
  await storeVerdicts(tx, job.hold, verdicts);
  await addCounts(tx, job.hold, countVerdicts(verdicts), job.now());
  return { verdicts, last: staged.at(-1)!.n };
}

const placeOf = ({ n, row }: Pick<StagedRow, "n" | "row">) => ({ n, row });

const recordOf = ({ n, id, sent, removed, key, written }: Passed) => ({ n, id, sent, removed, key, initial: written.initial });

/** Nothing was written for these: they would change nothing, or what they link to has gone meanwhile. */
async function explain(tx: Rows, job: Job, kind: Kind, rows: readonly Passed[]): Promise<Verdict[]> {
  if (rows.length === 0) return [];
  const { workspaceId } = job.hold;
  const gone = new Set<Passed>();
  const verdicts: Verdict[] = [];
  for (const { id: field, target } of kind.links) {
    const linked = rows.flatMap(({ sent }) => (typeof sent[field.name] === "string" ? [sent[field.name] as string] : []));
    const living = await lockLiving(tx, workspaceId, target, linked);
    for (const one of rows) {
      const id = one.sent[field.name];
      if (typeof id !== "string" || living.has(id) || gone.has(one)) continue;
      gone.add(one);
      verdicts.push({ ...placeOf(one), outcome: "refused", problem: missingLink(target) });
    }
  }
  const rest = rows.filter((one) => !gone.has(one));
  const holders = await holdersOf(
    tx,
    workspaceId,
    kind,
    rest.flatMap(({ id, key }) => (id === undefined && key !== undefined ? [key] : [])),
  );
  const { update } = job.lacks(kind);
  for (const one of rest) {
    const id = one.id ?? holders.get(one.key ?? "");
    if (id !== undefined && !(update && one.id === undefined)) {
      verdicts.push({ ...placeOf(one), outcome: "unchanged", recordId: id });
    } else verdicts.push({ ...placeOf(one), outcome: "refused", problem: update ?? missingLink(kind) });
  }
  return verdicts;
}

/** What would come of the next rows of a kind. A dry run stores only what later rows are judged by. */
export type Foreseen = Chunk & { passed: readonly Passed[] };

/**
 * Judges the next rows of a kind and writes none of them. A natural key that an earlier row of the file has makes a later one an update.
 * Of records that a plan allows, `left` are left.
 */
export async function foreseeChunk(
  tx: Rows,
  job: Job,
  kind: Kind,
  after: number,
  most: number,
  left: { creates: number },
): Promise<Foreseen> {
  const staged = await nextStaged(tx, job.hold, kind.name, after, most);
  if (staged.length === 0) return { ...NOTHING_LEFT, passed: [] };
  const { passed, refused } = await linkRows(tx, job, kind, await judge(tx, job, kind, staged), false);
  const keys = passed.flatMap(({ id, key }) => (id === undefined && key !== undefined ? [key] : []));
  const holders = await holdersOf(tx, job.hold.workspaceId, kind, keys);
  const earlier = await keysBefore(tx, job.hold, kind.name, keys);
  const verdicts: Verdict[] = [...refused];
  const would: Passed[] = [];
  const added: { n: number; key: string }[] = [];
  for (const one of passed) {
    const { key } = one;
    const updates = one.id !== undefined || (key !== undefined && (holders.has(key) || earlier.has(key)));
    if (!updates && left.creates <= 0) {
      job.full.add(kind);
      verdicts.push({ ...placeOf(one), outcome: "refused", problem: job.lacks(kind).create! });
      continue;
    }
    if (!updates) left.creates -= 1;
    if (!updates && key !== undefined) {
      earlier.add(key);
      added.push({ n: one.n, key });
    }
    would.push(one);
    verdicts.push({ ...placeOf(one), outcome: updates ? "updated" : "created", recordId: "" });
  }
  await keepKeys(tx, job.hold, added);
  verdicts.sort((a, b) => a.n - b.n);
  return { verdicts, last: staged.at(-1)!.n, passed: would };
}
