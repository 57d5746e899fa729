import type { Horizon, Place } from "../../db/records/horizon.ts";
import { single } from "../../derive/query.ts";
import { readCursor, writeCursor } from "../../kit/cursor.ts";
import { echo } from "../../kit/line.ts";
import { readSpan, TIME_FORMS, whyNoMoment } from "../../kit/moments.ts";
import { Problem } from "../../kit/problem.ts";
import type { Seal } from "../../kit/seal.ts";
import { showTime, zone } from "../../kit/time.ts";
import type { Authenticated } from "../../service/route.ts";

/** Where a reader begins. `system` is a mark of the cluster that the place was made in, which says nothing of it. */
export type Since =
  | { is: "beginning" }
  | { is: "now" }
  | { is: "time"; ms: number }
  | { is: "place"; place: Place; system: string };

/** `since=`; `cursor=` wins, because clients that page put it behind the parameters of the first request. */
export function readSince({ parameters, reading, session, services }: Authenticated): Since {
  // Loops in shells begin with an empty one.
  const text = (single(parameters, "cursor") || single(parameters, "since") || "").trim();
  if (text === "") return { is: "beginning" };
  if (/^now$/i.test(text)) return { is: "now" };
  const moment = readSpan(text, reading);
  if (moment && moment.from > reading.now)
    throw new Problem("invalid_value", `since cannot be ${echo(text)}: that is still to come`, "since=now shows what comes");
  if (moment) return { is: "time", ms: moment.from };
  const position = readCursor(text, listOf(session.workspaceId), services.seal);
  const why = position ? undefined : whyNoMoment(text, reading);
  if (!position)
    throw new Problem("invalid_cursor", `since cannot be ${echo(text, 60)}`, [
      ...(why === undefined ? [] : [why]),
      "send the cursor that # next: (next_cursor) of GET /changes told in this workspace",
      `or a time (${TIME_FORMS}); without since the feed begins at the beginning`,
    ]);
  const [xid = "", system = "", at = ""] = String(position.value).split("|");
  return { is: "place", place: { xid, at, id: position.id }, system };
}

const listOf = (workspaceId: string) => ["changes", workspaceId];

const markOf = (system: string, seal: Seal) => seal.mark("cluster", [system]);

/** Where a request that waits goes on. */
export const sinceOf = (place: Place, { system }: Horizon, seal: Seal): Since => ({
  is: "place",
  place,
  system: markOf(system, seal),
});

export function writePlace({ xid, at, id }: Place, { system }: Horizon, workspaceId: string, seal: Seal): string {
  return writeCursor({ value: [xid, markOf(system, seal), at].join("|"), id }, listOf(workspaceId), seal);
}

/**
 * Refuses a cursor of another past: the database came into another cluster, where numbers of transactions mean something else, or it was
 * restored to a time before the cursor's entry.
 */
export function refuseOld({ place, system }: Extract<Since, { is: "place" }>, horizon: Horizon, seal: Seal): void {
  const same = system === markOf(horizon.system, seal);
  if (same && horizon.known && BigInt(place.xid) <= BigInt(horizon.xmax)) return;
  const at = /^\d/.test(place.at) ? showTime(place.at, zone("UTC")) : undefined;
  throw new Problem("invalid_cursor", "the database was restored or moved since this cursor was made", [
    at
      ? `go on with its time: GET /changes?since=${at}`
      : "go on with the time of the last change that you have seen: GET /changes?since=…",
    "changes that you know already come again: tell them by their id",
  ]);
}
