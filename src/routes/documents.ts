import { answer, become, cancel, reverse } from "../db/records/documents/acts.ts";
import { giveOut } from "../db/records/documents/giveOut.ts";
import type { Days, Done } from "../db/records/documents/work.ts";
import { getRow } from "../db/records/rows.ts";
import { WRITING } from "../derive/parameters.ts";
import { date } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import type { IdReference } from "../kit/id.ts";
import { readDate } from "../kit/moments.ts";
import { oneOf } from "../kit/words.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Kind } from "../records/kind.ts";
import { permit } from "../service/permit.ts";
import { type Authenticated, type Route, readPathId } from "../service/route.ts";
import { lackingNotes } from "./electronic.ts";
import { recordView } from "./readable.ts";
import { openNotes } from "./settled.ts";

/** What is done with documents and payments: `POST /invoices/{id}/issue`. */
export const documentRoutes = (catalog: Catalog): Route[] => [
  ...catalog.kinds.flatMap((kind) => (kind.document ? routesOf(kind, catalog) : [])),
  ...catalog.kinds.flatMap((kind) => (kind.settles ? [reversal(kind)] : [])),
];

const OUTCOMES: Readonly<Record<string, string>> = { issue: "issued", send: "sent", accept: "accepted", reject: "rejected" };

const DATE = { date: date({ about: "the day it bears; today unless sent", also: ["issue_date", "issued_on"] }) };

function routesOf(kind: Kind, catalog: Catalog): Route[] {
  const { act, number, cancels, answers = [], becomes, due } = kind.document!;
  const one = `/${kind.plural}/{id}`;
  const parameters = WRITING;
  const target = becomes && catalog.get(becomes.kind)!;
  return [
    {
      method: "POST",
      path: `${one}/${act}`,
      about: `give ${oneOf(kind.name)} its ${number} and its days; from then on it is not a draft`,
      needs: "update",
      parameters,
      body: {
        is: "values",
        values: { ...DATE, [due]: date({ about: kind.field(due)!.about }) },
        partial: true,
        example: { date: "2026-06-10" },
      },
      answers: { is: "record", of: kind },
      refuses: ["missing_field", "unprocessable"],
      handle: (context) =>
        acted(context, kind, OUTCOMES[act] ?? act, async (reference) => {
          const done = await giveOut(
            context.db,
            context.author,
            makingOf(context, kind),
            kind,
            reference,
            daysOf(context, due),
          );
          if (!done.change) return done;
          return { ...done, notes: [...done.notes, ...(await lackingNotes(context, kind, done.id))] };
        }),
    },
    ...answers.map(
      (each): Route => ({
        method: "POST",
        path: `${one}/${each.act}`,
        about: `keep that the other party did ${each.act} it`,
        needs: "update",
        parameters,
        answers: { is: "record", of: kind },
        refuses: ["unprocessable"],
        handle: (context) =>
          acted(context, kind, OUTCOMES[each.act] ?? each.act, (reference) =>
            answer(context.db, context.author, makingOf(context, kind), kind, reference, each),
          ),
      }),
    ),
    ...(target
      ? [
          {
            method: "POST",
            path: `${one}/${target.name}`,
            about: `make the draft of ${oneOf(target.name)} from ${oneOf(kind.name)} that was accepted`,
            needs: "update",
            parameters,
            answers: { is: "record", of: target, statuses: [201, 200] },
            refuses: ["unprocessable"],
            handle: (context) =>
              made(context, kind, target, (reference) =>
                become(context.db, context.author, makingOf(context, target), kind, reference),
              ),
          } satisfies Route,
        ]
      : []),
    ...(cancels
      ? [
          {
            method: "POST",
            path: `${one}/${cancels.act}`,
            about: `reverse ${oneOf(kind.name)} that was given out by a credit note, which is issued at once`,
            needs: "write",
            parameters,
            body: { is: "values", values: DATE, partial: true, example: { date: "2026-06-10" } },
            answers: { is: "record", of: kind, statuses: [201, 200] },
            refuses: ["unprocessable"],
            handle: (context) =>
              made(context, kind, kind, (reference) =>
                cancel(context.db, context.author, makingOf(context, kind), kind, reference, daysOf(context)),
              ),
          } satisfies Route,
        ]
      : []),
  ];
}

const reversal = (kind: Kind): Route => ({
  method: "POST",
  path: `/${kind.plural}/{id}/reverse`,
  about: `take a booked ${kind.name} back by one of the opposite amount`,
  needs: "create",
  parameters: WRITING,
  body: { is: "values", values: DATE, partial: true, example: { date: "2026-06-10" } },
  answers: { is: "record", of: kind, statuses: [201, 200] },
  refuses: ["unprocessable"],
  handle: (context) =>
    made(context, kind, kind, (reference) =>
      reverse(context.db, context.author, makingOf(context, kind), kind, reference, daysOf(context)),
    ),
});

function makingOf({ services, session }: Authenticated, kind: Kind) {
  return { ids: services.ids, cap: services.plans.of(session.plan).caps[kind.plural] };
}

/** The days of the body; today is that of the workspace. */
function daysOf({ body, reading }: Authenticated, due?: string): Days {
  const { date: day, ...others } = body.values as Record<string, string | null | undefined>;
  const last = due === undefined ? undefined : others[due];
  return { today: readDate("today", reading)!, ...(day ? { date: day } : {}), ...(last ? { due: last } : {}) };
}

async function acted(
  context: Authenticated,
  kind: Kind,
  outcome: string,
  act: (reference: IdReference) => Promise<Done>,
): Promise<Answer> {
  const { id, change, notes } = await act(readPathId(kind, context.path.id!));
  const view = recordView(context, kind);
  const row = await getRow(context.db, context.session.workspaceId, view, { prefix: kind.prefix, key: id });
  return { is: "record", view, row, outcome: change ? outcome : "unchanged", change, notes };
}

/** What is done makes a record of `target`, unless it was made before. */
async function made(
  context: Authenticated,
  kind: Kind,
  target: Kind,
  act: (reference: IdReference) => Promise<Done>,
): Promise<Answer> {
  permit(context.session, { verb: "create", plural: target.plural });
  const { id, isNew, change, notes } = await act(readPathId(kind, context.path.id!));
  const view = recordView(context, target);
  const row = await getRow(context.db, context.session.workspaceId, view, { prefix: target.prefix, key: id });
  const told = [...notes, ...(await openNotes(context, target, id))];
  return { is: "record", view, row, status: isNew ? 201 : 200, outcome: isNew ? "created" : "unchanged", change, notes: told };
}
