import { readPosition } from "../../db/records/rows.ts";
import {
  DELIVERY_VIEW,
  findDelivery,
  keepTest,
  listDeliveries,
  redeliver as redeliverRow,
} from "../../db/webhooks/deliveries.ts";
import { TEST_EVENT } from "../../derive/events.ts";
import { cursor, limit } from "../../derive/parameters.ts";
import { readLimit, single } from "../../derive/query.ts";
import { FIRST_COLUMN, type Row, rowId } from "../../derive/view.ts";
import { countType } from "../../fields/text.ts";
import { choice, required, text } from "../../fields/vocabulary.ts";
import type { Answer } from "../../http/reply.ts";
import { writeCursor } from "../../kit/cursor.ts";
import { readId, shortId } from "../../kit/id.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import { webhookHeaders } from "../../kit/standardWebhooks.ts";
import { showInstant, UTC } from "../../kit/time.ts";
import { testMessage } from "../../outbound/webhookMessage.ts";
import { openLine } from "../../outbound/webhookPost.ts";
import type { Authenticated, Route } from "../../service/route.ts";
import { delivery, STATES } from "../../views/delivery.ts";
import { listAnswer } from "../lists.ts";
import { secretsOf, webhookNamed } from "./named.ts";

/** Tests that a workspace may send: without a limit, callers could use this server to probe others. */
export const WEBHOOK_TESTS = { quota: 20, seconds: 60 };

export const deliveryRoutes: Route[] = [
  {
    method: "POST",
    path: "/webhooks/{id}/test",
    about: "send a webhook.test message now, and see how it is answered",
    needs: "admin",
    answers: {
      is: "message",
      values: {
        delivery: required(text({ about: "the handle of the message" })),
        status: { type: countType, about: "the status of the answer, if there was one" },
        ms: required({ type: countType, about: "how long it took" }),
        problem: text({ about: "why it failed, if it did" }),
        answer: text({ about: "how the answer begins" }),
      },
    },
    refuses: ["not_found"],
    handle: test,
  },
  {
    method: "GET",
    path: "/webhooks/{id}/deliveries",
    about: "what a webhook was told, newest first, with every attempt",
    needs: "admin",
    parameters: { state: choice(STATES, { about: "what has become of them" }), limit: limit(delivery.mostRows), cursor },
    answers: { is: "list", of: [delivery] },
    refuses: ["not_found", "invalid_value"],
    handle: list,
  },
  {
    method: "GET",
    path: "/deliveries/{id}",
    about: "one message to a webhook",
    needs: "admin",
    answers: { is: "record", of: delivery },
    handle: async (context) => ({ is: "record", view: DELIVERY_VIEW, row: (await deliveryNamed(context)).row }),
  },
  {
    method: "POST",
    path: "/deliveries/{id}/redeliver",
    about: "send a message once more, under the same webhook-id",
    needs: "admin",
    answers: { is: "message", values: { delivery: required(text({ about: "its handle" })) } },
    refuses: ["not_found", "unprocessable"],
    handle: redeliver,
  },
];

/** It is sent also where the webhook is switched off, and is tried once. */
async function test(context: Authenticated): Promise<Answer> {
  const { db, services, session, reading } = context;
  const hook = await webhookNamed(context);
  services.webhooks.tests.take(session.workspaceId, reading.now);
  const id = services.ids(delivery.prefix!);
  const body = testMessage(hook.id, reading.now);
  const line = openLine(services.webhooks.network, services.config.webhookHosts, 1);
  const headers = webhookHeaders(secretsOf(context, hook), { id, at: reading.now, body });
  const { status, ms, problem, answer } = await line.post({ url: hook.url, body, headers }).finally(() => line.close());
  const attempt = { at: showInstant(reading.now, UTC), status, ms, problem, answer };
  const made = { id, event: TEST_EVENT, delivered: problem === null, attempt, now: reading.now };
  await keepTest(db.pool, session.workspaceId, hook.id, made);
  const values = {
    delivery: `delivery/${shortId(id)}`,
    ms,
    ...(status === null ? {} : { status }),
    ...(problem === null ? {} : { problem }),
  };
  return {
    is: "message",
    message: problem === null ? `it answered ${status} after ${ms} ms` : `not delivered: ${problem}, after ${ms} ms`,
    values: { ...values, ...(answer === null ? {} : { answer }) },
  };
}

async function list(context: Authenticated): Promise<Answer> {
  const { db, parameters, services, session } = context;
  const { id } = await webhookNamed(context);
  const state = single(parameters, "state");
  if (state !== undefined && !STATES.some((each) => each === state))
    throw new Problem("invalid_value", `state cannot be ${echo(state)}`, `state is one of ${STATES.join(", ")}`);
  const most = readLimit(single(parameters, "limit"), delivery.mostRows);
  const binding = [session.workspaceId, "deliveries", id, state ?? ""];
  const after = single(parameters, "cursor") || undefined;
  const before = after === undefined ? undefined : Number(readPosition(after, binding, services.seal).value);
  const rows = await listDeliveries(db.pool, session.workspaceId, id, { state, before, limit: most });
  const cursorAfter = (row: Row) => writeCursor({ value: row[NUMBER] as number, id: rowId(row) }, binding, services.seal);
  return listAnswer(DELIVERY_VIEW, { rows: rows.slice(0, most), more: rows.length > most, cursorAfter });
}

const NUMBER = FIRST_COLUMN + DELIVERY_VIEW.columns.length;

async function deliveryNamed({ db, session, path }: Authenticated): Promise<Found> {
  const reference = readId(path.id!, delivery);
  const found =
    reference?.prefix === delivery.prefix ? await findDelivery(db.pool, session.workspaceId, reference.key) : undefined;
  if (found) return found;
  throw new Problem(
    "not_found",
    `there is no delivery ${echo(path.id!)}`,
    "GET /webhooks/{id}/deliveries lists those of a webhook",
  );
}

type Found = NonNullable<Awaited<ReturnType<typeof findDelivery>>>;

const CHANGE = FIRST_COLUMN + DELIVERY_VIEW.columns.findIndex(({ name }) => name === "change");

async function redeliver(context: Authenticated): Promise<Answer> {
  const { db, session, reading } = context;
  const { row, webhookId, active } = await deliveryNamed(context);
  const hook = `/webhooks/${shortId(webhookId)}`;
  if (row[CHANGE] === null)
    throw new Problem("unprocessable", "a test is sent by POST /webhooks/{id}/test", `POST ${hook}/test sends another`);
  if (!active)
    throw new Problem("unprocessable", "its webhook is switched off", `PATCH ${hook} {"active":true} sends all that waits`);
  await redeliverRow(db.pool, session.workspaceId, rowId(row), reading.now);
  const handle = `delivery/${shortId(rowId(row))}`;
  return {
    is: "message",
    message: `${handle} is sent once more`,
    values: { delivery: handle },
    hints: [`GET /deliveries/${shortId(rowId(row))} shows what comes of it`],
  };
}
