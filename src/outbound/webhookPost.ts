import http, { type Agent, type ClientRequest, type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import { isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { hostOf, type Lookup, NotPublic, publicAddresses, publicLookup } from "./publicHost.ts";

/** The longest time of an attempt, and the bytes of an answer that are read and kept. */
const LONGEST_MS = 10_000;
const MOST_READ = 65_536;
const MOST_KEPT = 500;

/** The least time of an attempt whose host has no public address: timing must not tell which names there are in our own network. */
const LEAST_MS = 500;

/** What came of an attempt. `status` is there once the endpoint has answered; without `problem` it has taken the message. */
export type Attempt = { status: number | null; ms: number; problem: string | null; answer: string | null; retryAfter?: number };

export type Message = { url: string; body: string; headers: Record<string, string> };

/** Posts to one endpoint. `post` never rejects. */
export type Line = { post: (message: Message) => Promise<Attempt>; close: () => void };

export type WebhookNetwork = {
  /** The longest time of an attempt, where it is not ten seconds. */
  longestMs?: number;
  lookup: Lookup;
  request: (url: URL, options: RequestOptions, onResponse: (response: IncomingMessage) => void) => ClientRequest;
};

export const createInternet = (lookup: Lookup): WebhookNetwork => ({
  lookup,
  request: (url, options, onResponse) => (url.protocol === "https:" ? https : http).request(url, options, onResponse),
});

/** Why a URL cannot be a webhook's, or undefined. `hosts` may be private and reached by http. */
export function unfitUrl(text: string, hosts: readonly string[]): string | undefined {
  if (!URL.canParse(text)) return "it is no URL";
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") return "it holds a name or password";
  if (hosts.includes(hostOf(url))) return /^https?:$/.test(url.protocol) ? undefined : "it is neither https nor http";
  if (url.protocol !== "https:") return "it is not https";
  if (url.port !== "" && Number(url.port) < 1_024) return "its port is neither 443 nor above 1023";
  return undefined;
}

/**
 * Opens a line, whose connections are kept between messages. It connects to public addresses only, follows no redirect, and takes ten seconds and
 * 64 kB of an answer at most.
 */
export function openLine(
  { lookup, request, longestMs = LONGEST_MS }: WebhookNetwork,
  hosts: readonly string[],
  connections: number,
): Line {
  const agents = new Map<string, Agent>();
  const ending = new AbortController();

  /** Of a host that may be private, by what resolves names here. */
  function agentFor(url: URL): Agent {
    const known = agents.get(url.protocol);
    if (known) return known;
    const options = { keepAlive: true, maxSockets: connections };
    const agent = url.protocol === "https:" ? new https.Agent(options) : new http.Agent(options);
    agents.set(url.protocol, agent);
    return agent;
  }

  async function post(message: Message): Promise<Attempt> {
    const begun = performance.now();
    const url = new URL(message.url);
    const host = hostOf(url);
    const isAllowed = hosts.includes(host);
    const signal = AbortSignal.any([AbortSignal.timeout(longestMs), ending.signal]);
    const least = isAllowed || isIP(host) ? 0 : LEAST_MS;
    try {
      const unfit = unfitUrl(message.url, hosts);
      if (unfit) throw new Error(unfit);
      if (!isAllowed && isIP(host)) await publicAddresses(host, lookup);
      const options = isAllowed ? {} : { lookup: publicLookup(lookup) };
      const answered = await send(url, message, { ...options, agent: agentFor(url), signal });
      return { ...answered, ms: Math.round(performance.now() - begun) };
    } catch (error) {
      if (error instanceof NotPublic) await sleep(Math.max(0, least - (performance.now() - begun)));
      return { status: null, ms: Math.round(performance.now() - begun), problem: reasonOf(error, longestMs), answer: null };
    }
  }

  async function send(url: URL, message: Message, options: RequestOptions): Promise<Omit<Attempt, "ms">> {
    try {
      return await exchange(url, message, options);
    } catch (error) {
      // The endpoint closed a kept connection in the moment that it was used again.
      if (!(error as { stale?: boolean }).stale) throw error;
      return exchange(url, message, options);
    }
  }

  function exchange(url: URL, { body, headers }: Message, options: RequestOptions): Promise<Omit<Attempt, "ms">> {
    return new Promise((resolve, reject) => {
      const bytes = Buffer.from(body);
      const all = { ...headers, "content-type": "application/json", "content-length": bytes.length, accept: "*/*" };
      const sent = request(
        url,
        { ...options, method: "POST", headers: { ...all, "user-agent": "cardfile-webhooks/1" } },
        (response) => {
          readAnswer(response).then((answer) => resolve(judge(response, answer)), reject);
        },
      );
      sent.on("error", (error: NodeJS.ErrnoException & { stale?: boolean }) => {
        error.stale = sent.reusedSocket && error.code === "ECONNRESET";
        reject(error);
      });
      sent.end(bytes);
    });
  }

  return {
    post,
    close() {
      ending.abort(new Error("the service stops"));
      for (const agent of agents.values()) agent.destroy();
    },
  };
}

/** The beginning of an answer. A status alone is an answer too, whatever becomes of the rest. */
async function readAnswer(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size - chunk.length < MOST_KEPT) chunks.push(chunk);
      if (size >= MOST_READ) break;
    }
  } catch {
    // What has come is what there is to show.
  }
  if (!response.complete) response.destroy();
  const text = new TextDecoder().decode(Buffer.concat(chunks).subarray(0, MOST_KEPT));
  return text.replace(/[\p{Cc}\p{Surrogate}\uFFFD]+/gu, " ").trim();
}

function judge({ statusCode, headers }: IncomingMessage, answer: string): Omit<Attempt, "ms"> {
  const status = statusCode ?? 0;
  const after = /^\d{1,6}$/.test(headers["retry-after"] ?? "") ? { retryAfter: Number(headers["retry-after"]) } : {};
  return { status, problem: faultOf(status), answer: answer === "" ? null : answer, ...after };
}

function faultOf(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  if (status >= 300 && status < 400) return "it redirects, and redirects are not followed";
  return status === 410 ? "it says that it is gone for good" : `it answered ${status}`;
}

function reasonOf(error: unknown, longestMs: number): string {
  const { name, code, message, cause } = error as NodeJS.ErrnoException & { cause?: unknown };
  if (error instanceof NotPublic) return message;
  if (name === "TimeoutError" || name === "AbortError")
    return (cause as Error | undefined)?.message === "the service stops"
      ? "the service stopped"
      : `no answer within ${longestMs / 1_000} s`;
  return code ? `no connection: ${code}` : message;
}
