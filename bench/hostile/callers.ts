import type { Contender } from "../servers.ts";

export type Answer = { status: number; headers: Headers; text: string };

/** Somebody who is signed in. An answer that never came has the status 0. */
export type Caller = {
  email: string;
  token: string;
  send: (method: string, path: string, body?: string, headers?: Record<string, string>) => Promise<Answer>;
  post: (path: string, values: object) => Promise<Answer>;
};

export async function callerOf({ baseUrl }: Contender, email: string): Promise<Caller> {
  const json = async (path: string, body: object) =>
    JSON.parse((await ask(baseUrl, "POST", `${path}?format=json`, JSON.stringify(body))).text) as Record<string, string>;
  const { code } = await json("/auth/request", { email });
  const { token = "" } = await json("/auth/verify", { email, code });
  const send: Caller["send"] = (method, path, body, headers = {}) =>
    ask(baseUrl, method, path, body, { authorization: `Bearer ${token}`, ...headers });
  return { email, token, send, post: (path, values) => send("POST", path, JSON.stringify(values)) };
}

/** Longer than any answer may take. */
const PATIENCE_MS = 20_000;

async function ask(
  baseUrl: string,
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const response = await fetch(baseUrl + path, { method, headers, signal, ...(body === undefined ? {} : { body }) });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch (error) {
    return { status: 0, headers: new Headers(), text: String((error as Error).cause ?? error) };
  }
}
