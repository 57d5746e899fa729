/** What a process that serves tells the others: an id whose sessions have changed, or what callers have used of their rate. */
export type News = { forget: string } | { used: [key: string, count: number][] };

/** The other processes that serve on the same port. */
export type Peers = {
  /** What this one is called among them; empty when it is alone. */
  name: string;
  tell: (news: News) => void;
  /** What each of the others has counted, as `GET /metrics` shows it. */
  metrics: () => Promise<string[]>;
};

export const NOBODY: Peers = { name: "", tell() {}, metrics: async () => [] };

/** How long a process keeps to itself what callers have used: what they can have beyond their rate, in every other process. */
const TELL_MS = 200;

/** Gathers what callers use and tells it, so that a rate holds for all processes together without a message a request. */
export function createTally(tell: (used: [key: string, count: number][]) => void): (key: string) => void {
  const counts = new Map<string, number>();
  const flush = () => {
    tell([...counts]);
    counts.clear();
  };
  return (key) => {
    if (counts.size === 0) setTimeout(flush, TELL_MS).unref();
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };
}
