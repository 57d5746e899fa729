import { z } from "zod";
import { listReminders, streamReminders } from "../db/records/reminders.ts";
import { readPosition } from "../db/records/rows.ts";
import type { Batches } from "../db/records/stream.ts";
import { cursor, limitOrAll } from "../derive/parameters.ts";
import { ALL, readLimit, single } from "../derive/query.ts";
import { createWholeView, type Row, rowId } from "../derive/view.ts";
import { countType, personType } from "../fields/text.ts";
import type { FieldType, Reading } from "../fields/type.ts";
import { person, text } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import { writeCursor } from "../kit/cursor.ts";
import { echo } from "../kit/line.ts";
import { readMoment } from "../kit/moments.ts";
import { Problem } from "../kit/problem.ts";
import { isVisible } from "../kit/text.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Authenticated, Route } from "../service/route.ts";
import { reminder } from "../views/reminder.ts";
import { noteOf } from "./strangers.ts";

const MOST = 500;
const MOST_DAYS = 3650;

const DAYS: FieldType = {
  ...countType,
  expects: `a whole number from 0 (due now) to ${MOST_DAYS}; days=7 looks a week ahead`,
  schema: z.int().min(0).max(MOST_DAYS),
};

export const reminderRoutes: Route[] = [
  {
    method: "GET",
    path: "/reminders",
    about: "follow-ups and open tasks that are due",
    parameters: {
      days: { type: DAYS, about: "how far to look ahead", initially: 0 },
      owner: person({ about: "whose: the owner of a contact or deal, the assignee of a task" }),
      assignee: person({ about: "the same as owner" }),
      kind: text({ about: "of one kind only, e.g. task" }),
      limit: limitOrAll(MOST),
      cursor,
    },
    answers: { is: "list", of: [reminder] },
    handle: remind,
  },
];

async function remind(context: Authenticated): Promise<Answer> {
  const { parameters, reading, services, session, style } = context;
  const days = readDays(single(parameters, "days"));
  const owner = readOwner(parameters, reading);
  const kind = readKind(services.db.catalog, single(parameters, "kind"));
  const most = readLimit(single(parameters, "limit"), MOST, true);
  const list = [session.workspaceId, "reminders", `days=${days}`, `owner=${owner ?? ""}`, `kind=${kind ?? ""}`];
  const after = single(parameters, "cursor");
  const position = after === undefined ? undefined : readPosition(after, list, services.seal);
  const ahead = days === 0 ? reading.now + 1 : readMoment(`+${days}d`, reading)!.to;
  const today = readMoment("today", reading)!.from;
  const handles = style.format.allFields;
  const query = { until: ahead, now: reading.now, today, owner, kind, position, limit: most, handles };
  if (single(parameters, "limit") === ALL) return remindOfAll(streamReminders(services.db, session.workspaceId, query));
  const { rows, more } = await listReminders(services.db, session.workspaceId, query);
  const notes =
    rows.length === 0 && owner !== undefined
      ? [
          `nothing due is owned by ${echo(owner, 60)}; without owner= you see what others own, and nobody`,
          ...(await noteOf(context, "owner", owner)),
        ]
      : [];
  return {
    is: "list",
    view: VIEW,
    rows,
    ending(shown) {
      const last = shown.at(-1);
      const goesOn = more || shown.length < rows.length;
      const cursor = goesOn && last && writeCursor({ value: last[DUE_AT] as string, id: rowId(last) }, list, services.seal);
      return { nextCursor: cursor || null, summary: tallyOf(shown).summary(goesOn), notes };
    },
  };
}

/** All of them as one stream, with the trailer of a page. */
export function remindOfAll(batches: Batches): Answer {
  const tally = createTally();
  return {
    is: "stream",
    view: VIEW,
    async *batches(signal) {
      for await (const rows of batches(signal)) {
        tally.add(rows);
        yield rows;
      }
    },
    ending: () => ({ nextCursor: null, summary: tally.summary(false) }),
  };
}

function readDays(text: string | undefined): number {
  if (text === undefined) return 0;
  if (/^\d{1,4}$/.test(text) && Number(text) <= MOST_DAYS) return Number(text);
  throw new Problem("invalid_value", `days cannot be ${echo(text)}`, `days is ${DAYS.expects}`);
}

/** `owner` and `assignee` are the same question: whose is it. */
function readOwner(parameters: Authenticated["parameters"], reading: Reading): string | undefined {
  const owner = single(parameters, "owner") ?? single(parameters, "assignee");
  if (owner !== undefined && !isVisible(owner))
    throw new Problem("invalid_value", "owner is empty", "owner=me, or the name or address that the records show");
  return owner && (personType.toColumn(owner.replace(/^eq:/, ""), reading) as string);
}

function readKind(catalog: Catalog, text: string | undefined): string | undefined {
  const kinds = catalog.kinds.filter((kind) => kind.reminder).map((kind) => kind.name);
  if (text === undefined || kinds.includes(text)) return text;
  throw new Problem("invalid_value", `kind cannot be ${echo(text)}`, `kind is one of ${kinds.join(", ")}`);
}

/** Where the rows of `listReminders` hold them. */
const WHEN = 3;
const DUE_AT = 4;
const KIND = 11;

/** A reminder's line begins with the handle of the record it belongs to. */
const VIEW = createWholeView(reminder, (row) => row[KIND] as string);

function tallyOf(rows: readonly Row[]): ReturnType<typeof createTally> {
  const tally = createTally();
  tally.add(rows);
  return tally;
}

/** Counts rows for `9 reminders: 5 overdue, 4 due; 6 contacts, 3 tasks`. */
function createTally() {
  const [whens, kinds] = [new Map<string, number>(), new Map<string, number>()];
  const count = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  let all = 0;
  return {
    add(rows: readonly Row[]) {
      all += rows.length;
      for (const row of rows) {
        count(whens, row[WHEN] as string);
        count(kinds, row[KIND] as string);
      }
    },
    summary(more: boolean) {
      const shown = `${all} ${all === 1 ? "reminder" : "reminders"}${more ? " on this page" : ""}`;
      if (all === 0) return shown;
      const byWhen = [...whens].map(([when, n]) => `${n} ${when}`);
      const byKind = [...kinds].map(([kind, n]) => `${n} ${kind}${n === 1 ? "" : "s"}`);
      return `${shown}: ${byWhen.join(", ")}; ${byKind.join(", ")}`;
    },
  };
}
