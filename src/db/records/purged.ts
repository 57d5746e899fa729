import { type Statement, sql } from "../../postgres/sql.ts";
import type { Workspace } from "./table.ts";

/** Whether the record of this id was erased for good. */
export const isPurged = (workspaceId: Workspace, id: Statement): Statement =>
  sql`exists (select from purged_records p where p.workspace_id = ${workspaceId} and p.id = ${id})`;
