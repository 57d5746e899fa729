import { BEGINNING, placeNow, readHorizon } from "../../db/records/horizon.ts";
import {
  changeWebhook,
  deleteWebhook,
  insertWebhook,
  listWebhooks,
  type Maker,
  rotateSecret,
  WEBHOOK_VIEW,
  type Wish,
} from "../../db/webhooks/webhooks.ts";
import { valuesOf } from "../../derive/operation.ts";
import { CONFIRM } from "../../derive/parameters.ts";
import { required, text, time } from "../../fields/vocabulary.ts";
import type { Answer } from "../../http/reply.ts";
import { shortId } from "../../kit/id.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import { newWebhookSecret } from "../../kit/standardWebhooks.ts";
import { showInstant } from "../../kit/time.ts";
import type { Authenticated, Route } from "../../service/route.ts";
import { webhook } from "../../views/webhook.ts";
import { confirm } from "../confirm.ts";
import { listAnswer } from "../lists.ts";
import { PURPOSE, webhookNamed } from "./named.ts";
import { deliveryRoutes } from "./trying.ts";
import { checkWish } from "./wish.ts";

const EXAMPLE = { url: "https://example.com/hooks", events: ["contact.created", "deal.updated"] };

const ID = required(text({ about: "its handle" }));
const SECRET = required(text({ about: "the key of its signatures; shown once" }));

export const webhookRoutes: Route[] = [
  {
    method: "POST",
    path: "/webhooks",
    about: "be told of changes by POST, signed, at an address of yours",
    needs: "admin",
    body: { is: "values", values: valuesOf(webhook, "url", "events", "fields", "query"), example: EXAMPLE },
    answers: { is: "message", statuses: [201], values: { id: ID, secret: SECRET } },
    keyed: true,
    refuses: ["already_exists", "plan_limit_reached", "invalid_filter", "invalid_op", "unprocessable"],
    handle: create,
  },
  {
    method: "GET",
    path: "/webhooks",
    about: "list the webhooks of the workspace",
    needs: "admin",
    answers: { is: "list", of: [webhook] },
    handle: list,
  },
  {
    method: "GET",
    path: "/webhooks/{id}",
    about: "one webhook: whether it is told, and what waits",
    needs: "admin",
    answers: { is: "record", of: webhook },
    handle: async (context) => shown(context, (await webhookNamed(context)).id),
  },
  {
    method: "PATCH",
    path: "/webhooks/{id}",
    about: "change what a webhook is told and where; active=true goes on where it stopped, in your name",
    needs: "admin",
    body: {
      is: "values",
      values: valuesOf(webhook, "url", "events", "fields", "query", "active"),
      partial: true,
      example: { active: true },
    },
    answers: { is: "record", of: webhook },
    refuses: ["invalid_filter", "invalid_op", "unprocessable"],
    handle: change,
  },
  {
    method: "DELETE",
    path: "/webhooks/{id}",
    about: "end a webhook, in two steps",
    needs: "admin",
    parameters: CONFIRM,
    answers: { is: "message", values: { deleted: ID } },
    refuses: ["confirmation_required"],
    handle: end,
  },
  {
    method: "POST",
    path: "/webhooks/{id}/rotate",
    about: "a new secret; the former one signs too for a day",
    needs: "admin",
    answers: {
      is: "message",
      values: { id: ID, secret: SECRET, former_secret_until: required(time({ about: "until when the former one signs" })) },
    },
    keyed: true,
    refuses: ["not_found"],
    handle: rotate,
  },
  ...deliveryRoutes,
];

/** A webhook outlives the request, so its maker's token must not be one that ends by itself or is for one address. */
function makerOf({ session }: Authenticated): Maker {
  const { userId, tokenId, scopes, audience, expiresAt } = session;
  if (audience === null && expiresAt === null) return { userId, tokenId, scopes };
  throw new Problem(
    "scope_required",
    "this token is for one address or ends by itself, and a webhook does neither",
    "use a token that the user signed in with: GET /help/auth",
  );
}

