import { createWholeView, type Row } from "../../derive/view.ts";
import { type IdReference, type IdSource, shortId } from "../../kit/id.ts";
import { Problem } from "../../kit/problem.ts";
import type { Scopes } from "../../kit/scope.ts";
import { toTimestamp } from "../../kit/time.ts";
import type { Pool } from "../../postgres/pool.ts";
import { join, raw, type Statement, sql } from "../../postgres/sql.ts";
import { webhook } from "../../views/webhook.ts";
import type { Author } from "../database.ts";
import { lockWorkspaces } from "../people/locks.ts";
import { withNewHandles } from "../records/handles.ts";
import type { Horizon, Place } from "../records/horizon.ts";
import { idMatches } from "../records/references.ts";

export const WEBHOOK_VIEW = createWholeView(webhook);

/** In one workspace. */
export const MOST_WEBHOOKS = 50;

/** What a webhook is to be told, and where. */
export type Wish = { url: string; events: readonly string[]; fields: readonly string[] | null; query: string | null };

/** Whose right it is to be told. */
export type Maker = { userId: string; tokenId: string; scopes: Scopes };

export type NewWebhook = Wish & { ids: IdSource; style: string; secret: Buffer; maker: Maker };

/** Deliveries of a webhook that wait. */
export const waitingSql = (workspaceId: string, webhookId: Statement): Statement =>
  sql`(select count(*)::int from deliveries d where d.workspace_id = ${workspaceId} and d.webhook_id = ${webhookId} and d.due_at is not null)`;

const wishIs = ({ url, events, fields, query }: Wish): Statement =>
  sql`w.url = ${url} and w.events = ${events}::text[] and w.fields is not distinct from ${fields}::text[] and w.query is not distinct from ${query}::text`;

/** The new webhook is told what happens from `place` on. Another of the same wish, as a repeated request would make it, is refused. */
export async function insertWebhook(
  pool: Pool,
  { workspaceId, actor, now }: Author,
  made: NewWebhook,
  place: Place,
  { system }: Horizon,
): Promise<string> {
  const { ids, url, events, fields, query, style, secret, maker } = made;
  const at = toTimestamp(now);
  return withNewHandles(() =>
    pool.transaction(async (tx) => {
      const id = ids(webhook.prefix!);
      await lockWorkspaces(tx, sql`id = ${workspaceId}`);
      const [twin] = await tx.rows(
        sql`select w.id from webhooks w where w.workspace_id = ${workspaceId} and ${wishIs(made)} limit 1`,
      );
      if (twin) throw taken(twin[0] as string);
      const [many] = await tx.rows(sql`select count(*)::int from webhooks where workspace_id = ${workspaceId}`);
      if ((many![0] as number) >= MOST_WEBHOOKS)
        throw new Problem(
          "plan_limit_reached",
          `a workspace has at most ${MOST_WEBHOOKS} webhooks`,
          "delete one: GET /webhooks",
        );
      await tx.rows(sql`insert into webhooks (workspace_id, id, user_id, token_id, scopes, url, events, fields, query, style, secret, active,
          created_at, created_by, updated_at, system, xid, at, entry, told, failures, resumes_at, served_at, lease, leased_until)
        values (${workspaceId}, ${id}, ${maker.userId}, ${maker.tokenId}, ${maker.scopes}::text[], ${url}, ${events}::text[], ${fields}::text[], ${query}::text,
          ${style}, ${secret}, true, ${at}, ${actor}, ${at}, ${system}, ${place.xid}::xid8, ${place.at}::timestamptz, ${place.id}, 0, 0, ${at}, ${at}, '', ${at})`);
      return id;
    }),
  );
}

const taken = (id: string) =>
  new Problem("already_exists", `webhook/${shortId(id)} is told the same at this url`, [
    `a new secret for it: POST /webhooks/${shortId(id)}/rotate`,
  ]);

