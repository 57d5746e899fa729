import { createLimiter } from "../http/limits.ts";
import { Problem } from "../kit/problem.ts";

/** How long a document is believed, and how long its absence. */
const FRESH_MS = 300_000;
const ABSENT_MS = 30_000;

const MOST_KEPT = 500;
/** Read at once, for all and for one caller: nobody can have all of it with documents that take long. */
const MOST_AT_ONCE = 4;
const MOST_OF_ONE = 2;
/** Of one caller, a minute: this server must not be a way to knock on others' doors. */
const MOST_ASKED = 20;

/** The text of the document at this address, which `asker`, a network address, named; undefined, and why, when there is none to be had. */
export type ClientDocuments = (url: URL, asker: string) => Promise<Document>;

type Document = { text: string } | { text: undefined; fault: string };

/** Documents in which programs describe themselves, kept for a while. */
export function createClientDocuments(read: (url: URL) => Promise<string>, now: () => number): ClientDocuments {
  const kept = new Map<string, { document: Document; until: number }>();
  const limiter = createLimiter({ quota: MOST_ASKED, seconds: 60 });
  /** Who asked for the documents that are being read, by their addresses. */
  const reading = new Map<string, { asker: string; document: Promise<Document> }>();

  async function fetched(url: URL): Promise<Document> {
    try {
      return { text: await read(url) };
    } catch (error) {
      return { text: undefined, fault: (error as Error).message };
    }
  }

  return async (url, asker) => {
    const known = kept.get(url.href);
    if (known && known.until > now()) return known.document;
    const awaited = reading.get(url.href);
    if (awaited) return awaited.document;
    limiter.take(asker, now());
    const own = [...reading.values()].filter((each) => each.asker === asker).length;
    if (reading.size >= MOST_AT_ONCE || own >= MOST_OF_ONE)
      throw new Problem("busy", "too many programs introduce themselves at once", "try again in a moment", {
        headers: { "Retry-After": "5" },
      });
    const under = fetched(url);
    reading.set(url.href, { asker, document: under });
    const document = await under;
    reading.delete(url.href);
    kept.delete(url.href);
    kept.set(url.href, { document, until: now() + (document.text === undefined ? ABSENT_MS : FRESH_MS) });
    if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value!);
    return document;
  };
}
