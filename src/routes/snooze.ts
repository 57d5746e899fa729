import { readAnyId } from "../db/records/anyId.ts";
import { getRow } from "../db/records/rows.ts";
import { updateRow } from "../db/records/write.ts";
import { readRecord } from "../derive/body.ts";
import type { Named } from "../derive/operation.ts";
import { DRY, WRITING } from "../derive/parameters.ts";
import { type Row, type View, viewsOf } from "../derive/view.ts";
import { required, text, time } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import { type IdReference, shortId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import { oneOf } from "../kit/words.ts";
import { doneValues, type ReminderSource } from "../records/declaration.ts";
import { type Kind, settlerOf } from "../records/kind.ts";
import { permit } from "../service/permit.ts";
import type { Authenticated, Route } from "../service/route.ts";
import { mayRead } from "./readable.ts";

const ANSWERED: Named = {
  reminder: required(text({ about: "the handle of the record" })),
  due_at: time({ about: "when it reminds now" }),
  change: text({ about: "the change, which POST /undo takes back" }),
  ...DRY,
};

/** Writes that move a reminder or end it, of any kind that reminds: which fields these are says the declaration. */
export const snoozeRoutes: Route[] = [
  {
    method: "POST",
    path: "/reminders/{id}/snooze",
    about: "move a reminder to another time",
    needs: "member",
    parameters: WRITING,
    body: {
      is: "values",
      values: { until: required(time({ about: "when it shall remind" })) },
      example: { until: "+1w" },
    },
    answers: { is: "message", values: ANSWERED },
    refuses: ["scope_required", "unprocessable", "version_conflict"],
    handle: snooze,
  },
  {
    method: "POST",
    path: "/reminders/{id}/done",
    about: "be done with a reminder: a task is done, a follow-up has no date any more",
    needs: "member",
    parameters: WRITING,
    body: { is: "values", values: {}, example: {} },
    answers: { is: "message", values: ANSWERED },
    refuses: ["scope_required", "unprocessable", "version_conflict"],
    handle: done,
  },
];

/** How a reminder ends that nobody can move, because its time follows from other fields: an invoice is overdue until it is paid. */
export function endOf(kind: Kind, id = "{id}"): string | undefined {
  const { reminder, document, plural, name } = kind;
  if (!kind.field(reminder!.at)!.readOnly) return undefined;
  const acts = [settlerOf(kind)?.plural, document?.cancels?.act].filter((act) => act !== undefined);
  return `${oneOf(name)} reminds until it is settled: ${acts.map((act) => `POST /${plural}/${id}/${act}`).join(", or ")}`;
}

async function snooze(context: Authenticated): Promise<Answer> {
  const { until } = context.body.values as { until: string };
  if (Date.parse(until) <= context.reading.now)
    throw new Problem("invalid_value", "until is a time to come", 'e.g. {"until":"+1w"}, {"until":"tuesday 10:00"}');
  const found = await find(context);
  const { kind, reminder, row } = found;
  if (isDone(found))
    throw new Problem("unprocessable", `${handleOf(found)} is done, so it reminds of nothing`, [
      `${oneOf(kind.name)} that is open reminds: GET /${kind.plural}/${shortId(row[0] as string)}`,
    ]);
  return write(context, found, { [reminder.at]: until }, "snoozed");
}

async function done(context: Authenticated): Promise<Answer> {
  const found = await find(context);
  const { doneWhen, at } = found.reminder;
  return write(context, found, doneWhen ? { [doneWhen.field]: doneValues(doneWhen)[0] } : { [at]: null }, "done");
}

type Found = { kind: Kind; reminder: ReminderSource; reference: IdReference; row: Row };

/** The record that a reminder belongs to, where the caller may change it. */
async function find(context: Authenticated): Promise<Found> {
  const { db, session, path } = context;
  const reference = await readAnyId(db, session.workspaceId, path.id!);
  const kind = reference && db.catalog.byPrefix(reference.prefix);
  const reminder = kind?.reminder;
  if (!reference || !kind || !reminder) {
    const plurals = db.catalog.kinds.filter((each) => each.reminder).map(({ plural }) => plural);
    throw new Problem(
      "not_found",
      kind ? `${oneOf(kind.name)} reminds of nothing` : `${echo(path.id!)} is no reminder`,
      `a reminder goes by the handle that its line begins with; ${plurals.join(", ")} remind: GET /reminders`,
    );
  }
  permit(session, { verb: "update", plural: kind.plural });
  const row = await getRow(db, session.workspaceId, viewsOf(kind).record, reference);
  const found = { kind, reminder, reference, row };
  const end = endOf(kind, shortId(row[0] as string));
  if (end !== undefined)
    throw new Problem("unprocessable", `${reminder.at} of ${handleOf(found)} moves with what is open of it`, end);
  return found;
}

const handleOf = ({ kind, row }: Found) => `${kind.name}/${shortId(row[0] as string)}`;

function isDone({ kind, reminder: { doneWhen }, row }: Found): boolean {
  if (!doneWhen) return false;
  return (doneValues(doneWhen) as readonly unknown[]).includes(valueIn(viewsOf(kind).record, row, doneWhen.field));
}

/** Rows hold the id and the version before the fields. */
const valueIn = ({ columns }: View, row: Row, field: string): unknown =>
  row[columns.findIndex(({ name }) => name === field) + 2];

async function write(
  context: Authenticated,
  found: Found,
  values: Record<string, unknown>,
  outcome: "snoozed" | "done",
): Promise<Answer> {
  const { db, author, services, ifMatch, reading, dryRun } = context;
  const { kind, reminder, reference } = found;
  const written = readRecord(kind, { values, form: false }, true, reading);
  const view = viewsOf(kind).record;
  const expected = ifMatch ? { ...written, versions: ifMatch } : written;
  const saved = await updateRow(db, author, services.ids, view, reference, expected);
  const at = kind.field(reminder.at)!;
  const stored = valueIn(view, saved.row, reminder.at);
  const due = stored === null ? undefined : at.type.toLine(stored as never, reading);
  const change = saved.change && shortId(saved.change);
  const before = valueIn(view, found.row, reminder.at);
  const earlier = outcome === "snoozed" && Date.parse(String(stored)) < Date.parse(String(before));
  const name = mayRead(context, kind) ? ` ${echo(String(valueIn(view, saved.row, kind.title)), 60)}` : "";
  const told = outcome === "snoozed" ? `snoozed ${handleOf(found)}${name} until ${due}` : `done with ${handleOf(found)}${name}`;
  return {
    is: "message",
    message: change ? told : `${handleOf(found)}${name} is so already`,
    values: { reminder: handleOf(found), ...(due && outcome === "snoozed" ? { due_at: due } : {}), ...(change && { change }) },
    hints: [
      ...(earlier ? [`that is earlier than before: it was due ${at.type.toLine(before as never, reading)}`] : []),
      ...(change && !dryRun ? [`to take this back: POST /undo {"change":"${change}"}`] : []),
    ],
    ...(change && { headers: { "X-Change": change } }),
  };
}
