import type { IncomingHttpHeaders } from "node:http";
import type { Author, Database } from "../db/database.ts";
import type { Guests } from "../db/guests/guests.ts";
import type { Session } from "../db/people/sessions.ts";
import type { Claim } from "../db/records/writeStatement.ts";
import { misreadName } from "../derive/filter.ts";
import { leadsWithin } from "../derive/leads.ts";
import type { Operation } from "../derive/operation.ts";
import { COMMON_PARAMETERS, WRITING } from "../derive/parameters.ts";
import type { Parameters } from "../derive/query.ts";
import type { Reading } from "../fields/type.ts";
import type { Speaking } from "../formats/format.ts";
import type { Body } from "../http/body.ts";
import type { Limiter } from "../http/limits.ts";
import type { Answer, Encoded, Style } from "../http/reply.ts";
import type { Hold, InnerRequest } from "../http/request.ts";
import { type IdReference, type IdSource, readId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import type { Log } from "../kit/log.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import type { Seal } from "../kit/seal.ts";
import { oneOf } from "../kit/words.ts";
import type { ClientDocuments } from "../outbound/clientDocuments.ts";
import type { WebhookNetwork } from "../outbound/webhookPost.ts";
import type { Kind } from "../records/kind.ts";
import type { Catalogs } from "./catalogs.ts";
import type { Config } from "./config.ts";
import type { Metrics } from "./metrics.ts";
import type { Plans } from "./plans.ts";
import type { Waiting } from "./waiting.ts";

/** The services of a process, made once at its start. */
export type Services = {
  config: Config;
  /** The public URL, without a trailing slash. */
  baseUrl: string;
  /** Connections, and the kinds that every workspace has. A request has its own, with those of its workspace: `Context.db`. */
  db: Database;
  catalogs: Catalogs;
  seal: Seal;
  ids: IdSource;
  /** Unpredictable numbers in [0, 1). */
  random: () => number;
  /** Epoch ms. */
  now: () => number;
  log: Log;
  plans: Plans;
  metrics: Metrics;
  clientDocuments: ClientDocuments;
  /** How webhooks are reached, and how often a workspace may try them by hand. */
  webhooks: { network: WebhookNetwork; tests: Limiter };
  /** Sends a mail; undefined in local mode. Returns false when the mail is kept for a retry. */
  mail: ((mail: { to: string; subject: string; text: string }) => Promise<boolean>) | undefined;
  /** Drops cached sessions of a token, a user or a workspace that was revoked or changed. */
  forget: (id: string) => void;
  /** The readers that wait for changes. */
  waiting: Waiting;
  /** Callers' own SQL. */
  guests: Guests;
};

/** A parsed request. */
export type Context = {
  services: Services;
  /** The kinds of the caller's workspace, and the connection or transaction of this request. */
  db: Database;
  requestId: string;
  /** The caller's network: an IPv4 address or an IPv6 /56. */
  address: string;
  /** The path as it was sent. */
  pathname: string;
  /** Values of the route's `{…}` segments. */
  path: Record<string, string>;
  parameters: Parameters;
  body: Body;
  style: Style;
  reading: Reading;
  /** The author of this request's changes. Routes without a token leave person and workspace empty. */
  author: Author;
  /** Set where the request is a proposal that somebody approves: when and why it was proposed. It needs no confirm. */
  approved: Approved | undefined;
  /** The token may not make this write, but propose it. */
  mustPropose: boolean;
  /** What makes a repeated write the same write, where the caller sent an idempotency key. */
  claim: Claim | undefined;
  /** Whether all that is written will be taken back. */
  dryRun: boolean;
  /** The versions that If-Match accepts. */
  ifMatch: readonly number[] | undefined;
  /** The caller's key for a write, by which a retry is recognised. */
  idempotencyKey: string | undefined;
  /** The step-up code from the header. */
  escalationCode: string | undefined;
  authorization: string | undefined;
  /** The raw headers. */
  headers: IncomingHttpHeaders;
  /** Holds the connection while an answer waits for something. */
  hold: Hold;
};

/** `at` in epoch ms: relative times of the request count from then. */
export type Approved = { at: number; reason: string };

/** A request of an authenticated caller. */
export type Authenticated = Context & { session: Session };

/**
 * Makes an inner request on behalf of `caller`. It runs the whole path of a request, except authentication. With `counted` it
 * also counts against the caller's rate.
 */
export type Ask = (caller: Authenticated, request: InnerRequest, counted?: boolean) => Promise<Encoded>;

export type Handle<C extends Context> = (context: C, ask: Ask) => Promise<Answer> | Answer;

/** `baseUrl`: as the caller knows it. */
export type Refuse = (problem: Problem, format: Speaking, requestId: string, baseUrl: string) => Encoded;

export type Route = Operation & {
  /** Encodes refusals in another format than our own. */
  refuse?: Refuse;
  /** Paths that begin so and are no route refuse as this route does. */
  below?: string;
  /** X-RateLimit-Reset is a time in epoch seconds, in place of seconds from now. */
  epochReset?: true;
  /** Open, and says what there is in the workspace of the token, if one comes along. */
  tailored?: true;
  /** Shows what a request with the same idempotency key has made, where that is no record of a kind. */
  again?: (context: Authenticated, id: string) => Promise<Answer>;
} & (
    | { open: true; handle: Handle<Context> }
    | { open?: false; handle: Handle<Authenticated> }
    | { open: "or with a token"; handle: Handle<Context & { session: Session | undefined }> }
  );

/**
 * The base URL as this caller knows it; OAuth clients compare it letter by letter. In local mode the Host header decides: it may
 * be any loopback name or a forwarded port, and the guard has refused all others.
 */
export function seenBaseUrl({ services, headers }: Pick<Context, "services" | "headers">): string {
  if (services.mail || services.config.baseUrl || !headers.host) return services.baseUrl;
  return `http://${headers.host.toLowerCase()}`;
}

/**
 * Refuses parameters that the route does not know, because a misspelt one must not be ignored. Filters are checked where they are
 * parsed.
 */
export function allowParameters(route: Route, parameters: Parameters): void {
  const { method, path, parameters: own, filters, standard } = route;
  if (filters || standard || parameters.length === 0) return;
  const all = Object.keys({ ...own, ...COMMON_PARAMETERS });
  for (const [name] of parameters) {
    if (all.includes(name)) continue;
    const near = nearest(name, all);
    const isWrite = method !== "GET" && name in WRITING;
    throw new Problem("invalid_filter", `there is no parameter ${echo(name)} here`, [
      `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}parameters: ${all.join(", ")}`,
      ...(isWrite ? [`${method} ${path} is no write of records: it cannot be tried, proposed or taken back`] : []),
      ...misreadName(name),
    ]);
  }
}

/** Reads the record id of a path. Other text may be a name, so the refusal points to search. */
export function readPathId(kind: Kind, text: string): IdReference {
  const reference = readId(text, kind);
  if (reference) return reference;
  throw new Problem("not_found", `${echo(text)} is not the id of ${oneOf(kind.name)}`, [
    ...leadsWithin(kind, text),
    `ids look like ${kind.prefix}_t4v6w8y0; find one: GET /${kind.plural}?search=${encodeURIComponent(text)}`,
  ]);
}
