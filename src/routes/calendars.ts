import { createCalendar, deleteCalendar, findCalendar, listCalendars } from "../db/people/calendars.ts";
import { countReminders, type ReminderQuery, streamReminders } from "../db/records/reminders.ts";
import { createWholeView } from "../derive/view.ts";
import type { Reading } from "../fields/type.ts";
import { choice, phrase, required, text } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import { readId, shortId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { readMoment } from "../kit/moments.ts";
import { Problem } from "../kit/problem.ts";
import { newSecret, SECRETS } from "../kit/secret.ts";
import { zone } from "../kit/time.ts";
import { type Authenticated, type Context, type Route, seenBaseUrl } from "../service/route.ts";
import { calendar, OWNERS } from "../views/calendar.ts";
import { reminder } from "../views/reminder.ts";
import { listAnswer } from "./lists.ts";
import { remindOfAll } from "./reminders.ts";

export const calendarRoutes: Route[] = [
  {
    method: "POST",
    path: "/calendars",
    about: "make a private address at which a calendar program reads what is due",
    needs: "read",
    body: {
      is: "values",
      values: {
        name: phrase({ about: "which program reads it" }, 100),
        owner: choice(OWNERS, { about: "whose reminders: only yours, or all", initially: "me" }),
      },
      example: { name: "phone", owner: "me" },
    },
    answers: {
      is: "message",
      statuses: [201],
      values: {
        address: required(text({ about: "where the calendar is; shown once" })),
        id: required(text({ about: "its handle" })),
      },
    },
    keyed: true,
    refuses: ["plan_limit_reached"],
    handle: create,
  },
  {
    method: "GET",
    path: "/calendars",
    about: "list your calendars",
    needs: "member",
    answers: { is: "list", of: [calendar] },
    handle: list,
  },
  {
    method: "GET",
    path: "/calendars/{id}",
    about: "what is due in the next year, for whoever knows the address",
    open: true,
    answers: { is: "list", of: [reminder] },
    handle: read,
  },
  {
    method: "DELETE",
    path: "/calendars/{id}",
    about: "end a calendar's address",
    needs: "member",
    answers: { is: "message", values: { deleted: required(text({ about: "its handle" })) } },
    handle: end,
  },
];

async function create(context: Authenticated): Promise<Answer> {
  const { services, db, session, body, reading } = context;
  const { ids, seal, random } = services;
  if (session.audience !== null || session.expiresAt !== null)
    throw new Problem(
      "scope_required",
      "this token is for one address or ends by itself, and a calendar does neither",
      "use a token that the user signed in with: GET /help/auth",
    );
  const { name, owner } = body.values as { name?: string | null; owner?: string | null };
  const secret = SECRETS.calendar + newSecret(random);
  const id = ids("cal");
  const { workspaceId, userId, tokenId } = session;
  const made = {
    id,
    digest: seal.digest("calendar", secret),
    workspaceId,
    userId,
    tokenId,
    name: name ?? "calendar",
    mine: owner !== "all",
  };
  await createCalendar(db.pool, made, reading.now);
  return {
    is: "message",
    status: 201,
    message: `made ${echo(made.name)}; keep the address, it is shown once, and who knows it can read it`,
    values: { address: `${seenBaseUrl(context)}/calendars/${secret}.ics`, id: `calendar/${shortId(id)}` },
    hints: [
      `subscribe to the address in a calendar program; DELETE /calendars/${shortId(id)} ends it`,
      ...(made.mine ? await nothingYours(context) : []),
    ],
  };
}

/** Records that were imported are often nobody's, and a calendar of one's own stays empty. */
async function nothingYours({ db, session, reading }: Authenticated): Promise<string[]> {
  const countOf = async (owner: string | null) =>
    (await countReminders(db, session.workspaceId, { ...nextYear(reading), owner, limit: 0, handles: false })).rows;
  if ((await countOf(session.email)) > 0) return [];
  const nobodys = await countOf(null);
  if (nobodys === 0) return [];
  return [
    `nothing that is due in the next year is yours, and ${nobodys} ${nobodys === 1 ? "is" : "are"} nobody's: {"owner":"all"} shows all`,
  ];
}

/** Everything overdue and what comes in the next year. */
function nextYear(reading: Reading): Pick<ReminderQuery, "until" | "today" | "now" | "kinds" | "position"> {
  const [today, until] = [readMoment("today", reading)!.from, readMoment("+1y", reading)!.to];
  return { until, today, now: reading.now, kinds: undefined, position: undefined };
}

async function list({ db, session }: Authenticated): Promise<Answer> {
  const rows = await listCalendars(db.pool, session.workspaceId, session.userId);
  return listAnswer(createWholeView(calendar), { rows, more: false });
}

/** In the zone of the workspace. */
async function read({ services, path, reading }: Context): Promise<Answer> {
  const { db, seal } = services;
  const asked = path.id!;
  const found = asked.startsWith(SECRETS.calendar) ? await findCalendar(db.pool, seal.digest("calendar", asked)) : undefined;
  if (!found)
    throw new Problem("not_found", "there is no calendar at this address", "who made it: POST /calendars gives a new address");
  const { workspaceId, timezone, email, mine } = found;
  const local = { ...reading, zone: zone(timezone) };
  const query = { ...nextYear(local), owner: mine ? email : undefined };
  const { catalog } = await services.catalogs.now(workspaceId);
  const reminders = streamReminders({ ...db, catalog }, workspaceId, { ...query, limit: 0, handles: true });
  return { ...remindOfAll(catalog, reminders), showing: { zone: local.zone } };
}

async function end({ db, session, path }: Authenticated): Promise<Answer> {
  const reference = readId(path.id!, calendar);
  const id =
    reference?.prefix === calendar.prefix &&
    (await deleteCalendar(db.pool, session.workspaceId, session.userId, reference.key));
  if (!id) throw new Problem("not_found", `you have no calendar ${echo(path.id!)}`, "GET /calendars lists yours");
  return { is: "message", message: `ended calendar/${shortId(id)}`, values: { deleted: `calendar/${shortId(id)}` } };
}
