import type { RecordDefinition } from "../records/define.ts";
import type { Author } from "./database.ts";

/** The columns a caller's fields live in, with their types. */
export function columnsOf(definition: RecordDefinition): { name: string; type: string }[] {
  return definition.fields
    .filter((field) => !field.readOnly && field.kind.link?.shows !== "name")
    .map((field) => ({ name: field.name, type: field.kind.sqlType }));
}

/** `$1` workspace, `$2` time, `$3` actor, `$4` token, `$5` agent, `$6` reason, `$7` request: how every statement that writes begins. */
export function authorValues(author: Author): unknown[] {
  const { workspaceId, actor, tokenId, agent, reason, requestId } = author;
  return [workspaceId, new Date(author.now).toISOString(), actor, tokenId, agent, reason, requestId];
}

export const HISTORY_COLUMNS =
  "workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, row";

/** What a history entry leaves out of the row. */
export const HISTORY_OMITS = "'{workspace_id,search,fresh}'::text[]";

/** The history entries for the rows of the CTE `from`, each the record as it became, in a statement that begins with `authorValues`. */
export function historySelect(from: string, definition: RecordDefinition, entry: { id: string; action: string }): string {
  const row = `to_jsonb(${from}) - ${HISTORY_OMITS}`;
  return `select $1, ${entry.id}, '${definition.name}', id, version, ${entry.action}, $2, $3, $4, $5, $6, $7, null, ${row} from ${from}`;
}
