import type { IncomingHttpHeaders } from "node:http";
import type { Author, Database } from "../db/database.ts";
import type { Session } from "../db/people/sessions.ts";
import { misreadName } from "../derive/filter.ts";
import type { Operation } from "../derive/operation.ts";
import { COMMON_PARAMETERS } from "../derive/parameters.ts";
import type { Parameters } from "../derive/query.ts";
import type { Reading } from "../fields/type.ts";
import type { Format } from "../http/accept.ts";
import type { Body } from "../http/body.ts";
import type { Answer, Encoded, Style } from "../http/reply.ts";
import type { InnerRequest } from "../http/request.ts";
import { type IdReference, type IdSource, readId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import type { Log } from "../kit/log.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import type { Seal } from "../kit/seal.ts";
import { oneOf } from "../kit/words.ts";
import type { ClientDocuments } from "../outbound/clientDocuments.ts";
import type { Kind } from "../records/kind.ts";
import type { Config } from "./config.ts";
import type { Metrics } from "./metrics.ts";
import type { Plans } from "./plans.ts";

/** What a process serves with, made once by main. */
export type Services = {
  config: Config;
  /** The address callers see, without a trailing slash. */
  baseUrl: string;
  db: Database;
  seal: Seal;
  ids: IdSource;
  /** Numbers in [0, 1) that nobody can foresee. */
  random: () => number;
  /** Epoch ms. */
  now: () => number;
  log: Log;
  plans: Plans;
  metrics: Metrics;
  clientDocuments: ClientDocuments;
  /** Sends a mail, or is undefined in local mode. False: it could not go out yet and is tried again. */
  mail: ((mail: { to: string; subject: string; text: string }) => Promise<boolean>) | undefined;
  /** Forgets what is remembered of a token, a user or a workspace, after it was revoked or changed. */
  forget: (id: string) => void;
};

/** One request, parsed. */
export type Context = {
  services: Services;
  /** The kinds of the caller's workspace, and the unit of work that this request runs on. */
  db: Database;
  requestId: string;
  /** The caller's network address, in IPv6 its /56. */
  address: string;
  /** The values of the route's `{…}` segments. */
  path: Record<string, string>;
  parameters: Parameters;
  body: Body;
  style: Style;
  reading: Reading;
  /** Who makes the changes of this request. Empty of person and workspace on routes that need no token. */
  author: Author;
  /** The versions of which If-Match asks for one. */
  ifMatch: readonly number[] | undefined;
  /** What the caller names a create by, so that a retry is known. */
  idempotencyKey: string | undefined;
  /** The code for something grave, where the header brings it. */
  escalationCode: string | undefined;
  authorization: string | undefined;
  /** As they came. */
  headers: IncomingHttpHeaders;
};

/** A request of a known caller. */
export type Authenticated = Context & { session: Session };

/**
 * Asks the service on behalf of the caller of `asker`: the whole way of a request, but for who that is and how often they may, unless it is
 * `counted` besides the request that `asker` is.
 */
export type Ask = (asker: Authenticated, request: InnerRequest, counted?: boolean) => Promise<Encoded>;

export type Handle<C extends Context> = (context: C, ask: Ask) => Promise<Answer> | Answer;

/** `baseUrl`: as the caller knows it. */
export type Refuse = (problem: Problem, format: Format, requestId: string, baseUrl: string) => Encoded;

export type Route = Operation & {
  /** How it refuses, where not in our own form. */
  refuse?: Refuse;
} & ({ open: true; handle: Handle<Context> } | { open?: false; handle: Handle<Authenticated> });

/**
 * The address this caller knows the service by, which OAuth clients compare letter by letter. In local mode that may be any name of the
 * loopback, and a forwarded port: the guard has let no other through.
 */
export function seenBaseUrl({ services, headers }: Pick<Context, "services" | "headers">): string {
  if (services.mail || services.config.baseUrl || !headers.host) return services.baseUrl;
  return `http://${headers.host.toLowerCase()}`;
}

/** Refuses a parameter the route does not know: a misspelt one must not pass unnoticed. Filters are refused where they are read. */
export function allowParameters({ parameters: own, filters, standard }: Operation, parameters: Parameters): void {
  if (filters || standard || parameters.length === 0) return;
  const all = Object.keys({ ...own, ...COMMON_PARAMETERS });
  for (const [name] of parameters) {
    if (all.includes(name)) continue;
    const near = nearest(name, all);
    throw new Problem("invalid_filter", `there is no parameter ${echo(name)} here`, [
      `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}parameters: ${all.join(", ")}`,
      ...misreadName(name),
    ]);
  }
}

/** The record a path names. Text that is no id at all may be a name, which search finds. */
export function readPathId(kind: Kind, text: string): IdReference {
  const reference = readId(text, kind);
  if (reference) return reference;
  throw new Problem("not_found", `${echo(text)} is not the id of ${oneOf(kind.name)}`, [
    `ids look like ${kind.prefix}_t4v6w8y0; find one: GET /${kind.plural}?search=${encodeURIComponent(text)}`,
  ]);
}
