import type { Database } from "./db/database.ts";
import type { Session } from "./db/people/sessions.ts";
import { isRecordWrite } from "./derive/operation.ts";
import { readValues } from "./derive/values.ts";
import { type Body, NO_BODY, openFileBody, readBody, readRaw } from "./http/body.ts";
import { createLocalGuard, guardOneHost, guardTrials } from "./http/guard.ts";
import type { Limiter } from "./http/limits.ts";
import { notModified } from "./http/notModified.ts";
import { type Answer, type Encoded, encode, encodeProblem, type Outgoing } from "./http/reply.ts";
import { fromInside, type Request } from "./http/request.ts";
import type { Matched } from "./http/router.ts";
import { LONGEST_INSIDE, readTarget } from "./http/target.ts";
import { Problem } from "./kit/problem.ts";
import type { Catalog } from "./records/catalog.ts";
import { apiIn, find, lookFor, matchedOf } from "./routes/find.ts";
import { perform } from "./routes/perform.ts";
import { addressOf, authorizationOf, readContext } from "./service/context.ts";
import { negotiates, readFormat, readSpeaking } from "./service/negotiation.ts";
import { enter, leave, logFault, type Passage, told } from "./service/passage.ts";
import { permit, permitInside, proposesOnly } from "./service/permit.ts";
import { type Ask, type Authenticated, allowParameters, type Route, type Services, seenBaseUrl } from "./service/route.ts";
import { authenticate, type SessionCache } from "./service/session.ts";

export const BODY_LIMIT = 1_048_576;

export type App = (request: Request) => Promise<Outgoing>;

/** The path of one request: match, authenticate, parse, run, encode. Never rejects: what goes wrong is an answer too. */
export function createApp(services: Services, sessions: SessionCache, limiter: Limiter): App {
  const guardLocal = services.mail ? undefined : createLocalGuard(services.baseUrl);

  const ask: Ask = async (asker, request, counted = false) =>
    gathered(await answer(fromInside(request, asker.address, asker.hold), asker, counted));
  return (request) => answer(request);

  /** `asker`: in whose handler the request was made. Who that is is known, and what they sent is mostly counted. */
  async function answer(request: Request, asker?: Authenticated, counted = true): Promise<Outgoing> {
    const passage = enter(services, request, asker);
    try {
      return leave(services, request, passage, await serveAsOfNow(request, asker, counted, passage));
    } catch (error) {
      const problem = error instanceof Problem ? error : new Problem("internal", "the service failed", [], { cause: error });
      if (problem.code === "internal") logFault(services, passage.requestId, request, problem);
      const { format, refuse, requestId } = passage;
      const baseUrl = seenBaseUrl({ services, headers: request.headers });
      return leave(services, request, passage, refuse(told(problem, requestId), format, requestId, baseUrl));
    }
  }

  /**
   * A refusal by kinds that another process has changed since the session was read is none: the request is read again by those of now. Nothing
   * was done with it, or it is a read. So a new kind is there everywhere with the next request, and no other request asks for it.
   */
  async function serveAsOfNow(
    request: Request,
    asker: Authenticated | undefined,
    counted: boolean,
    passage: Passage,
  ): Promise<Encoded> {
    try {
      return await serve(request, asker, counted, passage);
    } catch (error) {
      const { session, body } = passage;
      if (!session || asker?.db.isUnit || (body && "file" in body) || !mayBeStale(error, request.method)) throw error;
      if (!(await services.catalogs.changed(session).catch(() => false))) throw error;
      sessions.forget(session.workspaceId);
      if (!asker) return serve(request, asker, counted, passage);
      const { catalog } = await services.catalogs.now(session.workspaceId);
      return serve(request, { ...asker, db: { ...asker.db, catalog } }, counted, passage);
    }
  }

  async function serve(
    request: Request,
    asker: Authenticated | undefined,
    counted: boolean,
    passage: Passage,
  ): Promise<Encoded> {
    guardOneHost(request);
    guardLocal?.(request);
    const target = readTarget(request.target, asker ? LONGEST_INSIDE : undefined);
    passage.format = readSpeaking(target, passage.format);
    const now = services.now();
    const address = addressOf(request, services.config.trustProxy);
    const authorization = authorizationOf(request);
    const entrance = await apiIn(asker?.db.catalog ?? services.db.catalog);
    const found = lookFor(entrance, request.method, target);
    passage.refuse = entrance.refusal(target.path);
    if ("route" in found) {
      passage.place = found.route.path;
      if (asker) permitInside(found.route);
      passage.refuse = found.route.refuse ?? encodeProblem;
    }
    const caller = asker?.session ?? (await sessionOf(found, authorization, address, now));
    passage.session = caller;
    const db = asker?.db ?? (await databaseOf(caller, request.method));
    const api = await apiIn(db.catalog);
    const { route, path, suffix } = api === entrance ? matchedOf(found) : find(api, request.method, target);
    passage.place = route.path;
    const session = route.open === true ? undefined : caller;
    passage.caller = session?.tokenId;
    if (counted && !passage.counted) passage.headers.push(...limiter.take(session?.rootId ?? address, now, route.epochReset));
    passage.counted = true;
    const mustPropose = session !== undefined && !asker?.approved && proposesOnly(session, api.scope(route), route);
    if (session && !mustPropose) permit(session, api.scope(route));
    allowParameters(route, target.parameters);
    const format = negotiates(route) ? readFormat(request, target, suffix, route, api.formats(route)) : passage.format;
    guardTrials(request);
    const body = passage.body ?? (await receive(request, route));
    passage.body = body;
    const { requestId } = passage;
    const context = readContext({
      services,
      request,
      requestId,
      target,
      path,
      format,
      address,
      authorization,
      now,
      session,
      body,
      mustPropose,
      db,
      approved: asker?.approved,
    });
    if (route.body?.is === "values") {
      const values = readValues(route.body, body.values, context.reading);
      context.body = { ...body, values, sent: body.values };
    }
    const answered = await perform(route, context as Authenticated, ask);
    if (asker) refuseEndless(answered);
    if (session && isRecordWrite(route)) services.waiting.changed(session.workspaceId);
    const encoded = notModified(request, await encode(answered, context.style));
    return asker && answered.is === "table" ? gathered(encoded, MOST_INSIDE) : encoded;
  }

  /** Undefined for an open route. A path that no built-in kind has may be one of the caller's workspace. */
  async function sessionOf(
    found: Matched<Route> | Problem,
    authorization: string | undefined,
    address: string,
    now: number,
  ): Promise<Session | undefined> {
    if ("route" in found) {
      const { open, tailored } = found.route;
      if (open !== true && (open === undefined || authorization !== undefined))
        return known(authorization, address, now, found.route);
      if (!tailored || authorization === undefined) return undefined;
    } else if (found.code !== "not_found" || authorization === undefined) throw found;
    try {
      return await known(authorization, address, now, { path: "" });
    } catch (error) {
      if (!(error instanceof Problem && error.status === 401)) throw error;
      if ("route" in found) return undefined;
      throw found;
    }
  }

  /** The database with the kinds of the caller's workspace. */
  async function databaseOf(session: Session | undefined, method: string): Promise<Database> {
    const catalog = session && (await kindsOf(session, method));
    return catalog && catalog !== services.db.catalog ? { ...services.db, catalog } : services.db;
  }

  /** For a write they are read anew where they have changed: under a name that has gone to another field it would change the former one. */
  async function kindsOf(session: Session, method: string): Promise<Catalog> {
    const { catalogs } = services;
    const reads = method === "GET" || method === "HEAD" || session.kindsVersion === 0;
    if (reads || !(await catalogs.changed(session))) return catalogs.of(session);
    sessions.forget(session.workspaceId);
    return (await catalogs.now(session.workspaceId)).catalog;
  }

  function known(
    authorization: string | undefined,
    address: string,
    now: number,
    { path, epochReset }: Pick<Route, "path" | "epochReset">,
  ): Session | Promise<Session> {
    return authenticate(services, sessions, authorization, path, now, () => limiter.take(address, now, epochReset));
  }
}

