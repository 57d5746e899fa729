import type { Database } from "../db/database.ts";
import { Holder, noteConflict } from "../db/records/conflict.ts";
import { frozenAmong } from "../db/records/frozen.ts";
import { doneBefore, keepAnswer, takeKey } from "../db/records/idempotencyKeys.ts";
import { getRow } from "../db/records/rows.ts";
import type { Claim } from "../db/records/writeStatement.ts";
import { inUnit, ofMany, rehearse } from "../db/unit.ts";
import { namesByBody } from "../derive/body.ts";
import { isRecordWrite } from "../derive/operation.ts";
import { ASIDE } from "../derive/parameters.ts";
import { isSet } from "../derive/query.ts";
import { rowId } from "../derive/view.ts";
import type { Answer } from "../http/reply.ts";
import { Problem } from "../kit/problem.ts";
import type { Ask, Authenticated, Route } from "../service/route.ts";
import { propose, proposing } from "./proposals.ts";
import { recordView } from "./readable.ts";

/**
 * Runs the handler of a route. A write of records with `dry_run=true` is taken back, and the answer says what would be; one with an idempotency
 * key is done once, however often it comes.
 */
export async function perform(route: Route, context: Authenticated, ask: Ask): Promise<Answer> {
  try {
    return await performed(route, context, ask);
  } catch (error) {
    throw frozenAmong(context.db.catalog.kinds, error) ?? error;
  }
}

async function performed(route: Route, context: Authenticated, ask: Ask): Promise<Answer> {
  const handle = (db = context.db, dryRun = false, claim?: Claim) =>
    route.handle({ ...context, db, dryRun, claim, ...(dryRun ? { session: proposing(context) } : {}) }, ask);
  if (!isRecordWrite(route)) {
    if (context.db.isUnit && route.method !== "GET") throw notTakenBack(route);
    return route.keyed && context.session ? once(route, context, handle, {}) : route.handle(context, ask);
  }
  if (context.approved) return handle();
  const options = route.filters ? ofMany(context.session.workspaceId) : {};
  const isDryRun = isSet(context.parameters, "dry_run");
  if (!isDryRun && (context.mustPropose || isSet(context.parameters, "propose")))
    return propose(context, route, (unit) => handle(unit, true));
  if (isDryRun) return asDryRun(await rehearse(context.db, async (unit) => handle(unit, true), options));
  return notingConflicts(context, () => once(route, context, handle, options));
}

/** Does a write at once, and with an idempotency key once. */
async function once(
  route: Route,
  context: Authenticated,
  handle: (db?: Database, dryRun?: boolean, claim?: Claim) => Answer | Promise<Answer>,
  options: ReturnType<typeof ofMany> | Record<string, never>,
): Promise<Answer> {
  const claim = claimOf(route, context);
  // A create or change of one record claims the key in its own statement, unless it makes others besides.
  const { body } = route;
  const { besides = [] } = route;
  const alone =
    (body?.is === "create" || body?.is === "patch") &&
    !namesByBody(body.of, context.body.values) &&
    !context.parameters.some(([name]) => besides.includes(name));
  if (!claim || (alone && route.answers.is === "record")) return handle(context.db, false, claim);
  return inUnit(
    context.db,
    async (unit) => {
      const { author } = context;
      if (!(await takeKey(unit, author, claim))) return repeated(route, { ...context, db: unit }, claim);
      const answer = await handle(unit);
      if (answer.is === "record") await keepAnswer(unit, author, claim, rowId(answer.row), null);
      else await keepAnswer(unit, author, claim, "", route.keyed ? sealed(answer, context) : answer);
      return answer;
    },
    options,
  );
}

/** A create that a taken value refused is told in the history, outside of its own unit, which has been taken back. */
async function notingConflicts(context: Authenticated, write: () => Promise<Answer>): Promise<Answer> {
  try {
    return await write();
  } catch (error) {
    const { db, author, services, session } = context;
    // Of an atomic batch nothing stays.
    if (error instanceof Problem && error.cause instanceof Holder && !db.isUnit) {
      await noteConflict(db, author, services.ids, error.cause).catch(() => undefined);
      services.waiting.changed(session.workspaceId);
    }
    throw error;
  }
}

const notTakenBack = ({ method, path }: Route) =>
  new Problem(
    "bad_request",
    `${method} ${path} is no write of records, so it cannot be taken back`,
    "send it by itself, without atomic, dry_run, propose and Idempotency-Key",
  );

/** Nothing was made, so there is no change to name and no place to look. */
function asDryRun(answer: Answer): Answer {
  const { status: _, headers: __, ...said } = answer;
  if (said.is === "record") {
    const { change: ___, outcome = "written", ...shown } = said;
    return { ...shown, outcome: `would be ${outcome}`, facts: { ...said.facts, dry_run: true } };
  }
  if (said.is === "message") {
    const { change: _, ...values } = said.values ?? {};
    return { ...said, message: `dry run, nothing is changed; ${said.message}`, values: { ...values, dry_run: true } };
  }
  return said;
}

/** Such an answer may hold a secret that is shown once. */
const sealed = (answer: Answer, { services }: Authenticated) => ({
  sealed: services.seal.encrypt("kept answer", JSON.stringify(answer)).toString("base64"),
});

const unsealed = (kept: { sealed: string }, { services }: Authenticated): Answer =>
  JSON.parse(services.seal.decrypt("kept answer", Buffer.from(kept.sealed, "base64")));

/** The same key with another request is refused, and where an answer may hold a secret, the same request with another token. */
function claimOf(route: Route, context: Authenticated): Claim | undefined {
  const { idempotencyKey: key, body, path, parameters, services, session } = context;
  if (key === undefined) return undefined;
  const values = route.raw ? body.text : Object.entries(body.sent ?? body.values).sort();
  const asked = parameters.filter(([name]) => !ASIDE.includes(name)).map(([name, value]) => `${name}=${value}`);
  const request =
    route.body?.is === "create" ? [route.body.of.name, path, values] : [route.method, route.path, path, asked.sort(), values];
  const asker = route.keyed ? [session.tokenId] : [];
  return { key, fingerprint: services.seal.mark("idempotency", [JSON.stringify(request), ...asker]) };
}

/** The record as it is now, or the answer that the first request had. */
async function repeated(route: Route, context: Authenticated, claim: Claim): Promise<Answer> {
  const { db, session } = context;
  const done = await doneBefore(db, session.workspaceId, claim);
  if (done?.answer) return route.keyed ? unsealed(done.answer as { sealed: string }, context) : (done.answer as Answer);
  if (!done || route.answers.is !== "record")
    throw new Problem("idempotency_conflict", "a request with this Idempotency-Key still runs", "repeat it in a moment");
  if (route.again) return route.again(context, done.recordId);
  const { of: kind } = route.answers;
  const view = recordView(context, kind);
  const row = await getRow(db, session.workspaceId, view, { prefix: kind.prefix, key: done.recordId });
  return { is: "record", view, row, outcome: "unchanged" };
}
