import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Author } from "../../db/database.ts";
import { doneBefore, keepAnswer, takeKey } from "../../db/records/idempotencyKeys.ts";
import type { Claim } from "../../db/records/writeStatement.ts";
import { checkFile } from "../../db/workspace/check.ts";
import { type CheckedFile, linesOf, requireEmpty, restoreWorkspace } from "../../db/workspace/restore.ts";
import { absentMembers, restoredNotes, restoredValues } from "../../db/workspace/told.ts";
import { isSet } from "../../derive/query.ts";
import type { Told } from "../../formats/format.ts";
import type { Answer } from "../../http/reply.ts";
import { Problem } from "../../kit/problem.ts";
import { covers } from "../../kit/scope.ts";
import { lacksScope } from "../../service/permit.ts";
import type { Authenticated } from "../../service/route.ts";
import { readKindsOfFile } from "../kinds/file.ts";
import { openSpool, type Spool } from "./spool.ts";
import { createTelling, type Telling } from "./telling.ts";

/** So long an answer waits for the outcome, so that its status tells it. Then it begins, and shows how far the work is. */
const PATIENCE_MS = 20_000;
const EVERY_MS = 1_000;

/** One at a time in this process: each has a connection for as long as it takes. */
let running = false;

/** Makes the workspace that of the file, which is one that `GET /export` wrote. `leave` is called when all is done. */
export async function importWorkspace(
  context: Authenticated,
  bytes: AsyncIterable<Uint8Array>,
  leave: () => void,
): Promise<Answer> {
  permitRestore(context);
  refuseOptions(context);
  const { services, db, session, idempotencyKey } = context;
  // With a key it may be the repetition of one that is done.
  if (idempotencyKey === undefined) await requireEmpty(db, db.pool, session.workspaceId);
  if (running)
    throw new Problem("busy", "another workspace is being imported", "wait for that", { headers: { "Retry-After": "30" } });
  running = true;
  let spool: Spool | undefined;
  const end = async () => {
    running = false;
    leave();
    await spool?.close();
  };
  let work: Promise<Told>;
  const telling = createTelling();
  try {
    spool = await openSpool(services.config.data, services.ids("im"));
    const hash = createHash("sha256");
    const file = await checkFile(readKindsOfFile, spool.keep(hashing(bytes, hash)), spool.read);
    work = restore(context, file, claimOf(context, hash.digest("hex")), telling).finally(end);
  } catch (error) {
    await end();
    throw error;
  }
  const done = await Promise.race([work, sleep(PATIENCE_MS, undefined, { ref: false })]);
  if (done) return { is: "report", told: only(done) };
  work.then(
    (told) => {
      telling.tell(told);
      telling.end();
    },
    (error: unknown) => {
      logStopped(context, error);
      const reason = error instanceof Problem && error.code !== "internal" ? error.message : "the service failed";
      telling.tell({ is: "progress", note: `stopped, and nothing is written: ${reason}` });
      telling.fail(error);
    },
  );
  return { is: "report", told: telling.told };
}

function logStopped({ services, requestId }: Authenticated, error: unknown): void {
  if (error instanceof Problem && error.code !== "internal") return;
  const { cause } = error instanceof Problem ? error : { cause: error };
  services.log.error("fault", {
    request_id: requestId,
    cause: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
  });
}

async function* only(told: Told): AsyncGenerator<readonly Told[]> {
  yield [told];
}

async function* hashing(bytes: AsyncIterable<Uint8Array>, hash: ReturnType<typeof createHash>): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    hash.update(piece);
    yield piece;
  }
}

/** It writes a history in the name of others, so it takes all that an admin may do. */
function permitRestore({ session }: Authenticated): void {
  const { role, scopes } = session;
  if (role !== "admin")
    throw new Problem(
      "admin_required",
      "only an admin imports a whole workspace",
      "GET /workspaces/{id}/members shows who is admin",
    );
  for (const verb of ["read", "write", "delete", "admin"] as const) if (!covers(scopes, verb)) throw lacksScope(session, verb);
}

/** They are about rows of a table: here each row is taken as it stands, all of them or none. */
function refuseOptions({ parameters }: Authenticated): void {
  const odd = parameters.find(([name]) => ["map", "unknown", "dates"].includes(name));
  if (odd)
    throw new Problem(
      "invalid_filter",
      `${odd[0]}= is not for a file of GET /export`,
      "leave it out: its rows are taken as they stand",
    );
}

function claimOf({ idempotencyKey: key, services }: Authenticated, digest: string): Claim | undefined {
  if (key === undefined) return undefined;
  return { key, fingerprint: services.seal.mark("idempotency", [JSON.stringify(["restore", digest])]) };
}

/** The key is taken: the answer of the request that took it. */
class Repeated extends Error {}
/** A dry run is taken back. */
class TakenBack extends Error {}

async function restore(context: Authenticated, file: CheckedFile, claim: Claim | undefined, telling: Telling): Promise<Told> {
  const { db, services, session, author, reading } = context;
  const { caps } = services.plans.of(session.plan);
  const dryRun = isSet(context.parameters, "dry_run");
  const absent = await absentMembers(db.pool, session.workspaceId, file.header.members);
  const told: Told = {
    is: "facts",
    values: { ...(dryRun ? { dry_run: true } : {}), ...restoredValues(session.workspaceId, file, absent) },
    notes: [...(dryRun ? ["a dry run: nothing is written"] : []), ...restoredNotes(session.workspaceId, file, absent)],
  };
  const progress = createProgress(telling, file);
  try {
    await restoreWorkspace(db, {
      file,
      ids: services.ids,
      capOf: ({ plural }) => caps[plural],
      into: async (unit): Promise<Author> => {
        if (claim && !dryRun && !(await takeKey(unit, author, claim))) throw new Repeated();
        return author;
      },
      ending: async (unit) => {
        if (dryRun) throw new TakenBack();
        if (claim) await keepAnswer(unit, author, claim, "", told);
      },
      told: progress,
    });
  } catch (error) {
    if (error instanceof TakenBack) return told;
    if (!(error instanceof Repeated)) throw error;
    const done = await doneBefore(db, session.workspaceId, claim!);
    if (done?.answer) return done.answer as Told;
    throw new Problem("idempotency_conflict", "a request with this Idempotency-Key still runs", "repeat it in a moment");
  }
  services.forget(session.workspaceId);
  services.waiting.changed(session.workspaceId);
  services.log.info("workspace imported", {
    workspace: session.workspaceId,
    actor: author.actor,
    at: new Date(reading.now).toISOString(),
  });
  return told;
}

function createProgress(telling: Telling, { counts }: CheckedFile): (lines: number) => void {
  const all = linesOf(counts);
  let at = performance.now();
  return (lines) => {
    if (performance.now() - at < EVERY_MS) return;
    at = performance.now();
    telling.tell({ is: "progress", note: `${lines} of ${all} rows` });
  };
}
