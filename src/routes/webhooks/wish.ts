import { resolveConditions } from "../../db/records/references.ts";
import type { Wish } from "../../db/webhooks/webhooks.ts";
import { eventNames, kindsOfEvents, readEvent } from "../../derive/events.ts";
import type { ListQuery } from "../../derive/query.ts";
import type { Reading } from "../../fields/type.ts";
import { echo } from "../../kit/line.ts";
import { nearest } from "../../kit/nearest.ts";
import { Problem } from "../../kit/problem.ts";
import { hostOf } from "../../outbound/publicHost.ts";
import { unfitUrl } from "../../outbound/webhookPost.ts";
import type { Catalog } from "../../records/catalog.ts";
import type { Kind } from "../../records/kind.ts";
import { lacksScope } from "../../service/permit.ts";
import type { Authenticated } from "../../service/route.ts";
import { pathsOf } from "../feed/filters.ts";
import { readSaved } from "../listed.ts";
import { mayRead, type Reader, refuseUnreadable } from "../readable.ts";

/** What is told of the kinds that a token may read. */
export const readableOf = (reader: Reader, { kinds }: Catalog): Kind[] => kinds.filter((kind) => mayRead(reader, kind));

/** Everything that a webhook asks for is there, and may be read by who asks. */
export async function checkWish(context: Authenticated, wish: Wish): Promise<Wish> {
  checkUrl(context, wish.url);
  const events = readEvents(context, wish.events);
  const kinds = kindsOfEvents(events, readableOf(context, context.db.catalog));
  if (wish.fields) pathsOf("fields", wish.fields, kinds);
  if (wish.query !== null) await checkQuery(context, kinds, wish.query);
  return { ...wish, url: new URL(wish.url).href, events };
}

function checkUrl({ services }: Authenticated, url: string): void {
  const unfit = unfitUrl(url, services.config.webhookHosts);
  if (!unfit) return;
  const host = URL.canParse(url) ? hostOf(new URL(url)) : undefined;
  throw new Problem("invalid_value", `url cannot be ${echo(url)}: ${unfit}`, [
    "send one like https://example.com/hooks; it is reached at public addresses only",
    ...(host ? [`to develop with ${host}, whoever runs the service sets CRM_WEBHOOK_HOSTS=${host}`] : []),
  ]);
}

function readEvents(context: Authenticated, asked: readonly string[]): string[] {
  const { catalog } = context.db;
  const readable = readableOf(context, catalog);
  const events = asked.map((text) => {
    const event = readEvent(text, catalog.kinds);
    if (event === undefined) throw unknownEvent(text, readable);
    const of = catalog.get(event.split(".")[0]!);
    if (of && !readable.includes(of)) throw lacksScope(context.session, "read", of.plural);
    return event;
  });
  if (kindsOfEvents(events, readable).length === 0) throw lacksScope(context.session, "read");
  return [...new Set(events)].sort();
}

function unknownEvent(text: string, kinds: readonly Kind[]): Problem {
  const near = nearest(text.toLowerCase(), eventNames(kinds));
  return new Problem("invalid_value", `there is no event ${echo(text)}`, [
    `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}events are * or <kind>.<what>, e.g. contact.created, contact.*, *.deleted`,
    `kinds: ${kinds.map(({ name }) => name).join(", ")}; what: created, updated, deleted, restored, merged, purged`,
  ]);
}

async function checkQuery(context: Authenticated, kinds: readonly Kind[], query: string): Promise<void> {
  const [kind, ...others] = kinds;
  if (!kind || others.length > 0)
    throw new Problem(
      "invalid_value",
      "query needs events of one kind, whose filters it is made of",
      'one webhook a kind: {"events":["contact.*"],"query":"stage=lead"}',
    );
  await conditionsOf(context, kind, query);
}

/** The filters of a query as they are now: times are read by the clock, `me` is whose webhook it is. */
export async function conditionsOf(
  {
    db,
    session,
    reading,
  }: Pick<Authenticated, "db"> & {
    session: Reader["session"] & { workspaceId: string };
    reading: Reading;
  },
  kind: Kind,
  query: string,
): Promise<ListQuery["conditions"]> {
  const saved = readSaved({ reading }, kind, query);
  if (saved.search !== undefined)
    throw new Problem("invalid_filter", "the query of a webhook has filters and no search", "filter: name=like:acme");
  refuseUnreadable({ session }, saved);
  return resolveConditions(db, session.workspaceId, saved.conditions);
}
