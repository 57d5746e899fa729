import type { Encoded } from "./reply.ts";
import type { Request } from "./request.ts";

/** If-None-Match (RFC 9110, section 13.1.2): the weak comparison, so that a proxy's `W/` does not matter. */
export function notModified(request: Request, encoded: Encoded): Encoded {
  const etag = encoded.headers.ETag;
  const known = request.headers["if-none-match"];
  if (!etag || !known || (request.method !== "GET" && request.method !== "HEAD")) return encoded;
  const matches = known.trim() === "*" || known.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag);
  return matches ? { status: 304, headers: { ETag: etag }, body: "" } : encoded;
}
