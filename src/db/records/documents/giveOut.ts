import { type IdReference, shortId } from "../../../kit/id.ts";
import { seriesOf } from "../../../kit/numbering.ts";
import { Problem } from "../../../kit/problem.ts";
import { oneOf } from "../../../kit/words.ts";
import { ident, sql } from "../../../postgres/sql.ts";
import type { Transaction } from "../../../postgres/transaction.ts";
import { type Kind, settlerOf } from "../../../records/kind.ts";
import type { Author, Database } from "../../database.ts";
import { readParty, readSettings } from "../parties.ts";
import { type Put, putRows, timeOf } from "../put.ts";

import { type Days, type Done, type Locked, lock, type Making, work } from "./work.ts";

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

export async function give(
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
  const settler = settlerOf(kind);
  const settles = settler?.settles;
  if (!settler || !settles) return { sum: 0n, into: undefined, puts: () => [] as Put[] };
  const rows = await tx.rows(
    sql`select r.id, r.${ident(settles.amount)}::text, r.${ident(settles.per)} from ${ident(settler.plural)} r
      where r.workspace_id = ${workspaceId} and r.${ident(settles.link)} = ${doc.id} and r.deleted_at is null and r.${ident(settles.booked)} is null
      order by r.id for update`,
  );
  const sum = rows.reduce((total, [, amount]) => total + BigInt(amount as string), 0n);
  const gross = BigInt(doc[kind.document!.totals.gross] as number);
  const other = rows.find(([, , per]) => per !== doc[kind.document!.currency]);
  if (rows.length > 0 && (other || sum > gross || sum < 0n))
    throw new Problem(
      "unprocessable",
      `its ${settler.plural} do not fit it: they come to ${sum}, it to ${gross} ${doc[kind.document!.currency]}`,
      [`GET /${kind.plural}/${shortId(doc.id)}/${settler.plural} shows them`],
    );
  const puts = (at: string) =>
    rows.map(([id]): Put => ({ kind: settler, id: id as string, action: "updated", sets: { [settles.booked]: at } }));
  return { sum, into: settles.into, puts };
}

/** Of a document that takes back another one: the write that counts it into the other, and a note of what is left there. */
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
