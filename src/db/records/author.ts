import type { Author } from "../database.ts";

/** `$1` workspace, `$2` time, `$3` actor, `$4` token, `$5` agent, `$6` reason, `$7` request: how every statement that writes begins. */
export function authorValues(author: Author): unknown[] {
  const { workspaceId, actor, tokenId, agent, reason, requestId } = author;
  return [workspaceId, new Date(author.now).toISOString(), actor, tokenId, agent, reason, requestId];
}

/** The author in a statement that writes only history entries: `$1` to `$6` are `entryAuthorValues`. */
export const ENTRY_AUTHOR = { workspace: "$1", actor: "$2", token: "$3", agent: "$4", reason: "$5", request: "$6" };

export const entryAuthorValues = ({ workspaceId, actor, tokenId, agent, reason, requestId }: Author): unknown[] => [
  workspaceId,
  actor,
  tokenId,
  agent,
  reason,
  requestId,
];

/** Of a statement that is all about the author's workspace. */
export const near = ({ workspaceId }: Pick<Author, "workspaceId">) => ({ near: workspaceId });
