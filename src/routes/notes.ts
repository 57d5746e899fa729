import { namedRecords } from "../db/records/references.ts";
import type { Written } from "../derive/body.ts";
import { columnOf, type Row, rowId, type View } from "../derive/view.ts";
import { shortId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { oneOf } from "../kit/words.ts";
import { choicesOf, fieldOf, knownOf, labelsOf, type RecordDefinition, wantedOf } from "../records/define.ts";
import type { Authenticated } from "../service/route.ts";
import { mayRead } from "./readable.ts";

/** What a write may have meant otherwise is told beside its answer. */

/** A record made without its natural key may be one that is there already: say who is called the same. */
export async function namesakes(
  context: Authenticated,
  definition: RecordDefinition,
  { sent, initial }: Written,
  id: string,
): Promise<string[]> {
  const { naturalKey, title, name, plural } = definition;
  if (!naturalKey || sent[naturalKey] || !mayRead(context, definition)) return [];
  const called = String(sent[title] ?? initial[title]);
  const { db } = context.services;
  const others = (await namedRecords(db, context.session.workspaceId, definition, called)).filter((other) => other !== id);
  // Without ids: clients that cut the new one out of the answer must find no other.
  const found = `GET /${plural}?${title}=like:${encodeURIComponent([...called].slice(0, 100).join(""))}`;
  return others.length === 0
    ? []
    : [`there is another ${name} of this ${title}: ${found}; ${oneOf(naturalKey)} keeps ${plural} apart`];
}

/** A new record got a usual value that its caller did not send. */
export function assumed(definition: RecordDefinition, { initial }: Written): string[] {
  return knownOf(definition).flatMap(({ name, kind }) =>
    initial[name] === undefined ? [] : [`${name} is ${initial[name]}, for none was sent; ${name} is ${kind.expects}`],
  );
}

/** A value that comes near a usual one may be a misspelling of it. */
export function unusual(definition: RecordDefinition, { sent }: Written): string[] {
  return knownOf(definition).flatMap(({ name, kind }) => {
    const value = sent[name];
    if (typeof value !== "string" || kind.known!.includes(value)) return [];
    const near = nearest(value, kind.known!, 1);
    return near.length > 0 ? [`${name} ${echo(value)} is none of the usual; did you mean ${near[0]}?`] : [];
  });
}

/** What a record ought to have by what it is: a lost deal a reason. Told for as long as it has none. */
export function wanting(view: View, row: Row, { sent }: Written): string[] {
  const { definition } = view;
  return wantedOf(definition).flatMap(({ name, about, wanted }) => {
    const source = fieldOf(definition, wanted!.field)!;
    const is = row[columnOf(view, source) ?? -1] ?? sent[source.name];
    const at = columnOf(view, fieldOf(definition, name)!);
    const value = at === undefined ? (sent[source.name] === undefined ? undefined : (sent[name] ?? null)) : row[at];
    if (is !== wanted!.value || value !== null) return [];
    return [`${name} is empty (${about}): PATCH /${definition.plural}/${shortId(rowId(row))} {"${name}":"…"}`];
  });
}

/**
 * A label that reads like another field's choice does not make it: `stage=won` leaves a deal open. Told where the caller sent no choice, and the
 * answer shows which it is.
 */
export function unchosen(view: View, row: Row, { sent }: Written): string[] {
  const { definition } = view;
  const labels = labelsOf(definition).filter(({ name }) => typeof sent[name] === "string");
  const choices = choicesOf(definition).filter(({ name }) => sent[name] === undefined);
  return labels.flatMap((label) =>
    choices.flatMap((choice) => {
      const is = row[columnOf(view, choice) ?? -1];
      const words = (sent[label.name] as string).toLowerCase().split(/[^\p{L}\p{M}'’]+/u);
      const meant = words.find((word) => choice.kind.choices?.includes(word));
      if (is === undefined || meant === undefined || meant === is) return [];
      const path = `/${definition.plural}/${shortId(rowId(row))}`;
      return [
        `${choice.name} is still ${is}, whatever the ${label.name}; to change it: PATCH ${path} {"${choice.name}":"${meant}"}`,
      ];
    }),
  );
}
