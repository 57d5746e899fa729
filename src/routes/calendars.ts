import { createCalendar, deleteCalendar, findCalendar, listCalendars } from "../db/people/calendars.ts";
import { streamReminders } from "../db/records/reminders.ts";
import { createWholeView } from "../derive/view.ts";
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
    hints: [`subscribe to the address in a calendar program; DELETE /calendars/${shortId(id)} ends it`],
  };
}

async function list({ db, session }: Authenticated): Promise<Answer> {
  const rows = await listCalendars(db.pool, session.workspaceId, session.userId);
  return listAnswer(createWholeView(calendar), { rows, more: false });
}

/** Everything overdue and what comes in the next year, in the zone of the workspace. */
async function read({ services, path, reading }: Context): Promise<Answer> {
  const { db, seal } = services;
  const asked = path.id!;
  const found = asked.startsWith(SECRETS.calendar) ? await findCalendar(db.pool, seal.digest("calendar", asked)) : undefined;
  if (!found)
    throw new Problem("not_found", "there is no calendar at this address", "who made it: POST /calendars gives a new address");
  const { workspaceId, timezone, email, mine } = found;
  const local = { ...reading, zone: zone(timezone) };
  const [today, until] = [readMoment("today", local)!.from, readMoment("+1y", local)!.to];
  const query = { until, today, now: reading.now, owner: mine ? email : undefined, kinds: undefined, position: undefined };
  const { catalog } = await services.catalogs.now(workspaceId);
  const reminders = streamReminders({ ...db, catalog }, workspaceId, { ...query, limit: 0, handles: true });
  return { ...remindOfAll(reminders), showing: { zone: local.zone } };
}

async function end({ db, session, path }: Authenticated): Promise<Answer> {
  const reference = readId(path.id!, calendar);
  const id =
    reference?.prefix === calendar.prefix &&
    (await deleteCalendar(db.pool, session.workspaceId, session.userId, reference.key));
  if (!id) throw new Problem("not_found", `you have no calendar ${echo(path.id!)}`, "GET /calendars lists yours");
  return { is: "message", message: `ended calendar/${shortId(id)}`, values: { deleted: `calendar/${shortId(id)}` } };
}
