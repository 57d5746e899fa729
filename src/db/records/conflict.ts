import type { IdSource } from "../../kit/id.ts";
import { Problem } from "../../kit/problem.ts";
import { sql } from "../../postgres/sql.ts";
import type { Kind } from "../../records/kind.ts";
import type { Author, Database } from "../database.ts";
import { near } from "./author.ts";

const HOUR = 3_600_000;

/** The record that has a value which a create was refused for: the cause of such a refusal. */
export class Holder {
  readonly kind: Kind;
  readonly id: string;
  constructor(kind: Kind, id: string) {
    this.kind = kind;
    this.id = id;
  }
}

/** The refusal, with the record that it is about. */
export function about(problem: Problem, holder: Holder): Problem {
  if (problem.code !== "already_exists") return problem;
  const { code, message, hints, headers, values } = problem;
  return new Problem(code, message, hints, { headers, values, cause: holder });
}

/**
 * Tells in the history that a create was refused because of this record. The entry holds nothing of either record. Its version is the hour,
 * below zero, beneath all versions that the record has: the index that keeps versions apart keeps these entries to one an hour for each record,
 * however often a program tries.
 */
export async function noteConflict(db: Database, author: Author, ids: IdSource, { kind, id }: Holder): Promise<void> {
  const { workspaceId, now, actor, tokenId, agent, reason, requestId } = author;
  const hour = -Math.floor(now / HOUR);
  await db.pool.rows(
    sql`insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, xid, row)
      values (${workspaceId}, ${ids("ch")}, ${kind.name}, ${id}, ${hour}, 'conflict', ${new Date(now).toISOString()}, ${actor}, ${tokenId}, ${agent},
        ${reason}, ${requestId}, pg_current_xact_id(), '{}')
      on conflict do nothing`,
    near(author),
  );
}
