import { checkName, onceConstraint } from "../../derive/ddl.ts";
import { Problem } from "../../kit/problem.ts";
import { oneOf } from "../../kit/words.ts";
import { constraintOf, toProblem } from "../../postgres/errors.ts";
import type { Kind } from "../../records/kind.ts";
import { answerRefusal } from "../records/answered.ts";
import { frozenRefusal } from "../records/frozen.ts";
import { keyConstraint, refuseTwice } from "../records/refusal.ts";

/** Why a write of one record failed, as its row is told. */
export function rowRefusal(kind: Kind, error: unknown, mayRead?: (plural: string) => boolean): Problem {
  const constraint = constraintOf(error);
  const { plural, name, naturalKey } = kind;
  if (constraint === "usage_within_cap") {
    return new Problem("plan_limit_reached", `the plan allows no more ${plural}`, "GET /whoami shows the caps");
  }
  if (kind.joins && constraint === onceConstraint(kind)) return refuseTwice(kind);
  if (constraint === keyConstraint(kind)) {
    return new Problem("already_exists", `another ${name} has this ${naturalKey}`, `GET /${plural}?${naturalKey}=… shows it`);
  }
  const kept = frozenRefusal(kind, error, mayRead) ?? answerRefusal(kind, error);
  if (kept) return kept;
  if (constraint === `${plural}_needs_one_of`) {
    return new Problem("missing_field", `${oneOf(name)} keeps at least one of ${kind.needsOneOf?.join(", ")}`);
  }
  const unfit = kind.fields.find((field) => field.type.check && constraint === checkName(kind, field));
  if (!unfit) return toProblem(error);
  const { message, hint } = unfit.type.check!.broken(unfit.name);
  return new Problem("invalid_value", `${message} on this ${name}`, hint);
}

/** Whether the ids that were made for new rows are taken: others will do. */
export const isHandleTaken = (error: unknown): boolean => constraintOf(error)?.endsWith("_handle_key") === true;
