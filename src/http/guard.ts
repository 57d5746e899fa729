import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import type { Request } from "./request.ts";

/** HTTP/1.1 wants exactly one Host (RFC 9112, section 3.2); two are how requests are smuggled past a proxy. */
export function guardOneHost({ hosts }: Request): void {
  if (hosts > 1) throw new Problem("bad_request", "there are two Host headers", "send one");
  if (hosts === 0) throw new Problem("bad_request", "there is no Host header", "send one");
}

/**
 * In local mode anyone who reaches the port may sign in, so a web page must not: not by its own origin, nor by a name of its own that it
 * made resolve to this machine (DNS rebinding).
 */
export function createLocalGuard(baseUrl: string): (request: Request) => void {
  const known = new Set(["localhost", "127.0.0.1", "[::1]", new URL(baseUrl).hostname]);

  return ({ headers }) => {
    const host = (headers.host ?? "localhost").replace(/:\d+$/, "").toLowerCase();
    if (!known.has(host) && !/^127\.\d+\.\d+\.\d+$/.test(host)) {
      throw new Problem("forbidden_origin", `this server does not answer for the host ${echo(host)}`, `use ${baseUrl}`);
    }
    const { origin } = headers;
    if (origin === undefined || (URL.canParse(origin) && known.has(new URL(origin).hostname))) return;
    throw new Problem(
      "forbidden_origin",
      `this server takes no requests from pages of ${echo(origin)}`,
      "call it from a program, not from a web page",
    );
  };
}

const TRIAL = /^(?:x-)?(?:\w+-)?(?:dry-?run|validate-only|simulate|noop|no-op)$/;

/** Some programs ask by a header that a write only be tried out. To pass over it would do what they did not want done. */
export function guardTrials({ method, headers }: Request): void {
  if (method === "GET" || method === "HEAD") return;
  for (const name in headers) {
    if (!TRIAL.test(name) || /^(?:false|0|no|off)?$/i.test(String(headers[name]).trim())) continue;
    throw new Problem("bad_request", `the header ${name} is not read: this would be done, not tried out`, [
      "leave the header out to make the change; GET /help tells what a request does",
    ]);
  }
}
