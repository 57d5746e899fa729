import type { IncomingHttpHeaders } from "node:http";
import type { Encoded } from "../http/reply.ts";
import type { InnerRequest } from "../http/request.ts";
import { echo } from "../kit/line.ts";
import { callTool, toolResult } from "./call.ts";
import { clientOf, type Era, LEGACY, mayBatch, readEra, SERVER_INFO, VERSIONS } from "./era.ts";
import { Fault, isObject, type Message, parseBody, readMessage } from "./message.ts";
import { listResources, type Page, readResource } from "./resources.ts";
import { INSTRUCTIONS, type Tool } from "./tools.ts";

/** What a message is answered from. */
export type Server = {
  version: string;
  baseUrl: string;
  tools: readonly Tool[];
  pages: readonly Page[];
  /** Asks the service as the caller; `client` is how they call their program. `counted`: it is a request more than the one that came. */
  ask: (request: InnerRequest, client: string | undefined, counted: boolean) => Promise<Asked>;
};

/** `challenge`: what the client's token lacks, where asking the person for more might help. */
export type Asked = Encoded & { challenge?: string };

/** An HTTP answer; a notification has an empty one. */
export type Reply = { status: number; headers?: Record<string, string>; json: string };

/** A batch of more would keep a connection for longer than anybody waits. */
const MOST_BATCHED = 20;

/**
 * Answers one message of the Model Context Protocol, in its revision of 2026-07-28 or one of those before it. Nothing is kept between
 * messages, and no stream is opened: a call takes as long as a request.
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

/** One after the other, each call after the first counted as a request of its own. */
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

/** The same to every caller, and new only with a new version of the service. */
const CACHED = { ttlMs: 300_000, cacheScope: "public" };

type Method = {
  only?: Era;
  /** May be kept for a while. */
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
 * A token that lacks a scope is 403, as the specification wants it, and a client of today asks its person for more. Those before it spend
 * their refresh token, get no further and tell the model nothing: they get a result, with the challenge where ChatGPT looks for it.
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
