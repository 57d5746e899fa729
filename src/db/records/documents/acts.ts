import type { Item } from "../../../fields/items.ts";
import { amountText } from "../../../kit/amounts.ts";
import { type IdReference, shortId } from "../../../kit/id.ts";
import { Problem } from "../../../kit/problem.ts";
import { ident, raw, type Statement, sql } from "../../../postgres/sql.ts";
import type { Transaction } from "../../../postgres/transaction.ts";
import { type Kind, settlerOf } from "../../../records/kind.ts";
import type { Author, Database } from "../../database.ts";
import { takenOver } from "../items.ts";
import { putRows, timeOf } from "../put.ts";

import { give } from "./giveOut.ts";
import { type Days, type Done, type Locked, lock, type Making, make, work } from "./work.ts";

/** Reverses a document as a whole by another of its kind, which is given out at once. */
export function cancel(
  db: Database,
  author: Author,
  making: Making,
  kind: Kind,
  reference: IdReference,
  days: Days,
): Promise<Done> {
  const source = kind.document!;
  const { link, at, covered, paid, act } = source.cancels!;
  return work(db, async (unit, tx) => {
    const doc = await lock(db, tx, author.workspaceId, kind, reference);
    const which = `${kind.name}/${shortId(doc.id)}`;
    if (doc[source.number] === null)
      throw new Problem(
        "unprocessable",
        `${which} is a draft: there is nothing to ${act}`,
        `DELETE /${kind.plural}/${shortId(doc.id)}`,
      );
    if (doc[link] !== null)
      throw new Problem(
        "unprocessable",
        `${which} takes back another one itself`,
        `make a new ${kind.name}: POST /${kind.plural}`,
      );
    if (doc[at] !== null) {
      const [note] = await tx.rows(
        sql`select r.id from ${ident(kind.plural)} r where r.workspace_id = ${author.workspaceId} and r.${ident(link)} = ${doc.id}
          and r.${ident(source.number)} is not null and r.deleted_at is null order by r.${ident(source.at)} desc limit 1`,
      );
      return { id: (note?.[0] ?? doc.id) as string, notes: [`${which} was taken back before`] };
    }
    if (doc[covered] !== null)
      throw new Problem("unprocessable", `${which} was taken back in part`, [
        `take back the rest: POST /${kind.plural} {"${link}":"${shortId(doc.id)}","${source.items}":[…]}, then POST /${kind.plural}/{id}/${source.act}`,
      ]);
    const links = [...new Set([source.person, source.organisation])].filter((name) => doc[name] !== null);
    const { id } = await make(unit, author, making, kind, {
      ...Object.fromEntries(links.map((name) => [name, doc[name]])),
      [link]: doc.id,
      [source.items]: await itemsOf(db, tx, author, kind, doc),
      [source.currency]: doc[source.currency],
      [source.heading]: `Reverses ${doc[source.number]}`,
      [source.series]: doc[source.series],
    });
    const fresh = await lock(db, tx, author.workspaceId, kind, { prefix: kind.prefix, key: id });
    const done = await give(db, author, making, tx, kind, fresh, { ...days, due: days.date ?? days.today });
    const back = doc[paid] ? await paidNotes(tx, author.workspaceId, kind, doc) : [];
    return { ...done, isNew: true, notes: [...done.notes, ...back] };
  });
}

/** So many payments are named; more are found by a list. */
const MOST_NAMED = 5;

/** Notes for a cancelled document: the amount that was paid, and the request that takes back each payment. */
async function paidNotes(tx: Transaction, workspaceId: string, kind: Kind, doc: Locked): Promise<string[]> {
  const { cancels, currency } = kind.document!;
  const settler = settlerOf(kind);
  if (!settler) return [];
  const { link, amount, booked, reverses } = settler.settles!;
  const [payments, takenBack] = [ident(settler.plural), ident(reverses)];
  const rows = await tx.rows(
    sql`select r.id from ${payments} r where r.workspace_id = ${workspaceId} and r.${ident(link)} = ${doc.id} and r.${ident(booked)} is not null
      and r.${ident(amount)} > 0 and r.${takenBack} is null and r.deleted_at is null and not exists (select from ${payments} back
        where back.workspace_id = ${workspaceId} and back.${takenBack} = r.id and back.deleted_at is null) order by r.id limit ${MOST_NAMED + 1}`,
  );
  const named = rows.slice(0, MOST_NAMED).map(([id]) => `POST /${settler.plural}/${shortId(id as string)}/reverse`);
  const others = rows.length > MOST_NAMED ? [`others: GET /${kind.plural}/${shortId(doc.id)}/${settler.plural}`] : [];
  const paid = doc[cancels!.paid] as number;
  return [
    `${amountText(paid, doc[currency] as string)} (${paid}) were paid; when the money went back: ${[...named, ...others].join(", ")}`,
  ];
}

