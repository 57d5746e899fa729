import { wasDeleted } from "../db/records/addresses.ts";
import { namedRecords } from "../db/records/references.ts";
import { columnOf, type Row, rowId, type View } from "../derive/view.ts";
import type { Written } from "../derive/written.ts";
import { shortId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { oneOf } from "../kit/words.ts";
import { choicesOf, type Kind, knownOf, labelsOf, wantedOf } from "../records/kind.ts";
import type { Authenticated } from "../service/route.ts";
import { mayRead } from "./readable.ts";

/** What a write may have meant otherwise is told beside its answer. */

/** A record made without its natural key may be one that is there already: say who is called the same. */
export async function namesakes(context: Authenticated, kind: Kind, { sent, initial }: Written, id: string): Promise<string[]> {
  const { naturalKey, title, titleField, name, plural } = kind;
  // A title that a record may be without is no name: many mails have one subject.
  if (!naturalKey || titleField.initially !== undefined || sent[naturalKey] || !mayRead(context, kind)) return [];
  const called = String(sent[title] ?? initial[title]);
  const { db } = context;
  const others = (await namedRecords(db, context.session.workspaceId, kind, called)).filter((other) => other !== id);
  // Without ids: clients that cut the new one out of the answer must find no other.
  const found = `GET /${plural}?${title}=like:${encodeURIComponent([...called].slice(0, 100).join(""))}`;
  return others.length === 0
    ? []
    : [`there is another ${name} of this ${title}: ${found}; ${oneOf(naturalKey)} keeps ${plural} apart`];
}

/** A new record may be a deleted one that has this natural key. */
export async function deletedTwins(context: Authenticated, kind: Kind, { sent }: Written): Promise<string[]> {
  const { naturalKey = "", name, plural } = kind;
  const value = sent[naturalKey] as string | null | undefined;
  if (!value || !mayRead(context, kind) || !(await wasDeleted(context.db, context.session.workspaceId, kind, value))) return [];
  const found = `GET /${plural}?deleted=only&${naturalKey}=${encodeURIComponent(value)}`;
  return [`a deleted ${name} had this ${naturalKey}: ${found} shows it, POST /${plural}/{id}/restore brings it back`];
}

/** A new record got a usual value that its caller did not send. */
export function assumed(kind: Kind, { initial }: Written): string[] {
  return knownOf(kind).flatMap(({ name, type }) =>
    initial[name] === undefined ? [] : [`${name} is ${initial[name]}, for none was sent; ${name} is ${type.expects}`],
  );
}

/** A value that comes near a usual one may be a misspelling of it. */
export function unusual(kind: Kind, { sent }: Written): string[] {
  return knownOf(kind).flatMap(({ name, type }) => {
    const value = sent[name];
    if (typeof value !== "string" || type.known!.includes(value)) return [];
    const near = nearest(value, type.known!, 1);
    return near.length > 0 ? [`${name} ${echo(value)} is none of the usual; did you mean ${near[0]}?`] : [];
  });
}

/** What a record ought to have by what it is: a lost deal a reason. Told for as long as it has none. */
export function wanting(view: View, row: Row, { sent }: Written): string[] {
  const { kind } = view;
  return wantedOf(kind).flatMap(({ name, about, wanted }) => {
    const source = kind.field(wanted!.field)!;
    const is = row[columnOf(view, source) ?? -1] ?? sent[source.name];
    const at = columnOf(view, kind.field(name)!);
    const value = at === undefined ? (sent[source.name] === undefined ? undefined : (sent[name] ?? null)) : row[at];
    if (is !== wanted!.value || value !== null) return [];
    return [`${name} is empty (${about}): PATCH /${kind.plural}/${shortId(rowId(row))} {"${name}":"…"}`];
  });
}

/**
 * A label that reads like another field's choice does not make it: `stage=won` leaves a deal open. Told where the caller sent no choice, and the
 * answer shows which it is.
 */
export function unchosen(view: View, row: Row, { sent }: Written): string[] {
  const { kind } = view;
  const labels = labelsOf(kind).filter(({ name }) => typeof sent[name] === "string");
  const choices = choicesOf(kind).filter(({ name }) => sent[name] === undefined);
  return labels.flatMap((label) =>
    choices.flatMap((choice) => {
      const is = row[columnOf(view, choice) ?? -1];
      const words = (sent[label.name] as string).toLowerCase().split(/[^\p{L}\p{M}'’]+/u);
      const meant = words.find((word) => choice.type.choices?.includes(word));
      if (is === undefined || meant === undefined || meant === is) return [];
      const path = `/${kind.plural}/${shortId(rowId(row))}`;
      return [
        `${choice.name} is still ${is}, whatever the ${label.name}; to change it: PATCH ${path} {"${choice.name}":"${meant}"}`,
      ];
    }),
  );
}
