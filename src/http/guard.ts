import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import type { Request } from "./request.ts";

/** HTTP/1.1 requires exactly one Host (RFC 9112, section 3.2). A second one smuggles requests past a proxy. */
export function guardOneHost({ hosts }: Request): void {
  if (hosts > 1) throw new Problem("bad_request", "there are two Host headers", "send one");
  if (hosts === 0) throw new Problem("bad_request", "there is no Host header", "send one");
}

/**
 * Refuses web pages in local mode, where anyone who reaches the port may sign in. It checks the Origin, and the Host against
 * names that a page makes resolve to this machine (DNS rebinding).
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

/** Refuses headers that ask for a dry run. Ignoring one would perform the write that the program wanted only to try. */
export function guardTrials({ method, headers }: Request): void {
  if (method === "GET" || method === "HEAD") return;
  for (const name in headers) {
    if (!TRIAL.test(name) || /^(?:false|0|no|off)?$/i.test(String(headers[name]).trim())) continue;
    throw new Problem("bad_request", `the header ${name} is not read: this would be done, not tried out`, [
      "to try it out, send ?dry_run=true in its place; to make the change, leave the header out",
    ]);
  }
}
