import { type Made, type Making, withLinked } from "../db/records/linked.ts";
import type { Lacks } from "../db/records/write.ts";
import { inUnit } from "../db/unit.ts";
import type { Written } from "../derive/written.ts";
import { echo } from "../kit/line.ts";
import { covers, WRITES } from "../kit/scope.ts";
import type { Kind } from "../records/kind.ts";
import { lacksScope } from "../service/permit.ts";
import type { Authenticated } from "../service/route.ts";

/**
 * Runs a write whose body may name linked records by bodies of their own: these are found or made in the same transaction. `notes` tell what was
 * made.
 */
export function withLinks<T>(
  context: Authenticated,
  kind: Kind,
  written: Written,
  write: (context: Authenticated, written: Written, notes: string[]) => Promise<T>,
): Promise<T> {
  if (!Object.values(written.links).some((choice) => choice?.body)) return write(context, written, []);
  return inUnit(context.db, async (unit) => {
    const linked = await withLinked(unit, context.author, kind, written, makingOf(context));
    return write({ ...context, db: unit }, linked.written, linked.made.map(told));
  });
}

const told = ({ kind, title }: Made) => `${kind.name} ${echo(title)} was made with it`;

/** What the caller's plan and scopes allow. */
export const makingOf = ({ services, session }: Authenticated): Making => ({
  ids: services.ids,
  termsOf: (kind) => ({ cap: services.plans.of(session.plan).caps[kind.plural], lacks: scopesLacking(session, kind) }),
});

/** Whether a POST creates or updates, only the write can tell. */
export function scopesLacking(session: Authenticated["session"], { plural }: Kind): Lacks {
  const lacking = WRITES.filter((verb) => !covers(session.scopes, verb, plural));
  return Object.fromEntries(lacking.map((verb) => [verb, lacksScope(session, verb, plural)]));
}
