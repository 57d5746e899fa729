import type { Database } from "../db/database.ts";
import type { Session } from "../db/people/sessions.ts";
import { single } from "../derive/query.ts";
import { storable } from "../fields/text.ts";
import type { Format } from "../formats/format.ts";
import type { Body } from "../http/body.ts";
import type { Request } from "../http/request.ts";
import { pageAt, type Target } from "../http/target.ts";
import { echo } from "../kit/line.ts";
import { networkOf } from "../kit/network.ts";
import { Problem } from "../kit/problem.ts";
import { covers } from "../kit/scope.ts";
import { composed } from "../kit/text.ts";
import { zone } from "../kit/time.ts";
import type { Approved, Context, Services } from "./route.ts";

const UTC = zone("UTC");

/** A request whose caller and body have been read, as far as its route needs them. */
export type Arrival = {
  services: Services;
  request: Request;
  requestId: string;
  target: Target;
  path: Record<string, string>;
  format: Format;
  address: string;
  authorization: string | undefined;
  /** Epoch ms. */
  now: number;
  session: Session | undefined;
  body: Body;
  mustPropose: boolean;
  /** The connections or the transaction that it runs on, and the proposal that it is, where it came from inside. */
  db: Database;
  approved: Approved | undefined;
};

/** Parses a request into its context. Times are read and shown in the zone of the caller's workspace. */
export function readContext(arrival: Arrival): Context & { session: Session | undefined } {
  const { services, request, requestId, target, path, format, address, authorization, now, session, body, db, approved } =
    arrival;
  const { headers } = request;
  const { parameters } = target;
  const reason = readNote("reason", single(parameters, "reason") ?? utf8Header("X-Reason", headers["x-reason"]), 500);
  const agent = readNote("agent", utf8Header("X-Agent", headers["x-agent"]) ?? agentOf(headers["user-agent"]), 200);
  const { workspaceId = "", email = "", tokenId = null } = session ?? {};
  const mayRead = (plural: string) => session !== undefined && covers(session.scopes, "read", plural);
  const place = session ? zone(session.timezone) : UTC;
  return {
    services,
    db,
    session,
    requestId,
    address,
    pathname: target.path,
    path,
    parameters,
    body,
    style: { format, pretty: readPretty(target), showing: { zone: place }, pageAt: (cursor) => pageAt(target, cursor) },
    reading: { now: approved?.at ?? now, zone: place, me: email },
    author: { workspaceId, actor: email, tokenId, agent, reason: approved?.reason ?? reason, requestId, now, mayRead },
    approved,
    mustPropose: arrival.mustPropose,
    claim: undefined,
    dryRun: false,
    ifMatch: readIfMatch(headers["if-match"]),
    idempotencyKey: readIdempotencyKey(headers["idempotency-key"]),
    escalationCode: utf8Header("X-Escalation-Code", headers["x-escalation-code"]),
    authorization,
    headers,
    hold: request.hold,
  };
}

function readPretty({ parameters }: Target): boolean {
  const pretty = single(parameters, "pretty");
  return pretty !== undefined && pretty !== "false" && pretty !== "0";
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Decodes a header as UTF-8. Node reads headers as Latin-1, but shells send UTF-8. Other bytes are refused, because history must
 * hold what was sent.
 */
function utf8Header(name: string, value: string | string[] | undefined): string | undefined {
  if (value === undefined) return undefined;
  try {
    return composed(utf8.decode(Buffer.from(String(value), "latin1")));
  } catch {
    throw new Problem("invalid_value", `the header ${name} is not UTF-8`, "convert it first: iconv -f latin1 -t utf-8");
  }
}

/**
 * The User-Agent as an agent name. It is cut and repaired where X-Agent would be refused, because programs do not set it for us.
 */
function agentOf(userAgent: string | undefined): string | undefined {
  if (userAgent === undefined || /^[ -~]{0,200}$/.test(userAgent)) return userAgent;
  return composed(Buffer.from(Buffer.from(userAgent, "latin1").toString("utf8").slice(0, 200)).toString().replaceAll("\0", ""));
}

function readNote(name: string, text: string | undefined, most: number): string | null {
  if (text === undefined || text === "") return null;
  if (text.length <= most && storable(text)) return text;
  throw new Problem("invalid_value", `the ${name} is longer than ${most} characters or not text`, `shorten the ${name}`);
}

/** The caller's network: an IPv4 address or an IPv6 /56. */
export function addressOf({ headers, address }: Request, trustProxy: boolean): string {
  const forwarded = trustProxy
    ? String(headers["x-forwarded-for"] ?? "")
        .split(",")
        .at(-1)
        ?.trim()
    : "";
  return networkOf(forwarded || address);
}

/** The Authorization header, or the token from X-API-Key. */
export function authorizationOf({ headers }: Request): string | undefined {
  const key = headers["x-api-key"];
  return headers.authorization ?? (key === undefined ? undefined : `Bearer ${key}`);
}

/**
 * Reads the versions in If-Match. `*` matches any version. Weak tags never match (RFC 9110, section 13.1.1), nor do tags that are
 * not ours.
 */
function readIfMatch(header: string | undefined): readonly number[] | undefined {
  if (header === undefined || header.trim() === "*") return undefined;
  const tags = header.match(/(?:W\/)?"[^"]*"|[^\s,]+/g) ?? [];
  const versions = tags.flatMap((tag) => /^"?(\d{1,9})(?:-[^"]*)?"?$/.exec(tag)?.[1] ?? []).map(Number);
  if (versions.length > 0) return versions;
  throw new Problem(
    "version_conflict",
    `If-Match ${echo(header)} is no version of this record`,
    "send the ETag that the record came with",
  );
}

/**
 * Reads the idempotency key (draft-ietf-httpapi-idempotency-key-header-07). The draft wants a quoted string; a bare one is
 * accepted, because most clients send that.
 */
function readIdempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const key = String(header)
    .trim()
    .replace(/^"(.*)"$/, "$1");
  if (/^[!-~]{1,200}$/.test(key)) return key;
  throw new Problem(
    "invalid_value",
    "the Idempotency-Key has 1 to 200 visible ASCII characters",
    "use a new random one, e.g. a UUID, for each record you make",
  );
}
