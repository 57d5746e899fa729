/** A message between serving processes: an id whose sessions changed, or the rate that callers have used. */
export type News = { forget: string } | { used: [key: string, count: number][] };

/** The other processes on the same port. */
export type Peers = {
  /** This process's name; empty when it is alone. */
  name: string;
  tell: (news: News) => void;
  /** The metrics of each other process. */
  metrics: () => Promise<string[]>;
};

export const NOBODY: Peers = { name: "", tell() {}, metrics: async () => [] };

/** The interval between reports. Within it, a caller can exceed its rate by what the other processes have not heard yet. */
const TELL_MS = 200;

/** Collects used requests and reports them in batches. A rate then holds for all processes without a message per request. */
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