/** All webhooks, or the one of this id, as rows of WEBHOOK_VIEW. */
export function listWebhooks(pool: Pool, workspaceId: string, now: number, id?: string): Promise<Row[]> {
  const at = toTimestamp(now);
  const shown: Record<string, Statement> = {
    waiting: waitingSql(workspaceId, raw("w.id")),
    resumes_at: sql`case when w.active and w.resumes_at > ${at}::timestamptz then w.resumes_at end`,
    former_secret_until: sql`case when w.former_until > ${at}::timestamptz then w.former_until end`,
  };
  const columns = WEBHOOK_VIEW.columns.map(({ name }) => shown[name] ?? sql`w.${raw(`"${name}"`)}`);
  const only = id === undefined ? raw("") : sql` and w.id = ${id}`;
  return pool.rows(
    sql`select w.id, 1, ${join(columns)} from webhooks w where w.workspace_id = ${workspaceId}${only} order by w.created_at desc, w.id desc`,
    { retry: true },
  );
}

/** A webhook as its routes need it. */
export type Webhook = Wish & { id: string; style: string; active: boolean; secrets: Secrets };

/** The encrypted secrets that are good now, the newest first. */
export type Secrets = readonly Buffer[];

export async function findWebhook(
  pool: Pool,
  workspaceId: string,
  { key }: IdReference,
  now: number,
): Promise<Webhook | undefined> {
  const [row] = await pool.rows(
    sql`select w.id, w.url, w.events, w.fields, w.query, w.style, w.active, w.secret,
        case when w.former_until > ${toTimestamp(now)}::timestamptz then w.former_secret end
      from webhooks w where w.workspace_id = ${workspaceId} and ${idMatches(raw("w.id"), key)}`,
    { retry: true },
  );
  if (!row) return undefined;
  const [id, url, events, fields, query, style, active, secret, former] = row as [
    ...[string, string, string[], string[] | null, string | null, string, boolean, Buffer, Buffer | null],
  ];
  return { id, url, events, fields, query, style, active, secrets: former ? [secret, former] : [secret] };
}

/** `maker`: in whose name and with whose rights it is told from now on. Switched on, all that waits is due. */
export async function changeWebhook(
  pool: Pool,
  { workspaceId, actor, now }: Author,
  id: string,
  { url, events, fields, query }: Wish,
  { maker, active }: { maker: Maker | undefined; active: boolean | undefined },
): Promise<void> {
  const at = toTimestamp(now);
  const made = maker
    ? sql`, user_id = ${maker.userId}, token_id = ${maker.tokenId}, scopes = ${maker.scopes}::text[], created_by = ${actor}`
    : raw("");
  const on = sql`, active = true, problem = null, failures = 0, resumes_at = ${at}`;
  const off = sql`, active = false, problem = ${`switched off by ${actor}`}`;
  const switched = active === undefined ? raw("") : active ? on : off;
  await pool.transaction(async (tx) => {
    await tx.rows(sql`update webhooks set url = ${url}, events = ${events}::text[], fields = ${fields}::text[], query = ${query}::text, updated_at = ${at}${made}${switched}
      where workspace_id = ${workspaceId} and id = ${id}`);
    if (active)
      await tx.rows(sql`update deliveries set due_at = ${at}, first_try_at = null, tries = 0
        where workspace_id = ${workspaceId} and webhook_id = ${id} and due_at is not null`);
  });
}

/** The new secret signs from now on, the one before it until `until`. */
export async function rotateSecret(
  pool: Pool,
  { workspaceId, now }: Author,
  id: string,
  secret: Buffer,
  until: number,
): Promise<void> {
  await pool.rows(sql`update webhooks set former_secret = secret, former_until = ${toTimestamp(until)}, secret = ${secret}, updated_at = ${toTimestamp(now)}
    where workspace_id = ${workspaceId} and id = ${id}`);
}

/** Its deliveries are swept later. */
export async function deleteWebhook(pool: Pool, workspaceId: string, id: string): Promise<void> {
  await pool.rows(sql`delete from webhooks where workspace_id = ${workspaceId} and id = ${id}`);
}
