import { frozenName, settleName } from "../../derive/computed.ts";
import { shortId } from "../../kit/id.ts";
import { Problem } from "../../kit/problem.ts";
import { oneOf } from "../../kit/words.ts";
import { constraintOf } from "../../postgres/errors.ts";
import type { Kind } from "../../records/kind.ts";

/** Refusals of what would change a frozen record. The database keeps it as it is (derive/computed.ts); here is what to do instead. */

export function frozenProblem(kind: Kind, id?: string): Problem {
  const { name, frozen } = kind;
  const free = frozen!.free.filter((each) => !kind.field(each)!.readOnly);
  const what = id === undefined ? `${oneOf(name)} with ${frozen!.when}` : `${name}/${shortId(id)} has ${frozen!.when}: it`;
  return new Problem("unprocessable", `${what} cannot be changed, deleted or merged`, [
    frozen!.instead,
    `what may still change: ${free.join(", ")}`,
  ]);
}

/** The refusal of a write that would change what is frozen, or settle what is not open. */
export function frozenRefusal(kind: Kind, error: unknown): Problem | undefined {
  const constraint = constraintOf(error);
  if (constraint === undefined) return undefined;
  const { settles } = kind;
  if (kind.frozen && constraint === frozenName(kind)) return frozenProblem(kind);
  if (!settles || constraint !== settleName(kind)) return undefined;
  const { target } = kind.field(settles.link)!.link!;
  return new Problem("unprocessable", `the ${settles.amount} does not fit the ${target.name}`, [
    `it has to be one that was given out, in the same ${settles.per}, with that much still open: GET /${target.plural}/{id} tells`,
  ]);
}

/** The same of an error of which the kind is not known: many ways in write records of several. */
export function frozenAmong(kinds: readonly Kind[], error: unknown): Problem | undefined {
  if (constraintOf(error) === undefined) return undefined;
  for (const kind of kinds) {
    const refused = frozenRefusal(kind, error);
    if (refused) return refused;
  }
  return undefined;
}
