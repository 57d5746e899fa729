import type { Kind } from "../../records/kind.ts";
import type { Author } from "../database.ts";

/** `$1` workspace, `$2` time, `$3` actor, `$4` token, `$5` agent, `$6` reason, `$7` request: how every statement that writes begins. */
export function authorValues(author: Author): unknown[] {
  const { workspaceId, actor, tokenId, agent, reason, requestId } = author;
  return [workspaceId, new Date(author.now).toISOString(), actor, tokenId, agent, reason, requestId];
}

export const HISTORY_COLUMNS =
  "workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, row";

/**
 * The history entries for the rows of the CTE `from`, each the record as it became (`row`), in a statement that begins with `authorValues`.
 */
export function historySelect(
  from: string,
  kind: Kind,
  { id, action, row }: { id: string; action: string; row: string },
): string {
  return `select $1, ${id}, '${kind.name}', id, version, ${action}, updated_at, $3, $4, $5, $6, $7, null, ${row} from ${from}`;
}
