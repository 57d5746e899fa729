import { lackingName } from "../../derive/writeLinks.ts";
import type { Refused } from "../../fields/answers.ts";
import { Problem } from "../../kit/problem.ts";
import { oneOf } from "../../kit/words.ts";
import { constraintOf, detailOf } from "../../postgres/errors.ts";
import type { Kind } from "../../records/kind.ts";
import type { Author } from "../database.ts";

/** Raised by the functions that hold answers to what they answer (sql/0052); no table has a constraint of that name. */
const ANSWERS = "crm_answers";

/** A new record shows what it takes from the one that it links to: whoever would read it there has to be good for reading that. */
export function refuseUnseen({ mayRead }: Pick<Author, "mayRead">, kind: Kind): void {
  for (const { copied } of kind.fields) {
    const { target } = (copied && kind.field(copied.by)!.link) ?? {};
    if (!target || !mayRead(kind.plural) || mayRead(target.plural)) continue;
    throw new Problem("scope_required", `the token lacks the scope read or ${target.plural}.read`, [
      `${oneOf(kind.name)} shows the ${copied!.from} of its ${target.name}: ask for a token with ${target.plural}.read`,
    ]);
  }
}

/** The refusal of an answer that does not fit, or of a record without what it is an answer to. */
export function answerRefusal(kind: Kind, error: unknown): Problem | undefined {
  const constraint = constraintOf(error);
  if (constraint === undefined) return undefined;
  const lacking = kind.links.find(({ id }) => constraint === lackingName(kind, id.name));
  if (lacking) {
    const { id, name, target } = lacking;
    return new Problem("missing_field", `${oneOf(kind.name)} needs ${id.name} or ${name}: which ${target.name} it is about`, [
      `GET /${target.plural} lists them; {"${id.name}":"${target.prefix}_…"}`,
    ]);
  }
  const answers = kind.fields.find(({ type }) => type.unanswered);
  if (constraint !== ANSWERS || !answers) return undefined;
  const detail = JSON.parse(detailOf(error) ?? "{}") as Refused;
  const { message, expects } = answers.type.unanswered!(detail);
  const { name } = answers;
  return detail.is === "required"
    ? new Problem("missing_field", `${name} lack ${message}`, `${name} expects ${expects}`)
    : new Problem("invalid_value", `${name} cannot be like that: ${message}`, `${name} expects ${expects}`);
}
