import type { Reading } from "../fields/type.ts";
import { Problem } from "../kit/problem.ts";
import { oneOf } from "../kit/words.ts";
import type { Field, Kind } from "../records/kind.ts";

import type { Written } from "./written.ts";
/** Gives a new record its initial values, the missing title its parts or the value of the natural key, and refuses what is still not there. */
export function complete(kind: Kind, written: Written, reading: Reading): void {
  for (const field of kind.fields) {
    if (field.initially === undefined || field.beside || written.sent[field.name] != null) continue;
    // Of nothing no record is made, also where it may be without a title.
    if (field === kind.titleField && Object.values(written.sent).every((value) => value == null)) continue;
    written.initial[field.name] = field.type.toColumn(field.initially, reading);
  }
  for (const { name, list } of kind.fields) {
    const first = list && written.sent[name] == null && firstOf(written.sent[list.name]);
    // An upsert looks for its record by the natural key, and leaves other main values as they are.
    if (first) (name === kind.naturalKey ? written.sent : written.initial)[name] = first;
  }
  const { title, titleParts = [], needsOneOf } = kind;
  const key = titleStandIn(kind);
  const parts = titleParts.flatMap((part) => written.sent[part] ?? []);
  const standIn = parts.length > 0 ? parts.join(" ") : key && written.sent[key];
  if (written.sent[title] == null && standIn != null) written.initial[title] = standIn;
  if (key !== undefined && written.sent[title] == null && written.initial[title] == null)
    throw new Problem("missing_field", `${oneOf(kind.name)} needs ${oneOf(title)} or ${oneOf(key)}`, exampleOf(kind));
  for (const field of kind.fields) {
    if (!field.required || hasValue(written, field)) continue;
    const named = field.link ? `${field.name} or ${field.link.shown.name}` : field.name;
    throw new Problem("missing_field", `${oneOf(kind.name)} needs ${named}: ${field.type.expects}`, exampleOf(kind));
  }
  if (needsOneOf && !kind.links.some(({ id, name }) => needsOneOf.includes(id.name) && written.links[name]))
    throw new Problem("missing_field", `${oneOf(kind.name)} needs one of ${needsOneOf.join(", ")}`, exampleOf(kind));
}

/** The first of a list of further values is the main one of a new record that comes without. */
function firstOf(list: unknown): string | undefined {
  const items = Array.isArray(list) ? list : ((list ?? {}) as { add?: unknown[] }).add;
  return items?.[0] as string | undefined;
}

/** The field whose value names a record that was sent without its title. */
export const titleStandIn = ({ title, titleField, naturalKey }: Kind): string | undefined =>
  naturalKey === title || titleField.initially !== undefined ? undefined : naturalKey;

const hasValue = ({ sent, initial, links }: Written, { name, link }: Field): boolean =>
  link ? links[link.name] != null : sent[name] != null || initial[name] != null;

export function exampleOf(kind: Kind): string {
  return `POST /${kind.plural} ${JSON.stringify(kind.example)}`;
}
