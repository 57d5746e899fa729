import type { Log } from "../log.ts";
import type { StatementOptions } from "./sql.ts";

/** Which statements are prepared under a name, the same on every connection. */
export type Names = {
  /** Notes a run of it, and tells whether it has a name: what has run once before gets one. */
  note: (text: string, options: StatementOptions) => boolean;
  /** Whether names are kept at all. */
  readonly kept: boolean;
  /** From now on no statement has one. */
  stop: () => void;
  readonly size: number;
};

/** postgres.js never frees a name, and a connection holds each statement that has one at 10-50 kB of the server's memory. */
const MOST = 300;
/** Texts that have come once: the fields of a write and of a view are the callers' to choose, and what nobody repeats is not worth a name. */
const MOST_SEEN = 1_000;

export function createNames(kept: boolean, log: Log): Names {
  const named = new Set<string>();
  const seen = new Set<string>();

  function note(text: string, { plan }: StatementOptions): boolean {
    if (plan === "custom" || !kept) return false;
    if (named.has(text)) return true;
    if (named.size >= MOST) return false;
    if (seen.delete(text)) {
      named.add(text);
      return true;
    }
    if (seen.size >= MOST_SEEN) seen.clear();
    seen.add(text);
    return false;
  }

  /** A server keeps names as long as a connection lasts: between lies a pooler that gives each transaction another one. */
  function stop(): void {
    if (kept) log.warn("prepared_statements_off", { reason: "a pooler does not keep them: see CRM_PREPARE" });
    kept = false;
  }

  return {
    note,
    get kept() {
      return kept;
    },
    stop,
    get size() {
      return named.size;
    },
  };
}
