import type { Log } from "../kit/log.ts";
import type { StatementOptions } from "./sql.ts";

/** The statements that are prepared under a name, the same on every connection. */
export type PreparedStatements = {
  /** Notes a run, and tells if the statement has a name. The second run gives it one. */
  note: (text: string, options: StatementOptions) => boolean;
  /** False when the server, or a pooler before it, does not keep names. */
  readonly enabled: boolean;
  disable: () => void;
  readonly size: number;
};

/** postgres.js never frees a name, and a connection holds each prepared statement at 10-50 kB of the server's memory. */
const NAMED_LIMIT = 300;
/** Texts that have run once. Callers choose the fields of writes and views, so most texts are never repeated. */
const SEEN_LIMIT = 1_000;

export function createPreparedStatements(enabled: boolean, log: Log): PreparedStatements {
  const named = new Set<string>();
  const seen = new Set<string>();

  function note(text: string, { plan }: StatementOptions): boolean {
    if (plan === "custom" || !enabled) return false;
    if (named.has(text)) return true;
    if (named.size >= NAMED_LIMIT) return false;
    if (seen.delete(text)) {
      named.add(text);
      return true;
    }
    if (seen.size >= SEEN_LIMIT) seen.clear();
    seen.add(text);
    return false;
  }

  /** A server keeps a name as long as the connection. A pooler that gives each transaction another connection does not. */
  function disable(): void {
    if (enabled) log.warn("prepared_statements_off", { reason: "a pooler does not keep them: see CRM_PREPARE" });
    enabled = false;
  }

  return {
    note,
    get enabled() {
      return enabled;
    },
    disable,
    get size() {
      return named.size;
    },
  };
}
