import { isDeep, parseJson } from "../http/body.ts";
import { Problem } from "../kit/problem.ts";

/** A JSON-RPC 2.0 request. Without an id it is a notification. */
export type Message = { id: string | number | undefined; method: string; params: Record<string, unknown> };

/** Error codes of JSON-RPC and MCP. The last is our own. */
export const CODES = {
  notJson: -32700,
  noRequest: -32600,
  noMethod: -32601,
  badParams: -32602,
  noResource: -32002,
  headerMismatch: -32020,
  unknownVersion: -32022,
  lacksScope: 403,
} as const;

type FaultOptions = {
  /** The HTTP status, 200 by default. */
  status?: number;
  data?: unknown;
  headers?: Record<string, string>;
};

/**
 * A protocol error: the fault of the client's program or token. A model's mistake is a result instead, because models see only
 * results.
 */
export class Fault extends Error {
  override name = "Fault";
  readonly code: number;
  readonly status: number;
  readonly data: unknown;
  readonly headers: Record<string, string>;

  constructor(code: keyof typeof CODES, message: string, { status = 200, data, headers = {} }: FaultOptions = {}) {
    super(message);
    this.code = CODES[code];
    this.status = status;
    this.data = data;
    this.headers = headers;
  }
}

/** Checks the message of a parsed body. */
export function readMessage(message: unknown): Message {
  if (!isObject(message)) throw new Fault("noRequest", "send one JSON-RPC message, an object", { status: 400 });
  const { jsonrpc, id, method, params = {} } = message;
  if (jsonrpc !== "2.0" || typeof method !== "string" || !isObject(params) || !isId(id))
    throw new Fault("noRequest", 'a request is {"jsonrpc":"2.0","id":1,"method":"…","params":{…}}', { status: 400 });
  return { id, method, params };
}

/** The body of a call is written out again, and so is what is wrong with a message: what is deep would exhaust the stack. */
const DEEPEST = 64;

export function parseBody(text: string): unknown {
  if (isDeep(text, DEEPEST))
    throw new Fault("badParams", `the message is nested more than ${DEEPEST} deep: send flatter JSON`, { status: 400 });
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof Problem) throw new Fault("badParams", `${error.message}: ${error.hints.join(" ")}`, { status: 400 });
    throw new Fault("notJson", "the body is not JSON", { status: 400 });
  }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isId = (id: unknown): id is Message["id"] => id === undefined || typeof id === "string" || Number.isInteger(id);
