import { createWholeView, type Row } from "../../derive/view.ts";
import type { IdReference } from "../../kit/id.ts";
import { Problem } from "../../kit/problem.ts";
import { raw, type Statement, sql } from "../../postgres/sql.ts";
import { proposal } from "../../views/proposal.ts";
import type { Author, Database } from "../database.ts";
import { idMatches } from "./references.ts";
import type { RequestChanges } from "./requestChanges.ts";

/** A request as it was sent. */
export type Proposed = {
  method: string;
  /** Path and query. */
  target: string;
  contentType: string | null;
  ifMatch: string | null;
  body: string;
};

export const proposalView = createWholeView(proposal);

const COLUMNS: Record<string, Statement> = { request: raw("r.method || ' ' || r.target"), body: raw("nullif(r.body, '')") };

/** As the view wants them: id, version, then its columns. */
const SELECT = raw(`r.id, 1, ${proposalView.columns.map(({ name }) => COLUMNS[name]?.text ?? `r."${name}"`).join(", ")}`);

/** Keeps a request with what it would change. */
export async function keepProposal(
  db: Database,
  { workspaceId, actor, tokenId, agent, reason, now }: Author,
  id: string,
  { method, target, contentType, ifMatch, body }: Proposed,
  { diff, count, mark }: RequestChanges,
): Promise<Row> {
  const [row] = await db.pool.rows(
    sql`insert into proposals as r (workspace_id, id, at, actor, token_id, agent, reason, method, target, content_type, if_match, body, diff, changes, mark, state)
      values (${workspaceId}, ${id}, ${new Date(now).toISOString()}, ${actor}, ${tokenId}, ${agent}, ${reason}, ${method}, ${target}, ${contentType},
        ${ifMatch}, ${body}, ${{ all: diff }}::jsonb -> 'all', ${count}, ${mark}, 'open')
      returning ${SELECT}`,
  );
  return row!;
}

/** The newest, of one state where one is named, after a proposal where one is. */
export const listProposals = (
  db: Database,
  workspaceId: string,
  state: string | undefined,
  before: string | undefined,
  limit: number,
) =>
  db.pool.rows(
    sql`select ${SELECT} from proposals r where r.workspace_id = ${workspaceId} ${state === undefined ? raw("") : sql`and r.state = ${state}`}
      ${before === undefined ? raw("") : sql`and r.id < ${before}`} order by r.id desc limit ${limit}`,
    { plan: "custom", retry: true },
  );

export async function getProposal(db: Database, workspaceId: string, reference: IdReference): Promise<Row> {
  const [row] = await db.pool.rows(
    sql`select ${SELECT} from proposals r where r.workspace_id = ${workspaceId} and ${idMatches(raw("r.id"), reference.key)}`,
    { retry: true },
  );
  if (!row) throw new Problem("not_found", "there is no such proposal in this workspace", "GET /proposals shows them");
  return row;
}

/** An open proposal, locked until the unit of work ends. */
export type Open = Proposed & {
  id: string;
  at: number;
  actor: string;
  agent: string | null;
  reason: string | null;
  mark: string;
};

export async function lockOpen(unit: Database, workspaceId: string, reference: IdReference): Promise<Open> {
  const [row] = await unit.pool.rows(
    sql`select r.id, (extract(epoch from r.at) * 1000)::float8, r.actor, r.agent, r.reason, r.mark, r.method, r.target, r.content_type, r.if_match, r.body, r.state,
        r.decided_by
      from proposals r where r.workspace_id = ${workspaceId} and ${idMatches(raw("r.id"), reference.key)} for update`,
  );
  if (!row) throw new Problem("not_found", "there is no such proposal in this workspace", "GET /proposals shows them");
  const [id, at, actor, agent, reason, mark, method, target, contentType, ifMatch, body, state, by] = row as [
    ...[string, number, string, string | null, string | null, string],
    ...[string, string, string | null, string | null, string, string, string | null],
  ];
  if (state !== "open")
    throw new Problem(
      "already_exists",
      `the proposal was ${state} by ${by} already`,
      "GET /proposals shows those that are open",
    );
  return { id, at, actor, agent, reason, mark, method, target, contentType, ifMatch, body };
}

export async function decide(
  unit: Database,
  { workspaceId, actor, now }: Author,
  id: string,
  state: "approved" | "rejected",
  decision: string | null,
): Promise<void> {
  await unit.pool.rows(
    sql`update proposals set state = ${state}, decided_by = ${actor}, decided_at = ${new Date(now).toISOString()}, decision = ${decision}
      where workspace_id = ${workspaceId} and id = ${id}`,
  );
}

/** Puts what the request would change now in the place of what it would have changed. */
export async function renewProposal(
  db: Database,
  workspaceId: string,
  id: string,
  { diff, count, mark }: RequestChanges,
): Promise<void> {
  await db.pool.rows(
    sql`update proposals set diff = ${{ all: diff }}::jsonb -> 'all', changes = ${count}, mark = ${mark}
      where workspace_id = ${workspaceId} and id = ${id} and state = 'open'`,
  );
}
