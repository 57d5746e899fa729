import { namedRecords } from "../db/references.ts";
import type { Written } from "../derive/schema.ts";
import { oneOf } from "../kit/words.ts";
import type { RecordDefinition } from "../records/define.ts";
import type { Authenticated } from "./route.ts";

/** What a write may have meant otherwise is told beside its answer. */

/** A record made without its natural key may be one that is there already: say who is called the same. */
export async function namesakes(
  context: Authenticated,
  definition: RecordDefinition,
  { sent, initial }: Written,
  id: string,
): Promise<string[]> {
  const { naturalKey, title, name, plural } = definition;
  if (!naturalKey || sent[naturalKey]) return [];
  const called = String(sent[title] ?? initial[title]);
  const { db } = context.services;
  const others = (await namedRecords(db, context.session.workspaceId, definition, called)).filter((other) => other !== id);
  // Without ids: clients that cut the new one out of the answer must find no other.
  const found = `GET /${plural}?${title}=${encodeURIComponent(called.slice(0, 100))}`;
  return others.length === 0
    ? []
    : [`there is another ${name} of this ${title}: ${found}; ${oneOf(naturalKey)} keeps ${plural} apart`];
}
