import { shortId } from "../kit/id.ts";
import type { Kind } from "../records/kind.ts";
import type { Authenticated } from "../service/route.ts";

type Last = { change: string; id: string; told: boolean };

/** The last change of one record that came with a session, which is kept for some seconds. */
const lasts = new WeakMap<Authenticated["session"], Last>();

/** Whoever makes one change of record after record is told once how all of them are changed at once. */
export function manyAtOnce({ session, body, db, dryRun }: Authenticated, { plural }: Kind, id: string): string[] {
  if (dryRun || db.isUnit) return [];
  const change = JSON.stringify([plural, Object.entries(body.values).sort()]);
  const last = lasts.get(session);
  const isSame = last?.change === change;
  const tells = isSame && !last.told && last.id !== id;
  lasts.set(session, { change, id, told: isSame && (last.told || tells) });
  if (!tells) return [];
  return [
    `many? PATCH /${plural}?id=in:${shortId(last.id)},${shortId(id)},… changes all of them, other filters too: GET /help/bulk`,
  ];
}
