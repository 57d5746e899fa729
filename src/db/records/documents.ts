import type { Stored } from "../../derive/differences.ts";
import { viewsOf } from "../../derive/view.ts";
import type { Written } from "../../derive/written.ts";
import type { Item } from "../../fields/items.ts";
import { type IdReference, type IdSource, shortId } from "../../kit/id.ts";
import { wholeOf } from "../../kit/largeJson.ts";
import { seriesOf } from "../../kit/numbering.ts";
import { Problem } from "../../kit/problem.ts";
import { oneOf } from "../../kit/words.ts";
import { ident, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import type { Kind } from "../../records/kind.ts";
import type { Author, Database } from "../database.ts";
import { inUnit } from "../unit.ts";
import { withNewHandles } from "./handles.ts";
import { takenOver } from "./items.ts";
import { readParty, readSettings } from "./parties.ts";
import { type Put, putRows, timeOf } from "./put.ts";
import { gone, idMatches, wrongKind } from "./references.ts";
import { upsertRow } from "./write.ts";

/** What is done with documents: each is one transaction, which holds the row of the document from its start. */

/** What came of it: the id of the record to show, and the change that made it so; undefined where it was so already. */
export type Done = { id: string; isNew?: true; change?: string | undefined; notes: string[] };

type Making = { ids: IdSource; cap?: number | undefined };

/** Days that the caller names; others follow. */
export type Days = { date?: string | undefined; due?: string | undefined; today: string };

/** A locked record, its columns by name. */
type Locked = Stored & { id: string };

/** Gives a document its number, its days and its parties, and freezes it. */
export function giveOut(
  db: Database,
  author: Author,
  making: Making,
  kind: Kind,
  reference: IdReference,
  days: Days,
): Promise<Done> {
  return work(db, async (_, tx) => {
    const doc = await lock(db, tx, author.workspaceId, kind, reference);
    return give(db, author, making, tx, kind, doc, days);
  });
}

async function give(
  db: Database,
  author: Author,
  { ids }: Making,
  tx: Transaction,
  kind: Kind,
  doc: Locked,
  days: Days,
): Promise<Done> {
  const source = kind.document!;
  const { workspaceId } = author;
  const known = doc[source.number] as string | null;
  if (known !== null) return { id: doc.id, notes: [`it has the number ${known} already`] };
  if (!doc[source.items])
    throw new Problem("missing_field", `${oneOf(kind.name)} without items cannot be given out`, [
      `PATCH /${kind.plural}/${shortId(doc.id)} {"${source.items}":[{"description":"…","quantity":1,"unit_price_cents":9500,"tax_rate":19}]}`,
    ]);
  const buyer = await readParty(tx, workspaceId, kind, doc);
  if (!buyer)
    throw new Problem("missing_field", `${oneOf(kind.name)} needs ${source.organisation} or ${source.person}: whom it is for`, [
      `PATCH /${kind.plural}/${shortId(doc.id)} {"${source.organisation.replace("_id", "")}":"Acme Inc"}`,
    ]);
  const settings = await readSettings(tx, workspaceId);
  const date = days.date ?? (doc[source.date] as string | null) ?? days.today;
  const due = days.due ?? (doc[source.due] as string | null) ?? dayAfter(date, settings.days(source.days));
  if (due < date)
    throw new Problem("invalid_value", `${source.due} ${due} is before ${source.date} ${date}`, `send a later ${source.due}`);
  const number = await takeNumber(
    tx,
    workspaceId,
    settings.pattern(source.numbering),
    doc[source.series] as string | null,
    date,
  );
  const waiting = await waitingPayments(tx, workspaceId, kind, doc);
  const credited = await creditOf(db, tx, workspaceId, kind, doc);
  const puts: Put[] = [
    {
      kind,
      id: doc.id,
      action: "updated",
      sets: {
        [source.number]: number,
        [source.at]: timeOf(author),
        [source.date]: date,
        [source.due]: due,
        [source.buyer]: buyer,
        [source.seller]: settings.seller,
        ...(waiting.sum === 0n ? {} : { [waiting.into!]: Number(waiting.sum) }),
      },
    },
    ...waiting.puts(timeOf(author)),
    ...(credited ? [credited.put(timeOf(author))] : []),
  ];
  const entries = await putRows(tx, author, ids, puts, { causeOf: () => doc.id });
  return { id: doc.id, change: entries.get(doc.id), notes: credited ? [credited.note] : [] };
}

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
    const back = doc[paid] ? [`${doc[paid]} were paid: POST /payments/{id}/reverse when the money went back`] : [];
    return { ...done, isNew: true, notes: [...done.notes, ...back] };
  });
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

