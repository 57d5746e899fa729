import { asStored, rowsFrom } from "../../derive/slots.ts";
import type { View } from "../../derive/view.ts";
import { numbered, type Statement } from "../../postgres/sql.ts";
import { derived } from "../../records/derived.ts";
import type { Kind } from "../../records/kind.ts";
import type { Author } from "../database.ts";
import { authorValues } from "./author.ts";
import { FIRST_VALUE, tableOf } from "./table.ts";

/** A create counts against `cap`, where the plan has one for the kind; with a `claim` it happens once for its idempotency key. */
export type Way = { creates: boolean; claim?: Claim | undefined; cap?: number | undefined };

/** What makes a repeated create the same create: the caller's key, and a fingerprint of what was asked. */
export type Claim = { key: string; fingerprint: string };

export type Values = {
  /** Column values to set, whether the record is there or not; null clears. Links by key. */
  sent: Record<string, unknown>;
  /** Further values of a new record. */
  initial: Record<string, unknown>;
  /** Members to take out of values that merge, each as `<field>.<key>`. */
  removed: readonly string[];
  /** The record must have one of these versions. */
  versions: readonly number[] | undefined;
};

/** `id`: of a new record, or the key of the one to change. */
export type Write = { author: Author; entryId: string; id: string; values: Values };

/**
 * The statement of a write and of its history entry: one call of the kind's function (see derive/writeFunction.ts). Its text is the same
 * whatever is written. Undefined when a change brings nothing. Where the database is `spread`, it gives what `shownStatement` takes.
 */
export function writeStatement(
  view: View,
  { creates, claim, cap }: Way,
  { author, entryId, id, values }: Write,
  spread = false,
): Statement | undefined {
  const { sent, initial, removed, versions } = values;
  if (!creates && Object.keys(sent).length === 0) return undefined;
  return (spread ? spreadCallOf(view.kind) : callOf(view))([
    ...authorValues(author),
    entryId,
    id,
    creates,
    versions ?? null,
    cap ?? null,
    claim?.key ?? null,
    claim?.fingerprint ?? null,
    asStored(view.kind, sent, true),
    asStored(view.kind, initial, false),
    removed,
  ]);
}

/**
 * Changes many records in one statement: `$1` to `$7` the author, `$8` ids, `$9` ids of entries, `$10` which of the options each record gets, `$11`
 * the options. Gives the ids of those in which something changed.
 */
export const changeStatement = derived((kind: Kind) =>
  numbered(
    `select w.id from unnest($8::text[], $9::text[], $10::integer[]) as u (id, entry, option)
      cross join lateral (select $11::jsonb -> 'options' -> u.option as values) o
      cross join lateral ${kind.table}_write($1, $2, $3, $4, $5, $6, $7, u.entry, u.id, false, null, null, null, null,
        o.values -> 'sent', '{}', array(select jsonb_array_elements_text(o.values -> 'removed'))) w`,
  ),
);

const ARGUMENTS = Array.from({ length: 17 }, (_, i) => `$${i + 1}`).join(", ");

const callOf = derived((view: View) =>
  numbered(
    `select ${tableOf(view.kind).select(view, FIRST_VALUE).text} from ${rowsFrom(view.kind, `${view.kind.table}_write(${ARGUMENTS})`)} r`,
  ),
);

/** The call by itself: beside a look at other tables it would not go to the server of the workspace as a whole. The record as text keeps every digit. */
const spreadCallOf = derived((kind: Kind) =>
  numbered(`select r.id, to_jsonb(r)::text from ${kind.table}_write(${ARGUMENTS}) r`),
);

/** What a view shows of a record that was just written: `$1` the workspace, `$2` the record. */
export const shownStatement = derived((view: View) => {
  const written = rowsFrom(view.kind, `jsonb_populate_record(null::${view.kind.table}, $2::text::jsonb)`);
  return numbered(`select ${tableOf(view.kind).select(view, FIRST_VALUE).text} from ${written} r where $1::text <> ''`);
});