/** Characters of a table that is put into another answer: as many as a page of a list has. */
const MOST_INSIDE = 4_000_000;

/** Whoever asks from inside is answered all at once. */
async function gathered(encoded: Encoded, most = Number.POSITIVE_INFINITY): Promise<Encoded> {
  const { status, headers, body, chunks } = encoded;
  if (!chunks) return encoded;
  let text = String(body);
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
    text += next.value;
    if (text.length <= most) continue;
    chunks.stop();
    throw new Problem("not_acceptable", `inside another answer there is room for ${most / 1_000_000} MB`, [
      "ask for fewer rows or columns: limit=; or send the request over HTTP by itself",
    ]);
  }
  return { status, headers, body: text };
}

/** Refusals that newer kinds may not make. */
const BY_KINDS: readonly string[] = [
  "not_found",
  "invalid_field",
  "invalid_filter",
  "invalid_sort",
  "invalid_op",
  "invalid_value",
  "missing_field",
];

function mayBeStale(error: unknown, method: string): boolean {
  if (error instanceof Problem && error.code !== "internal") return BY_KINDS.includes(error.code);
  return method === "GET";
}

/** An inner request needs a whole answer, because its caller puts it into another one. */
function refuseEndless({ is }: Answer): void {
  if (is !== "stream" && is !== "flow") return;
  throw new Problem("not_acceptable", "an answer of any length cannot be had from inside another", [
    "ask page by page: limit= and cursor=; or send the request over HTTP by itself",
  ]);
}

function receive(request: Request, { raw, body }: Route): Body | Promise<Body> {
  const { method, headers } = request;
  if (body?.is === "file") return openFileBody(request);
  if (method === "POST" || method === "PUT" || method === "PATCH")
    return raw ? readRaw(request, BODY_LIMIT) : readBody(request, BODY_LIMIT, body?.is === "values" ? body.plain : undefined);
  if (headers["transfer-encoding"] === undefined && Number(headers["content-length"] ?? 0) === 0) return NO_BODY;
  throw new Problem(
    "bad_request",
    `${method} takes no body`,
    "put parameters behind a ? in the address: curl -G -d name=value",
    { headers: { Connection: "close" } },
  );
}
