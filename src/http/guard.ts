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
