import type { Author } from "../database.ts";

/** `$1` workspace, `$2` time, `$3` actor, `$4` token, `$5` agent, `$6` reason, `$7` request: how every statement that writes begins. */
export function authorValues(author: Author): unknown[] {
  const { workspaceId, actor, tokenId, agent, reason, requestId } = author;
  return [workspaceId, new Date(author.now).toISOString(), actor, tokenId, agent, reason, requestId];
}

/** The same for `entrySql`. */
export const AUTHOR = { workspace: "$1", actor: "$3", token: "$4", agent: "$5", reason: "$6", request: "$7" };
