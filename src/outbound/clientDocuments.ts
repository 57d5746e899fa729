import { createLimiter } from "../http/limits.ts";
import { Problem } from "../kit/problem.ts";

/** Cache times of a document and of a failure to read one. */
const FRESH_MS = 300_000;
const ABSENT_MS = 30_000;

const MOST_CACHED = 500;
/** Concurrent reads, of all callers and of one. Otherwise one caller could fill all of them with slow documents. */
const MOST_AT_ONCE = 4;
const MOST_OF_ONE = 2;
/** Reads of one caller per minute. Without a limit, callers could use this server to probe other hosts. */
const MOST_ASKED = 20;

/** Reads the document at a URL for a caller, named by network address. A failure gives undefined and its reason. */
export type ClientDocuments = (url: URL, caller: string) => Promise<Document>;

type Document = { text: string } | { text: undefined; fault: string };

/** Caches the documents in which OAuth programs describe themselves. */
export function createClientDocuments(read: (url: URL) => Promise<string>, now: () => number): ClientDocuments {
  const cached = new Map<string, { document: Document; until: number }>();
  const limiter = createLimiter({ quota: MOST_ASKED, seconds: 60 });
  /** Running reads by URL, read with the caller that started it. */
  const reading = new Map<string, { caller: string; document: Promise<Document> }>();

  async function fetched(url: URL): Promise<Document> {
    try {
      return { text: await read(url) };
    } catch (error) {
      return { text: undefined, fault: (error as Error).message };
    }
  }

  return async (url, caller) => {
    const known = cached.get(url.href);
    if (known && known.until > now()) return known.document;
    const running = reading.get(url.href);
    if (running) return running.document;
    limiter.take(caller, now());
    const own = [...reading.values()].filter((run) => run.caller === caller).length;
    if (reading.size >= MOST_AT_ONCE || own >= MOST_OF_ONE)
      throw new Problem("busy", "too many programs introduce themselves at once", "try again in a moment", {
        headers: { "Retry-After": "5" },
      });
    const started = fetched(url);
    reading.set(url.href, { caller, document: started });
    const document = await started;
    reading.delete(url.href);
    cached.delete(url.href);
    cached.set(url.href, { document, until: now() + (document.text === undefined ? ABSENT_MS : FRESH_MS) });
    if (cached.size > MOST_CACHED) cached.delete(cached.keys().next().value!);
    return document;
  };
}