/** Makes the draft of another kind that a document leads to, once. */
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
        and r.deleted_at is null order by r.created_at limit 1`,
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

const work = <T>(db: Database, act: (unit: Database, tx: Transaction) => Promise<T>): Promise<T> =>
  withNewHandles(() => inUnit(db, act));

async function lock(db: Database, tx: Transaction, workspaceId: string, kind: Kind, reference: IdReference): Promise<Locked> {
  if (reference.prefix !== kind.prefix) throw wrongKind(db, kind, reference);
  const [row] = await tx.rows(
    sql`select to_jsonb(r) from ${ident(kind.plural)} r where r.workspace_id = ${workspaceId} and ${idMatches(sql`r.id`, reference.key)}
      and r.deleted_at is null for update`,
  );
  if (!row) throw await gone({ pool: tx }, workspaceId, kind, reference.key);
  return wholeOf(row[0]) as Locked;
}

/** Makes a record of these columns; ids of links are whole. */
async function make(
  unit: Database,
  author: Author,
  { ids, cap }: Making,
  kind: Kind,
  columns: Stored,
): Promise<{ id: string; change: string | undefined }> {
  const isLink = (name: string) => kind.field(name)?.link?.id.name === name;
  const given = Object.entries(columns).filter(([, value]) => value !== null && value !== undefined);
  const written: Written = {
    sent: Object.fromEntries(given.filter(([name]) => !isLink(name))),
    initial: {},
    links: Object.fromEntries(
      given
        .filter(([name]) => isLink(name))
        .map(([name, id]) => {
          const { target, name: link } = kind.field(name)!.link!;
          return [link, { id: { prefix: target.prefix, key: id as string } }];
        }),
    ),
    length: 0,
    whole: true,
  };
  const { row, change } = await upsertRow(unit, author, ids, viewsOf(kind).record, written, { cap });
  return { id: row[0] as string, change };
}

const itemsOf = ({ catalog }: Database, tx: Transaction, { workspaceId }: Author, kind: Kind, doc: Locked): Promise<Item[]> => {
  const { items } = kind.document!;
  return takenOver((statement) => tx.rows(statement), catalog, workspaceId, kind.field(items)!, doc[items] as Item[]);
};

/** The next number of a series, which stays locked until the transaction ends: nobody has it if this one fails. */
async function takeNumber(
  tx: Transaction,
  workspaceId: string,
  pattern: string,
  series: string | null,
  date: string,
): Promise<string> {
  const { name, numbered } = seriesOf(pattern, series, date.slice(0, 4));
  const [row] = await tx.rows(
    sql`insert into series as s (workspace_id, name, last) values (${workspaceId}, ${name}, 1)
      on conflict (workspace_id, name) do update set last = s.last + 1 returning last::text`,
  );
  return numbered(row![0] as string);
}

/** Payments that came in before the document was given out: they are booked with it. */
async function waitingPayments(tx: Transaction, workspaceId: string, kind: Kind, doc: Locked) {
  const holder = kind.holders.find(({ kind: held, link }) => held.settles?.link === link.id.name);
  const settles = holder?.kind.settles;
  if (!holder || !settles) return { sum: 0n, into: undefined, puts: () => [] as Put[] };
  const rows = await tx.rows(
    sql`select r.id, r.${ident(settles.amount)}::text, r.${ident(settles.per)} from ${ident(holder.kind.plural)} r
      where r.workspace_id = ${workspaceId} and r.${ident(settles.link)} = ${doc.id} and r.deleted_at is null and r.${ident(settles.booked)} is null
      order by r.id for update`,
  );
  const sum = rows.reduce((total, [, amount]) => total + BigInt(amount as string), 0n);
  const gross = BigInt(doc[kind.document!.totals.gross] as number);
  const other = rows.find(([, , per]) => per !== doc[kind.document!.currency]);
  if (rows.length > 0 && (other || sum > gross || sum < 0n))
    throw new Problem(
      "unprocessable",
      `its ${holder.kind.plural} do not fit it: they come to ${sum}, it to ${gross} ${doc[kind.document!.currency]}`,
      [`GET /${kind.plural}/${shortId(doc.id)}/${holder.kind.plural} shows them`],
    );
  const puts = (at: string) =>
    rows.map(([id]): Put => ({ kind: holder.kind, id: id as string, action: "updated", sets: { [settles.booked]: at } }));
  return { sum, into: settles.into, puts };
}

/** What a document that takes back another does to that one. */
async function creditOf(db: Database, tx: Transaction, workspaceId: string, kind: Kind, doc: Locked) {
  const source = kind.document!;
  const { cancels } = source;
  const creditedId = cancels && (doc[cancels.link] as string | null);
  if (!cancels || creditedId === null || creditedId === undefined) return undefined;
  const other = await lock(db, tx, workspaceId, kind, { prefix: kind.prefix, key: creditedId });
  const which = `${kind.name}/${shortId(other.id)}`;
  const refuse = (why: string, hint: string) => new Problem("unprocessable", `${which} ${why}`, hint);
  if (other[source.number] === null || other[cancels.link] !== null || other[cancels.at] !== null)
    throw refuse(
      "cannot be taken back: it is a draft, a credit note, or taken back already",
      `GET /${kind.plural}/${shortId(other.id)}`,
    );
  if (other[source.currency] !== doc[source.currency])
    throw refuse(`is in ${other[source.currency]}`, `PATCH ${source.currency} of the draft`);
  const gross = BigInt(other[source.totals.gross] as number);
  const before = BigInt((other[cancels.covered] as number | null) ?? 0);
  const after = before - BigInt(doc[source.totals.gross] as number);
  if (after > gross || after < 0n)
    throw refuse(
      `has ${gross - before} left to take back, not ${after - before}`,
      `change the items: PATCH /${kind.plural}/${shortId(doc.id)}`,
    );
  const ends = after === gross;
  return {
    note: ends ? `${which} is cancelled` : `${which} has ${gross - after} left`,
    put: (at: string): Put => ({
      kind,
      id: other.id,
      action: "updated",
      sets: { [cancels.covered]: Number(after), ...(ends ? { [cancels.at]: at } : {}) },
    }),
  };
}

function dayAfter(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}
