/** A message between serving processes: an id whose sessions changed, the rate that callers have used, or workspaces that changed. */
export type News = { forget: string } | { used: [key: string, count: number][] } | { changed: string[] };

/** The other processes on the same port. */
export type Peers = {
  /** This process's name; empty when it is alone. */
  name: string;
  tell: (news: News) => void;
  /** The metrics of each other process. */
  metrics: () => Promise<string[]>;
};

export const NOBODY: Peers = { name: "", tell() {}, metrics: async () => [] };

/**
 * The interval between reports. Within it, a caller can exceed its rate by what the other processes have not heard yet, and a reader that
 * waits in another process has not heard of a change.
 */
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

/** Collects changed workspaces and reports them in batches, so that writers do not send a message per write. */
export function createNotice(tell: (changed: string[]) => void): (workspaceId: string) => void {
  const ids = new Set<string>();
  const flush = () => {
    tell([...ids]);
    ids.clear();
  };
  return (workspaceId) => {
    if (ids.size === 0) setTimeout(flush, TELL_MS).unref();
    ids.add(workspaceId);
  };
}
