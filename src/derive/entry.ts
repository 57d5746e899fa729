import type { Kind } from "../records/kind.ts";

/** Where a statement has what it tells of the author of a change: values or placeholders, as SQL. */
export type AuthorSql = { workspace: string; actor: string; token: string; agent: string; reason: string; request: string };

/** What of a row is no part of the record: it is left out of the history. */
const OMITTED = "'{workspace_id,search}'::text[]";

/**
 * The one statement that writes history: an entry for each record that has become `row`. `from` gives the rows where they are several.
 * Whatever changes records runs it in the same transaction.
 */
export function entrySql(
  { name }: Pick<Kind, "name">,
  {
    id,
    action,
    cause,
    row,
    author,
    from,
  }: { id: string; action: string; cause: string; row: string; author: AuthorSql; from?: string },
): string {
  const { workspace, actor, token, agent, reason, request } = author;
  return `insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, row)
  select ${workspace}, ${id}, '${name}', ${row}.id, ${row}.version, ${action}, ${row}.updated_at, ${actor}, ${token}, ${agent}, ${reason}, ${request}, ${cause},
    to_jsonb(${row}) - ${OMITTED}${from ? ` from ${from}` : ""};`;
}
