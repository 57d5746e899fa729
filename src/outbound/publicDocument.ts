import { isUtf8 } from "node:buffer";
import type { ClientRequest, IncomingMessage } from "node:http";
import type { RequestOptions } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type Address, hostOf, type Lookup, publicAddresses } from "./publicHost.ts";

const MOST_BYTES = 16_384;
const LONGEST_MS = 4_000;

/**
 * The least time and the only message of an unreachable document. A caller must not learn, by words or timing, whether a name
 * exists in our own network.
 */
const LEAST_MS = 500;
const UNREACHABLE = "it cannot be read at https and port 443 of the public network";

/** An answer from a public server that does not fit. Its reason may be shown. */
class Unfit extends Error {}

export type Network = {
  lookup: Lookup;
  /** `get` of node:https, which follows no redirect. A redirect could lead to a private address. */
  get: (url: URL, options: RequestOptions, onResponse: (response: IncomingMessage) => void) => ClientRequest;
};

/**
 * Reads a small JSON document at a stranger's URL without giving access to our network (server-side request forgery). It connects
 * only to port 443 of public addresses. It connects to the very address that was checked, because a name may resolve differently
 * a moment later.
 */
export function createPublicReader({ lookup, get }: Network): (url: URL) => Promise<string> {
  return async (url) => {
    if (url.protocol !== "https:" || url.port !== "") throw new Unfit("it is not at https and port 443");
    const host = hostOf(url);
    const least = sleep(isIP(host) ? 0 : LEAST_MS);
    try {
      return await readFrom(url, host);
    } catch (error) {
      if (error instanceof Unfit) throw error;
      await least;
      throw new Error(UNREACHABLE, { cause: error });
    }
  };

  async function readFrom(url: URL, host: string): Promise<string> {
    const signal = AbortSignal.timeout(LONGEST_MS);
    const [first] = await beforeAbort(publicAddresses(host, lookup), signal);
    return new Promise((resolve, reject) => {
      const options = { agent: false, lookup: pinned(first!), signal, headers: { Accept: "application/json" } };
      get(url, options, (response) => readJson(response).then(resolve, reject)).on("error", reject);
    });
  }
}

function beforeAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
    work.then(resolve, reject);
  });
}

/** Node asks a lookup for one address or for all of them. */
const pinned =
  ({ address, family }: Address): LookupFunction =>
  (_host, { all }, done) =>
    all ? done(null, [{ address, family }]) : done(null, address, family);

async function readJson(response: IncomingMessage): Promise<string> {
  const { statusCode, headers } = response;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    if (statusCode !== 200) throw new Unfit(`it answered ${statusCode}`);
    if (!/^application\/([\w.+-]+\+)?json\b/i.test(headers["content-type"] ?? "")) throw new Unfit("it is not JSON");
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MOST_BYTES) throw new Unfit(`it is larger than ${MOST_BYTES} bytes`);
      chunks.push(chunk);
    }
  } finally {
    response.destroy();
  }
  const bytes = Buffer.concat(chunks);
  if (!isUtf8(bytes)) throw new Unfit("it is not UTF-8");
  return bytes.toString("utf8");
}
