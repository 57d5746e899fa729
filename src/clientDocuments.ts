import { createLimiter } from "./http/limits.ts";
import { Problem } from "./kit/problem.ts";

/** How long a document is believed, and how long its absence. */
const FRESH_MS = 300_000;
const ABSENT_MS = 30_000;

const MOST_KEPT = 500;
const MOST_AT_ONCE = 4;
/** Of one caller, a minute: this server must not be a way to knock on others' doors. */
const MOST_ASKED = 20;

/** The text of the document at this address, which `asker`, a network address, named; undefined, and why, when there is none to be had. */
export type ClientDocuments = (url: URL, asker: string) => Promise<Document>;

type Document = { text: string } | { text: undefined; fault: string };

/** Documents in which programs describe themselves, kept for a while. */
export function createClientDocuments(read: (url: URL) => Promise<string>, now: () => number): ClientDocuments {
  const kept = new Map<string, { document: Document; until: number }>();
  const limiter = createLimiter({ quota: MOST_ASKED, seconds: 60 });
  let reading = 0;

  async function fetched(url: URL): Promise<Document> {
    reading += 1;
    try {
      return { text: await read(url) };
    } catch (error) {
      return { text: undefined, fault: (error as Error).message };
    } finally {
      reading -= 1;
    }
  }

  return async (url, asker) => {
    const known = kept.get(url.href);
    if (known && known.until > now()) return known.document;
    limiter.take(asker, now());
    if (reading >= MOST_AT_ONCE)
      throw new Problem("busy", "too many programs introduce themselves at once", "try again in a moment", {
        headers: { "Retry-After": "5" },
      });
    const document = await fetched(url);
    kept.delete(url.href);
    kept.set(url.href, { document, until: now() + (document.text === undefined ? ABSENT_MS : FRESH_MS) });
    if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value!);
    return document;
  };
}
