import {
  anotherRequest,
  beginImport,
  dropImport,
  endImport,
  findImport,
  type Hold,
  type Import,
  keepStaged,
} from "../../db/imports/imports.ts";
import type { Claim } from "../../db/records/writeStatement.ts";
import { peek } from "../../formats/files/peek.ts";
import { isWorkspaceFile } from "../../formats/files/workspaceRead.ts";
import type { Answer } from "../../http/reply.ts";
import { shortId } from "../../kit/id.ts";
import { Problem } from "../../kit/problem.ts";
import { covers, roleAllows, WRITES } from "../../kit/scope.ts";
import { counted } from "../../kit/words.ts";
import type { Kind } from "../../records/kind.ts";
import { lacksScope, permit } from "../../service/permit.ts";
import type { Authenticated } from "../../service/route.ts";
import { createJob, type Job } from "./job.ts";
import { type ImportOptions, readOptions } from "./options.ts";
import { importWorkspace } from "./restore.ts";
import { foreseeAll, SHOWN, writeAll, writeStrictly } from "./run.ts";
import { type Made, madeValues, totals, verdictsOf, wouldMake } from "./shown.ts";
import { createTelling, type Telling } from "./telling.ts";
import { digestOf, type FileFacts, upload } from "./upload.ts";

/** Imports at once: each holds a piece of its file in memory, and a connection while it writes. */
const MOST_OF_ONE = 4;
const MOST = 16;
const running = new Map<string, number>();

/**
 * Reads the file of a request, then answers while its rows are written. What refuses the whole file is refused before anything is written. Once
 * the file is there the import goes on to its end, whether somebody reads of it or not.
 */
export async function runImport(context: Authenticated, kind: Kind | undefined): Promise<Answer> {
  const { session } = context;
  permitAny(context, kind);
  const options = readOptions(context);
  if (options.analyze && kind) permit(session, { verb: "read", plural: kind.plural });
  const leave = enter(session.workspaceId);
  try {
    const { begins, bytes } = await peek(context.body.file!, 100);
    if (isWorkspaceFile(begins)) {
      if (kind) throw ofWorkspace();
      return await importWorkspace(context, bytes, leave);
    }
    const answer = await begin({ ...context, body: { ...context.body, file: bytes } }, kind, options, leave);
    if (answer.ended) leave();
    return answer.answer;
  } catch (error) {
    leave();
    throw error;
  }
}

const ofWorkspace = () =>
  new Problem("bad_request", "the file holds a whole workspace", "send it to POST /import of an empty workspace, as its admin");

/** Without a kind in its path, an import needs the right to write some kind; the others are refused by row. */
function permitAny({ session, db }: Authenticated, kind: Kind | undefined): void {
  if (kind) return;
  if (!roleAllows(session.role, "write")) {
    throw new Problem("scope_required", `a ${session.role} of this workspace cannot write here`, "ask for another role");
  }
  const some = db.catalog.kinds.some(({ plural }) => WRITES.some((verb) => covers(session.scopes, verb, plural)));
  if (!some) throw lacksScope(session, "write");
}

function enter(workspaceId: string): () => void {
  const all = [...running.values()].reduce((sum, each) => sum + each, 0);
  const own = running.get(workspaceId) ?? 0;
  if (own >= MOST_OF_ONE || all >= MOST) {
    throw new Problem("busy", `${own >= MOST_OF_ONE ? own : all} imports run already`, "wait for one to end: GET /imports", {
      headers: { "Retry-After": "10" },
    });
  }
  running.set(workspaceId, own + 1);
  let left = false;
  return () => {
    if (left) return;
    left = true;
    const still = (running.get(workspaceId) ?? 1) - 1;
    if (still === 0) running.delete(workspaceId);
    else running.set(workspaceId, still);
  };
}

type Begun = { answer: Answer; ended: boolean };

async function begin(
  context: Authenticated,
  kind: Kind | undefined,
  options: ImportOptions,
  leave: () => void,
): Promise<Begun> {
  const { services, session, author } = context;
  const { pool } = services.db;
  const runner = services.ids("run");
  const claim = options.dryRun ? undefined : claimOf(context, kind, options);
  const wish = {
    id: services.ids("im"),
    kind: kind?.name ?? null,
    strict: options.strict,
    dryRun: options.dryRun,
    runner,
    claim,
  };
  const { found, before } = await beginImport(pool, author, wish);
  const hold: Hold = { workspaceId: session.workspaceId, id: found.id, runner };
  if (before && found.state !== "staging") return goOn(context, hold, found, options, leave);
  let file: FileFacts;
  let hasUnreadable: boolean;
  try {
    const uploaded = await upload(context, hold, kind, options);
    const { facts, notes, columns, refused } = uploaded;
    file = { facts, notes, columns };
    hasUnreadable = refused > 0;
    await keepStaged(pool, hold, uploaded, file);
    found.rows = uploaded.rows;
    found.refused = uploaded.refused;
  } catch (error) {
    // A refused file keeps no key, and what came of it is nothing.
    await dropImport(pool, hold).catch(() => {});
    throw error;
  }
  const job = createJob(context, { hold, found, options, file, hasUnreadable });
  return { answer: answerWith(context, job, kind, leave), ended: false };
}

