import type { IncomingHttpHeaders } from "node:http";
import type { Encoded } from "../http/reply.ts";
import type { InnerRequest } from "../http/request.ts";
import { echo } from "../kit/line.ts";
import { callTool, toolResult } from "./call.ts";
import { clientOf, type Era, LEGACY, mayBatch, readEra, SERVER_INFO, VERSIONS } from "./era.ts";
import { Fault, isObject, type Message, parseBody, readMessage } from "./message.ts";
import { listResources, type Page, readResource } from "./resources.ts";
import { INSTRUCTIONS, type Tool } from "./tools.ts";

/** The parts that answer a message. */
export type Server = {
  version: string;
  baseUrl: string;
  tools: readonly Tool[];
  pages: readonly Page[];
  /**
   * Makes an inner request as the caller. `client` is the client's own name. `counted` adds it to the caller's rate, besides the
   * HTTP request that carried the message.
   */
  ask: (request: InnerRequest, client: string | undefined, counted: boolean) => Promise<Asked>;
};

/** An answer. `challenge` is set when the token lacks a scope that the person could still grant. */
export type Asked = Encoded & { challenge?: string };

/** An HTTP answer. A notification gets an empty one. */
export type Reply = { status: number; headers?: Record<string, string>; json: string };

/** A larger batch would hold its connection longer than clients wait. */
const MOST_BATCHED = 20;

/**
 * Answers one message of the Model Context Protocol, in revision 2026-07-28 or an earlier one. It keeps no state between messages
 * and opens no stream.
 */
export async function answerMessage(text: string, headers: IncomingHttpHeaders, server: Server): Promise<Reply> {
  let body: unknown;
  try {
    body = parseBody(text);
    if (Array.isArray(body)) return await answerBatch(body, headers, server);
  } catch (error) {
    return faultReply(error, undefined);
  }
  return answerOne(body, headers, server);
}

/** Answers a batch in order. Each call after the first counts as a request of its own. */
async function answerBatch(bodies: unknown[], headers: IncomingHttpHeaders, server: Server): Promise<Reply> {
  if (!mayBatch(headers)) throw new Fault("noRequest", "send one JSON-RPC message, an object", { status: 400 });
  if (bodies.length === 0 || bodies.length > MOST_BATCHED)
    throw new Fault("noRequest", `a batch has 1 to ${MOST_BATCHED} messages`, { status: 400 });
  let asked = 0;
  const ask: Server["ask"] = (request, client) => server.ask(request, client, asked++ > 0);
  const answers: string[] = [];
  for (const body of bodies) {
    const { json } = await answerOne(body, headers, { ...server, ask }, true);
    if (json !== "") answers.push(json);
  }
  return answers.length === 0 ? { status: 202, json: "" } : { status: 200, json: `[${answers.join(",")}]` };
}

async function answerOne(body: unknown, headers: IncomingHttpHeaders, server: Server, batched = false): Promise<Reply> {
  let message: Message | undefined;
  try {
    message = readMessage(body);
    if (message.id === undefined) return { status: 202, json: "" };
    if (batched && message.method === "initialize") throw new Fault("noRequest", "initialize comes alone");
    const era = readEra(message, headers);
    const result = await resultOf(message, era, server);
    return { status: 200, json: JSON.stringify({ jsonrpc: "2.0", id: message.id, result }) };
  } catch (error) {
    return faultReply(error, message);
  }
}

function faultReply(error: unknown, message: Message | undefined): Reply {
  if (!(error instanceof Fault)) throw error;
  const { status, headers, code, message: told, data } = error;
  return { status, headers, json: JSON.stringify({ jsonrpc: "2.0", id: message?.id, error: { code, message: told, data } }) };
}

async function resultOf(message: Message, era: Era, server: Server): Promise<object> {
  const method = Object.hasOwn(METHODS, message.method) ? METHODS[message.method] : undefined;
  if (!method || (method.only ?? era) !== era)
    throw new Fault("noMethod", `there is no method ${echo(message.method)}`, { status: era === "modern" ? 404 : 200 });
  const result = await method.answer(message, server, era);
  if (era === "legacy") return result;
  return {
    resultType: "complete",
    ...result,
    ...(method.lasts ? CACHED : {}),
    _meta: { [SERVER_INFO]: infoOf(server) },
  };
}

/** Cache hints. These results are the same for every caller and change only with the version of the service. */
const CACHED = { ttlMs: 300_000, cacheScope: "public" };

type Method = {
  only?: Era;
  /** Clients may cache the result. */
  lasts?: true;
  answer: (message: Message, server: Server, era: Era) => object | Promise<object>;
};

const CAPABILITIES = { tools: {}, resources: {} };

const METHODS: Record<string, Method> = {
  "server/discover": {
    only: "modern",
    lasts: true,
    answer: () => ({ supportedVersions: VERSIONS, capabilities: CAPABILITIES, instructions: INSTRUCTIONS }),
  },
  initialize: {
    only: "legacy",
    answer: ({ params }, server) => ({
      protocolVersion: LEGACY.find((version) => version === params.protocolVersion) ?? LEGACY[0],
      capabilities: CAPABILITIES,
      serverInfo: infoOf(server),
      instructions: INSTRUCTIONS,
    }),
  },
  ping: { only: "legacy", answer: () => ({}) },
  "tools/list": { lasts: true, answer: (_, { tools }) => ({ tools }) },
  "tools/call": { answer: call },
  "resources/list": { lasts: true, answer: (_, { pages, baseUrl }) => listResources(pages, baseUrl) },
  "resources/templates/list": { lasts: true, answer: () => ({ resourceTemplates: [] }) },
  "resources/read": {
    lasts: true,
    answer: (message, { pages, baseUrl, ask }, era) =>
      readResource(message.params.uri, pages, baseUrl, era, (request) => ask(request, clientOf(message), false)),
  },
};

const infoOf = ({ version, baseUrl }: Server) => ({
  name: "cardfile",
  title: "Cardfile",
  version,
  websiteUrl: `${baseUrl}/help`,
});

/**
 * Calls a tool. When the token lacks a scope, a modern client gets the 403 of the specification and asks its user for more.
 *
 * Legacy clients react to a 403 by spending their refresh token, and tell the model nothing. They get a result, with the
 * challenge where ChatGPT looks for it.
 */
async function call(message: Message, { tools, ask }: Server, era: Era): Promise<object> {
  const { name, arguments: values = {} } = message.params;
  const tool = tools.find((each) => each.name === name);
  if (!tool)
    throw new Fault(
      "badParams",
      `Unknown tool: ${echo(typeof name === "string" ? name : `${JSON.stringify(name)}`)}; there are ${tools.map((each) => each.name).join(", ")}`,
    );
  if (!isObject(values)) throw new Fault("badParams", "params.arguments is no object");
  const asked: Asked = await callTool(tool, values, (request) => ask(request, clientOf(message), false));
  const { challenge } = asked;
  if (!challenge) return toolResult(asked);
  if (era === "modern")
    throw new Fault("lacksScope", asked.body.toString(), { status: 403, headers: { "WWW-Authenticate": challenge } });
  return { ...toolResult(asked), _meta: { "mcp/www_authenticate": [challenge] } };
}
