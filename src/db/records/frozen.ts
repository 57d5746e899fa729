import { frozenName, settleName } from "../../derive/computed.ts";
import { amountText } from "../../kit/amounts.ts";
import { shortId } from "../../kit/id.ts";
import { Problem } from "../../kit/problem.ts";
import { oneOf } from "../../kit/words.ts";
import { constraintOf, detailOf } from "../../postgres/errors.ts";
import type { Kind } from "../../records/kind.ts";

type MayRead = (plural: string) => boolean;

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
export function frozenRefusal(kind: Kind, error: unknown, mayRead: MayRead = () => false): Problem | undefined {
  const constraint = constraintOf(error);
  if (constraint === undefined) return undefined;
  const { settles } = kind;
  if (kind.frozen && constraint === frozenName(kind)) return frozenProblem(kind);
  if (!settles || constraint !== settleName(kind)) return undefined;
  const { target } = kind.field(settles.link)!.link!;
  const detail = detailOf(error);
  if (detail !== undefined && mayRead(target.plural)) return unsettled(kind, target, JSON.parse(detail) as Unsettled);
  return new Problem("unprocessable", `the ${settles.amount} does not fit the ${target.name}`, [
    `it has to be one that was given out, in the same ${settles.per}, with that much still open: GET /${target.plural}/{id} tells`,
  ]);
}

/** Why a payment was refused: the facts of the document it was for, as the write function reports them. */
type Unsettled = {
  id: string;
  number: string;
  currency: string;
  sent: number;
  paid: number;
  open: number;
  ended: boolean;
  takes_back: boolean;
};

function unsettled({ settles, plural }: Kind, target: Kind, found: Unsettled): Problem {
  const { amount, per } = settles!;
  const { id, number, currency, sent, paid, open } = found;
  const which = `${target.name}/${shortId(id)} (${number})`;
  const refused = (why: string, hint: string) => new Problem("unprocessable", `${which} ${why}`, hint);
  const show = `GET /${target.plural}/${shortId(id)}`;
  if (found.takes_back) return refused("is a credit note: nobody pays it", show);
  if (sent < 0 && paid + sent < 0)
    return refused(`was paid ${amountText(paid, currency)} (${paid}): no more can be paid back`, `${amount} from -${paid} on`);
  if (found.ended) return refused("is cancelled: nothing of it is open", show);
  if (sent > open)
    return refused(
      `has ${amountText(open, currency)} open, not ${amountText(sent, currency)}`,
      open > 0 ? `send ${amount} ${open} at most` : `${show}/${plural} shows what was paid`,
    );
  return refused(`is in ${currency}`, `leave ${per} out, or send "${per}":"${currency}"`);
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