type Sent = {
  url?: string | null;
  events?: string[] | null;
  fields?: string[] | null;
  query?: string | null;
  active?: boolean | null;
};

async function create(context: Authenticated): Promise<Answer> {
  const { services, db, session, author, body } = context;
  const { ids, seal, random } = services;
  const maker = makerOf(context);
  const { url, events, fields, query } = body.values as Sent;
  const wish = await checkWish(context, { url: url!, events: events!, fields: fields ?? null, query: query ?? null });
  const horizon = await readHorizon(db, session.workspaceId, BEGINNING);
  const secret = newWebhookSecret(random);
  const made = { ...wish, ids, style: "cardfile", secret: seal.encrypt(PURPOSE, secret), maker };
  const id = await insertWebhook(db.pool, author, made, placeNow(horizon), horizon);
  const handle = shortId(id);
  return {
    is: "message",
    status: 201,
    message: `made webhook/${handle}; keep the secret, it is shown once`,
    values: { id: `webhook/${handle}`, secret },
    hints: [`POST /webhooks/${handle}/test sends a first message; how to verify: GET /help/webhooks`],
  };
}

async function list({ db, session, reading }: Authenticated): Promise<Answer> {
  const rows = await listWebhooks(db.pool, session.workspaceId, reading.now);
  return listAnswer(WEBHOOK_VIEW, { rows, more: false });
}

async function shown({ db, session, reading }: Authenticated, id: string, outcome?: string): Promise<Answer> {
  const [row] = await listWebhooks(db.pool, session.workspaceId, reading.now, id);
  if (!row)
    throw new Problem("not_found", `there is no webhook ${shortId(id)} in this workspace`, "GET /webhooks shows what there is");
  return { is: "record", view: WEBHOOK_VIEW, row, ...(outcome ? { outcome } : {}) };
}

async function change(context: Authenticated): Promise<Answer> {
  const { db, author, body } = context;
  const hook = await webhookNamed(context);
  const sent = body.values as Sent;
  for (const name of ["url", "events", "active"] as const)
    if (sent[name] === null)
      throw new Problem("missing_field", `a webhook cannot be without ${name}`, `leave ${name} out to keep it`);
  const wish: Wish = {
    url: sent.url ?? hook.url,
    events: sent.events ?? hook.events,
    fields: sent.fields === undefined ? hook.fields : sent.fields,
    query: sent.query === undefined ? hook.query : sent.query,
  };
  // Switching off is always possible, also where what it asks for is not there any more.
  const isOnlyOff = sent.active === false && Object.keys(sent).length === 1;
  const checked = isOnlyOff ? wish : await checkWish(context, wish);
  // Else a token could send what it may not read to an address of its own.
  const maker = isOnlyOff ? undefined : makerOf(context);
  await changeWebhook(db.pool, author, hook.id, checked, { maker, active: sent.active ?? undefined });
  return shown(context, hook.id, "updated");
}

async function end(context: Authenticated): Promise<Answer> {
  const { db, session } = context;
  const { id, url } = await webhookNamed(context);
  const handle = `webhook/${shortId(id)}`;
  const what = `end ${handle} to ${echo(url)}; what waits is not told`;
  confirm(context, "delete webhook", [id, url], what, `DELETE /webhooks/${shortId(id)}`);
  await deleteWebhook(db.pool, session.workspaceId, id);
  return { is: "message", message: `ended ${handle}`, values: { deleted: handle } };
}

const OVERLAP_MS = 24 * 3_600_000;

async function rotate(context: Authenticated): Promise<Answer> {
  const { db, services, author, reading } = context;
  const { id } = await webhookNamed(context);
  const secret = newWebhookSecret(services.random);
  const until = reading.now + OVERLAP_MS;
  await rotateSecret(db.pool, author, id, services.seal.encrypt(PURPOSE, secret), until);
  const former = showInstant(until, context.style.showing.zone);
  return {
    is: "message",
    message: `webhook/${shortId(id)} has a new secret; keep it, it is shown once; the former one signs too until ${former}`,
    values: { id: `webhook/${shortId(id)}`, secret, former_secret_until: former },
  };
}
