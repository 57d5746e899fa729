import type { Derivation, Kind } from "../../records/define.ts";
import type { Author } from "../database.ts";

export type Column = {
  name: string;
  type: string;
  /** Whether null is another thing to do than a value: there is no record to lock, or no members to merge. */
  clears: boolean;
  derived: Derivation | undefined;
};

const known = new WeakMap<Kind, readonly Column[]>();

/** The columns a caller's fields live in. */
export function columnsOf(kind: Kind): readonly Column[] {
  let columns = known.get(kind);
  if (!columns) {
    columns = kind.fields
      .filter(({ readOnly, type }) => !readOnly && type.link?.shows !== "name")
      .map(({ name, type, derived }) => ({
        name,
        type: type.sqlType,
        derived,
        clears: type.link !== undefined || name === "custom",
      }));
    known.set(kind, columns);
  }
  return columns;
}

/** All that a record is: what of its row is kept in the history. */
export function recordColumns(kind: Kind): string[] {
  const own = columnsOf(kind).map(({ name }) => name);
  return ["id", ...own, "version", "created_at", "created_by", "updated_at", "deleted_at"].map((name) => `"${name}"`);
}

/** `$1` workspace, `$2` time, `$3` actor, `$4` token, `$5` agent, `$6` reason, `$7` request: how every statement that writes begins. */
export function authorValues(author: Author): unknown[] {
  const { workspaceId, actor, tokenId, agent, reason, requestId } = author;
  return [workspaceId, new Date(author.now).toISOString(), actor, tokenId, agent, reason, requestId];
}

export const HISTORY_COLUMNS =
  "workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, row";

/** What a history entry leaves out of a whole row of the table. */
export const HISTORY_OMITS = "'{workspace_id,search}'::text[]";

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