/** The same request again: the file has to be the same, and nothing of it is written twice. */
async function goOn(
  context: Authenticated,
  hold: Hold,
  found: Import,
  options: ImportOptions,
  leave: () => void,
): Promise<Begun> {
  const digest = await digestOf(context.body.file!);
  if (digest !== found.digest) throw anotherRequest();
  if (found.state !== "staged") return { answer: { is: "report", told: verdictsOf(context, found) }, ended: true };
  const job = createJob(context, { hold, found, options, file: found.facts as FileFacts, hasUnreadable: false });
  const kind = found.kind === null ? undefined : context.db.catalog.get(found.kind);
  return { answer: answerWith(context, job, kind, leave), ended: false };
}

function claimOf(
  { idempotencyKey, services }: Authenticated,
  kind: Kind | undefined,
  options: ImportOptions,
): Claim | undefined {
  if (idempotencyKey === undefined) return undefined;
  const { strict, keeps, map, dates } = options;
  const asked = JSON.stringify(["import", kind?.name ?? null, strict, keeps, [...map].sort(), dates ?? null]);
  return { key: idempotencyKey, fingerprint: services.seal.mark("idempotency", [asked]) };
}

/** The answer begins at once, and the work goes on beside it. */
function answerWith({ services }: Authenticated, job: Job, kind: Kind | undefined, leave: () => void): Answer {
  const telling = createTelling();
  const { found, file, options } = job;
  const done = found.created + found.updated + found.unchanged;
  const what = `${found.rows} ${found.rows === 1 ? "row" : "rows"} of ${kind?.plural ?? "records"}`;
  telling.tell({
    is: "facts",
    values: { ...(options.dryRun ? { dry_run: true } : {}), file: { notes: file.notes.slice(0, 1), columns: file.columns } },
    notes: [
      options.dryRun ? `a dry run of ${what}: nothing is written` : `import/${shortId(found.id)} of ${what}`,
      ...(done > 0
        ? [`${counted(done, { name: "row was", plural: "rows were" })} written before: GET /imports/${shortId(found.id)}`]
        : []),
      ...file.notes,
    ],
  });
  work(job, telling)
    .catch(async (error: unknown) => {
      const reason = error instanceof Problem ? error.message : "the service failed";
      logStopped(services, job, error);
      telling.tell({ is: "progress", note: `stopped: ${reason}; what was written stays: GET /imports/${shortId(found.id)}` });
      if (options.dryRun) await dropImport(job.db.pool, job.hold).catch(() => {});
      telling.fail(error);
    })
    .finally(leave);
  return { is: "report", told: telling.told };
}

function logStopped({ log }: Authenticated["services"], { found, author }: Job, error: unknown): void {
  const facts = { id: found.id, request_id: author.requestId };
  const { cause } = error instanceof Problem ? error : { cause: error };
  if (error instanceof Problem && error.code !== "internal") log.warn("import stopped", { ...facts, cause: error.message });
  else log.error("fault", { ...facts, cause: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) });
}

async function work(job: Job, telling: Telling): Promise<void> {
  const { db, hold, found, options, now } = job;
  if (options.dryRun) {
    const counts = await foreseeAll(job, telling);
    const passed = counts.created + counts.updated + counts.unchanged;
    await dropImport(db.pool, hold);
    telling.tell({
      is: "facts",
      values: { ...counts, made: madeValues(madeOf(job)) },
      notes: [
        ...(options.analyze || passed <= SHOWN ? [] : [`shown: the first ${SHOWN} of ${passed} rows that would be written`]),
        ...madeOf(job).map(wouldMake),
        ...(telling.dropped() > 0 ? [`${telling.dropped()} lines were left out, for nobody read them`] : []),
        `would be created: ${counts.created}, would be updated: ${counts.updated}, refused: ${counts.refused}`,
      ],
    });
    telling.end();
    return;
  }
  if (!found.strict) await writeAll(job, telling);
  else if ((await foreseeAll(job, telling)).refused + found.refused > 0 || (await writeStrictly(job, telling)) === "refused") {
    await endImport(db.pool, hold, "refused", now());
  }
  const ended = (await findImport(db.pool, hold.workspaceId, { prefix: "im", key: found.id })) ?? found;
  telling.tell(totals(ended, { made: madeOf(job), dropped: telling.dropped() }));
  telling.end();
}

const madeOf = ({ made, db }: Job): Made[] =>
  [...made].flatMap(([plural, names]) =>
    names.size > 0 ? [{ kind: db.catalog.byPlural(plural)!, count: names.size, names: names.values() }] : [],
  );
