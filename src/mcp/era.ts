import type { IncomingHttpHeaders } from "node:http";
import { echo } from "../kit/line.ts";
import { Fault, isObject, type Message } from "./message.ts";

/** The modern revision, in which every request carries its whole context. */
export const MODERN = "2026-07-28";

/** The legacy revisions, newest first. They begin with `initialize`, but get no session either. */
export const LEGACY = ["2025-11-25", "2025-06-18", "2025-03-26"];

/** The only revision with batches. It has no version header. */
const BATCHING = "2025-03-26";

export const mayBatch = (headers: IncomingHttpHeaders) =>
  [undefined, BATCHING].includes(headers["mcp-protocol-version"] as string | undefined);

export const VERSIONS = [MODERN, ...LEGACY];

export type Era = "modern" | "legacy";

const META = "io.modelcontextprotocol/";
export const SERVER_INFO = `${META}serverInfo`;

/** Tells whether a request is modern or legacy, from its own content alone. Refuses one that breaks the rules of its era. */
export function readEra(message: Message, headers: IncomingHttpHeaders): Era {
  const meta = isObject(message.params._meta) ? message.params._meta : {};
  const version = headers["mcp-protocol-version"] as string | undefined;
  if (`${META}protocolVersion` in meta || `${META}clientCapabilities` in meta) {
    checkModern(message, meta, headers);
    return "modern";
  }
  // `initialize` names its version in the body. Before 2025-06-18 there was no version header.
  if (message.method === "initialize" || version === undefined || LEGACY.includes(version)) return "legacy";
  if (version === MODERN) throw missing(`${META}protocolVersion and ${META}clientCapabilities`);
  throw unknownVersion(version);
}

/**
 * The headers must match the body, because gateways route by headers (revision 2026-07-28, Streamable HTTP, Server Validation).
 */
function checkModern({ method, params }: Message, meta: Record<string, unknown>, headers: IncomingHttpHeaders): void {
  const version = meta[`${META}protocolVersion`];
  if (typeof version !== "string") throw missing(`${META}protocolVersion`);
  checkHeader(headers, "MCP-Protocol-Version", version);
  if (version !== MODERN) throw unknownVersion(version);
  if (!isObject(meta[`${META}clientCapabilities`])) throw missing(`${META}clientCapabilities`);
  checkHeader(headers, "Mcp-Method", method);
  const named = NAMED.get(method);
  const name = named && params[named];
  if (typeof name === "string") checkHeader(headers, "Mcp-Name", name);
}

/** The parameter that the header Mcp-Name repeats. */
const NAMED = new Map([
  ["tools/call", "name"],
  ["resources/read", "uri"],
  ["prompts/get", "name"],
]);

function checkHeader(headers: IncomingHttpHeaders, name: string, inBody: string): void {
  const header = headers[name.toLowerCase()] as string | undefined;
  if (header !== undefined && decoded(header.trim()) === inBody) return;
  const found = header === undefined ? "is missing" : `is ${echo(header)}`;
  throw new Fault("headerMismatch", `Header mismatch: ${name} ${found}, the body says ${echo(inBody)}`, { status: 400 });
}

function decoded(header: string): string {
  const [, base64] = /^=\?base64\?(.*)\?=$/.exec(header) ?? [];
  return base64 === undefined ? header : Buffer.from(base64, "base64").toString();
}

const missing = (names: string) => new Fault("badParams", `params._meta lacks ${names}`, { status: 400 });

const unknownVersion = (requested: string) =>
  new Fault("unknownVersion", "Unsupported protocol version", { status: 400, data: { supported: VERSIONS, requested } });

/** The client's name for itself, from the body. */
export function clientOf({ params }: Message): string | undefined {
  const info = isObject(params._meta) ? params._meta[`${META}clientInfo`] : undefined;
  if (!isObject(info) || typeof info.name !== "string") return undefined;
  return typeof info.version === "string" ? `${info.name}/${info.version}` : info.name;
}