/** Keeps what the other party said. */
export function answer(
  db: Database,
  author: Author,
  { ids }: Making,
  kind: Kind,
  reference: IdReference,
  { act, at, excludes }: { act: string; at: string; excludes: string },
): Promise<Done> {
  const source = kind.document!;
  return work(db, async (_, tx) => {
    const doc = await lock(db, tx, author.workspaceId, kind, reference);
    if (doc[at] !== null) return { id: doc.id, notes: [] };
    if (doc[source.number] === null)
      throw new Problem("unprocessable", `${kind.name}/${shortId(doc.id)} is a draft: nobody can ${act} it`, [
        `POST /${kind.plural}/${shortId(doc.id)}/${source.act} first`,
      ]);
    const sets = { [at]: timeOf(author), ...(doc[excludes] === null ? {} : { [excludes]: null }) };
    const entries = await putRows(tx, author, ids, [{ kind, id: doc.id, action: "updated", sets }]);
    return { id: doc.id, change: entries.get(doc.id), notes: [] };
  });
}

/** Makes the draft of another kind that a document leads to, once: again where what was made of it was taken back as a whole, or takes back itself. */
export function become(db: Database, author: Author, making: Making, kind: Kind, reference: IdReference): Promise<Done> {
  const from = kind.document!;
  const { kind: name, link, needs } = from.becomes!;
  const target = db.catalog.get(name)!;
  const to = target.document!;
  return work(db, async (unit, tx) => {
    const doc = await lock(db, tx, author.workspaceId, kind, reference);
    if (doc[needs] === null)
      throw new Problem("unprocessable", `${kind.name}/${shortId(doc.id)} is not accepted`, [
        `POST /${kind.plural}/${shortId(doc.id)}/accept first`,
      ]);
    const [made] = await tx.rows(
      sql`select r.id from ${ident(target.plural)} r where r.workspace_id = ${author.workspaceId} and r.${ident(link)} = ${doc.id}
        and r.deleted_at is null${standsSql(target)} order by r.created_at limit 1`,
    );
    if (made) return { id: made[0] as string, notes: [`${target.name}/${shortId(made[0] as string)} was made of it before`] };
    const shared = kind.links.map(({ id }) => id.name).filter((each) => target.field(each) && doc[each] !== null);
    const { id, change } = await make(unit, author, making, target, {
      ...Object.fromEntries(shared.map((each) => [each, doc[each]])),
      [link]: doc.id,
      [to.items]: await itemsOf(db, tx, author, kind, doc),
      [to.currency]: doc[from.currency],
      [to.heading]: doc[from.heading],
      [to.note]: doc[from.note],
    });
    return { id, isNew: true, change, notes: [] };
  });
}

/** ` and …`: what was neither taken back as a whole nor takes back another. */
function standsSql({ document }: Kind): Statement {
  const { cancels } = document!;
  return cancels ? sql` and r.${ident(cancels.at)} is null and r.${ident(cancels.link)} is null` : raw("");
}

/** Takes a payment back by one of the opposite amount. */
export function reverse(
  db: Database,
  author: Author,
  making: Making,
  kind: Kind,
  reference: IdReference,
  days: Days,
): Promise<Done> {
  const { link, amount, per, booked, reverses, reference: called, date } = kind.settles!;
  return work(db, async (unit, tx) => {
    const doc = await lock(db, tx, author.workspaceId, kind, reference);
    const which = `${kind.name}/${shortId(doc.id)}`;
    if (doc[booked] === null)
      throw new Problem("unprocessable", `${which} is not booked: there is nothing to reverse`, [
        `delete it: DELETE /${kind.plural}/${shortId(doc.id)}`,
      ]);
    if (doc[reverses] !== null)
      throw new Problem(
        "unprocessable",
        `${which} is a reversal itself`,
        `POST /${kind.plural} with the ${amount} that came in`,
      );
    const [before] = await tx.rows(
      sql`select r.id from ${ident(kind.plural)} r where r.workspace_id = ${author.workspaceId} and r.${ident(reverses)} = ${doc.id} and r.deleted_at is null limit 1`,
    );
    if (before) return { id: before[0] as string, notes: [`${which} was reversed before`] };
    const { id, change } = await make(unit, author, making, kind, {
      [link]: doc[link],
      [amount]: -Number(doc[amount]),
      [per]: doc[per],
      [reverses]: doc.id,
      [called]: `Reversal of ${(doc[called] as string | null) ?? shortId(doc.id)}`,
      [date]: days.date ?? days.today,
    });
    return { id, isNew: true, change, notes: [] };
  });
}

const itemsOf = ({ catalog }: Database, tx: Transaction, { workspaceId }: Author, kind: Kind, doc: Locked): Promise<Item[]> => {
  const { items } = kind.document!;
  return takenOver((statement) => tx.rows(statement), catalog, workspaceId, kind.field(items)!, doc[items] as Item[]);
};
