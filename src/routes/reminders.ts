import { countReminders, listReminders, streamReminders } from "../db/records/reminders.ts";
import { readPosition } from "../db/records/rows.ts";
import type { Batches } from "../db/records/stream.ts";
import { cursor, limitOrAll } from "../derive/parameters.ts";
import { ALL, isSet, readLimit, single } from "../derive/query.ts";
import { createWholeView, type Row, rowId } from "../derive/view.ts";
import { personType } from "../fields/text.ts";
import type { Reading } from "../fields/type.ts";
import { boolean, person, text } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import { writeCursor } from "../kit/cursor.ts";
import { echo } from "../kit/line.ts";
import { readMoment } from "../kit/moments.ts";
import { Problem } from "../kit/problem.ts";
import { isVisible } from "../kit/text.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Authenticated, Route } from "../service/route.ts";
import { reminder } from "../views/reminder.ts";
import { DAYS, readDue, WHEN_DUE } from "./due.ts";
import { endOf, snoozeRoutes } from "./snooze.ts";
import { noteOf } from "./strangers.ts";

const MOST = 500;

export const reminderRoutes: Route[] = [
  {
    method: "GET",
    path: "/reminders",
    about: "follow-ups and open tasks that are due",
    parameters: {
      days: { type: DAYS, about: "how far to look ahead", initially: 0 },
      when: { type: WHEN_DUE, about: "due in that time and no other, in the place of days" },
      owner: person({ about: "whose: the owner of a contact or deal, the assignee of a task; is:null is nobody's" }),
      assignee: person({ about: "the same as owner" }),
      kind: text({ about: "of these kinds only, e.g. task, or task,deal" }),
      limit: limitOrAll(MOST),
      cursor,
      count: boolean({ about: "counts all of them, up to 1000" }),
    },
    answers: { is: "list", of: [reminder] },
    handle: remind,
  },
  ...snoozeRoutes,
];

async function remind(context: Authenticated): Promise<Answer> {
  const { db, parameters, reading, services, session, style } = context;
  const due = readDue(parameters, reading);
  const owner = readOwner(parameters, reading);
  const kinds = readKinds(db.catalog, single(parameters, "kind"));
  const most = readLimit(single(parameters, "limit"), MOST, true);
  const list = [session.workspaceId, "reminders", due.asked, `owner=${owner ?? typeof owner}`, `kind=${kinds ?? ""}`];
  const after = single(parameters, "cursor");
  const position = after === undefined ? undefined : readPosition(after, list, services.seal);
  const today = readMoment("today", reading)!.from;
  const handles = style.format.allFields;
  const { from, until } = due;
  const query = { from, until, now: reading.now, today, owner, kinds, position, limit: most, handles };
  if (single(parameters, "limit") === ALL) return remindOfAll(db.catalog, streamReminders(db, session.workspaceId, query));
  const { rows, more } = await listReminders(db, session.workspaceId, query);
  const total = isSet(parameters, "count") ? await countReminders(db, session.workspaceId, query) : undefined;
  const whose =
    rows.length === 0 && typeof owner === "string"
      ? [
          `nothing due is owned by ${echo(owner, 60)}; without owner= you see what others own, and nobody`,
          ...(await noteOf(context, "owner", owner)),
        ]
      : [];
  return {
    is: "list",
    view: VIEW,
    rows,
    facts: total ? { total: total.rows, total_capped: total.capped } : {},
    ending(shown) {
      const last = shown.at(-1);
      const goesOn = more || shown.length < rows.length;
      const cursor = goesOn && last && writeCursor({ value: last[DUE_AT] as string, id: rowId(last) }, list, services.seal);
      const tally = createTally(db.catalog);
      tally.add(shown);
      return { nextCursor: cursor || null, summary: tally.summary(goesOn, total), notes: [...whose, ...tally.hints()] };
    },
  };
}

/** All of them as one stream, with the trailer of a page. */
export function remindOfAll(catalog: Catalog, batches: Batches): Answer {
  const tally = createTally(catalog);
  return {
    is: "stream",
    view: VIEW,
    async *batches(signal) {
      for await (const rows of batches(signal)) {
        tally.add(rows);
        yield rows;
      }
    },
    ending: () => ({ nextCursor: null, summary: tally.summary(false), notes: tally.hints() }),
  };
}

/** `owner` and `assignee` are the same question: whose is it. */
function readOwner(parameters: Authenticated["parameters"], reading: Reading): string | null | undefined {
  const owner = single(parameters, "owner") ?? single(parameters, "assignee");
  if (owner === "is:null") return null;
  if (owner !== undefined && !isVisible(owner))
    throw new Problem("invalid_value", "owner is empty", "owner=me, or the name or address that the records show");
  return owner && (personType.toColumn(owner.replace(/^eq:/, ""), reading) as string);
}

/** Of `task`, or of `tasks` as the path calls them, or of several. */
function readKinds(catalog: Catalog, text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  const kinds = catalog.kinds.filter((kind) => kind.reminder);
  return text
    .replace(/^in:/, "")
    .split(",")
    .map((each) => {
      const kind = kinds.find(({ name, plural }) => [name, plural].includes(each.trim()));
      if (kind) return kind.name;
      const names = kinds.map(({ name }) => name).join(", ");
      throw new Problem("invalid_value", `kind cannot be ${echo(each)}`, `kind is one of ${names}`);
    });
}

/** Where the rows of `listReminders` hold them. */
const WHEN = 3;
const DUE_AT = 4;
const KIND = 11;

/** A reminder's line begins with the handle of the record it belongs to. */
const VIEW = createWholeView(reminder, (row) => row[KIND] as string);

/** Counts rows for `9 reminders: 5 overdue, 4 due; 6 contacts, 3 tasks`. */
function createTally(catalog: Catalog) {
  const [whens, kinds] = [new Map<string, number>(), new Map<string, number>()];
  const due = new Set<string>();
  const count = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  let all = 0;
  return {
    add(rows: readonly Row[]) {
      all += rows.length;
      for (const row of rows) {
        count(whens, row[WHEN] as string);
        count(kinds, row[KIND] as string);
        if (row[WHEN] !== "upcoming") due.add(row[KIND] as string);
      }
    },
    summary(more: boolean, total?: { rows: number; capped: boolean }) {
      const shown = total
        ? `${all} of ${total.rows}${total.capped ? "+" : ""} reminders`
        : `${all} ${all === 1 ? "reminder" : "reminders"}${more ? " on this page" : ""}`;
      if (all === 0) return shown;
      const byWhen = [...whens].map(([when, n]) => `${n} ${when}`);
      const byKind = [...kinds].map(([kind, n]) => `${n} ${kind}${n === 1 ? "" : "s"}`);
      return `${shown}: ${byWhen.join(", ")}; ${byKind.join(", ")}`;
    },
    /** How to be done with what is due. */
    hints() {
      const ends = [...due].map((name) => endOf(catalog.get(name)!));
      const moved = ends.includes(undefined)
        ? ['POST /reminders/{handle}/done, or /reminders/{handle}/snooze {"until":"+1w"}']
        : [];
      return [...moved, ...ends.filter((end) => end !== undefined)];
    },
  };
}
