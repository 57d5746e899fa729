import { z } from "zod";
import type { FeedPage, FeedQuery } from "../db/records/feed.ts";
import { readFeed } from "../db/records/feed.ts";
import type { Horizon, Place } from "../db/records/horizon.ts";
import { BEGINNING, placeAt, placeNow, readHorizon } from "../db/records/horizon.ts";
import { chosenFields, cursor, limit } from "../derive/parameters.ts";
import { readListQuery, single } from "../derive/query.ts";
import type { View } from "../derive/view.ts";
import { countType } from "../fields/text.ts";
import type { FieldType } from "../fields/type.ts";
import { person, text } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import { counted } from "../kit/words.ts";
import type { Authenticated, Route } from "../service/route.ts";
import { change } from "../views/change.ts";
import { readableKinds, readTouched } from "./feed/filters.ts";
import { readSince, refuseOld, type Since, sinceOf, writePlace } from "./feed/since.ts";
import { shapes } from "./history.ts";
import { listView } from "./lists.ts";

const MOST_WAIT = 60;

const WAIT: FieldType = {
  ...countType,
  expects: `a whole number of seconds from 0 to ${MOST_WAIT}`,
  schema: z.int().min(0).max(MOST_WAIT),
};

export const changeRoutes: Route[] = [
  {
    method: "GET",
    path: "/changes",
    about: "every change once, in the order they came to be: a feed to follow",
    needs: "member",
    parameters: {
      since: text({ about: "the cursor of # next: (next_cursor), a time, or now; without it from the beginning" }, 8_000),
      wait: { type: WAIT, about: "how long to hold the request until something happens", initially: 0 },
      kind: text({ about: "of one kind, e.g. deal, or in:contact,deal" }),
      touched: text({ about: "those that changed a field, e.g. stage, or one of several: stage,owner" }),
      record: text({ about: "of one record" }),
      actor: person({ about: "by one person" }),
      action: text({ about: `${change.field("action")!.type.choices!.join(", ")}` }),
      limit: limit(change.mostRows),
      ...chosenFields(change),
      cursor,
    },
    answers: { is: "list", of: [change] },
    refuses: ["invalid_op"],
    handle: follow,
  },
];

/** These mean what they mean in any list. */
const AS_IN_LISTS = ["kind", "record", "actor", "action", "fields", "limit"];

/** What a request has seen of the feed. */
type Seen = { page: FeedPage; horizon: Horizon };

/** A request that waits holds no connection of the database, and looks again whenever something may have happened. */
async function follow(context: Authenticated): Promise<Answer> {
  const { parameters, reading, session, services, hold } = context;
  const { workspaceId, tokenId, userId } = session;
  const asked = readListQuery(
    change,
    parameters.filter(([name]) => AS_IN_LISTS.includes(name)),
    reading,
    change.mostRows,
  );
  const { conditions } = asked;
  const view = listView(context, change, asked);
  const queryOf = (of: Authenticated) => ({
    ...{ conditions, kinds: readableKinds(of, conditions).kinds },
    ...{ touched: readTouched(of), limit: asked.limit },
  });
  const { kinds } = queryOf(context);
  const wait = readWait(single(parameters, "wait"));
  let since = readSince(context);
  if (wait === 0) return answer(context, view, await look(context, view, queryOf, since));
  const waiter = services.waiting.enter({ workspaceId, ids: [workspaceId, tokenId, userId], ms: wait * 1_000, hold });
  const filters = parameters.filter(([name]) => !["since", "cursor", "wait"].includes(name));
  try {
    for (;;) {
      const key = JSON.stringify([view.serial, kinds, session.scopes, reading.me, filters, since]);
      const seen = await waiter.read(key, () => look(context, view, queryOf, since));
      const { page, horizon } = seen;
      const isEmpty = page.rows.length === 0 && !page.unfinished;
      if (!isEmpty || !(await waiter.news(horizon.newest?.id ?? ""))) return answer(context, view, seen);
      since = sinceOf(page.end, horizon, services.seal);
    }
  } finally {
    waiter.leave();
  }
}

function readWait(text: string | undefined): number {
  if (text === undefined || text === "") return 0;
  if (/^\d{1,3}$/.test(text) && Number(text) <= MOST_WAIT) return Number(text);
  throw new Problem("invalid_value", `wait cannot be ${echo(text)}`, `wait is ${WAIT.expects}`);
}

async function look(
  context: Authenticated,
  view: View,
  queryOf: (of: Authenticated) => FeedQuery,
  since: Since,
): Promise<Seen> {
  const { db } = context;
  const { workspaceId } = context.session;
  const horizon = await readHorizon(db, workspaceId, since.is === "place" ? since.place : BEGINNING);
  const from = await begin(context, since, horizon);
  const now = await withKinds(context, horizon);
  return { page: await readFeed(now.db, workspaceId, view, queryOf(now), from, horizon, shapes(now)), horizon };
}

/** The request as of kinds that were made since it came: what it waits for may be of one. */
async function withKinds(context: Authenticated, { kindsVersion }: Horizon): Promise<Authenticated> {
  const { db, session, services } = context;
  if (kindsVersion <= session.kindsVersion) return context;
  const catalog = await services.catalogs.of({ workspaceId: session.workspaceId, kindsVersion });
  return { ...context, db: { ...db, catalog } };
}

function begin({ db, session, services }: Authenticated, since: Since, horizon: Horizon): Place | Promise<Place> {
  switch (since.is) {
    case "beginning":
      return BEGINNING;
    case "now":
      return placeNow(horizon);
    case "time":
      return placeAt(db, session.workspaceId, since.ms, horizon);
    case "place":
      refuseOld(since, horizon, services.seal);
      return since.place;
  }
}

function answer({ services, session }: Authenticated, view: View, { page, horizon }: Seen): Answer {
  const { rows, end, placeOf, unfinished } = page;
  const lag = horizon.heldSince === undefined ? 0 : Math.floor((services.now() - horizon.heldSince) / 1_000);
  const place = (shown: FeedPage["rows"]) => (shown.length < rows.length ? placeOf(shown.at(-1)!) : end);
  return {
    is: "list",
    view,
    rows,
    ending: (shown) => ({
      nextCursor: writePlace(place(shown), horizon, session.workspaceId, services.seal),
      summary: counted(shown.length, change),
      notes: [
        ...(unfinished ? ["none so far: there is more to look through, go on at once"] : []),
        ...(lag >= 1 ? [`lag=${lag}s`] : []),
      ],
    }),
    facts: lag >= 1 ? { lag_seconds: lag } : {},
  };
}
