import { Problem } from "../../kit/problem.ts";
import type { Dialect, Values } from "../dialect.ts";
import type { Vocabulary } from "../vocabulary.ts";
import { Misfit } from "./fits.ts";
import { LISTS } from "./tables.ts";

/** How ultra-api's answers look. */
export const envelope: Dialect["envelope"] = (said, { requestId }) => ({
  success: true,
  data: said.is === "one" ? said.row : said.rows,
  error: null,
  meta: { requestId, ...said.meta },
});

/** A refusal: what is wrong and what to do about it in one text, and for programs in parts. */
export function failure(problem: Problem, meta: Values): Values {
  const { status, code, message, hints } = problem;
  const field = problem instanceof Misfit ? { field: problem.field } : {};
  return {
    success: false,
    data: null,
    error: [message, ...hints].join("; "),
    meta: { ...meta, status, code, ...field, hints },
  };
}

export const refusal: Dialect["refusal"] = (problem, requestId) => ({
  status: problem.status,
  body: failure(problem, { requestId, traceId: requestId }),
});

/** Refusals that begin with the name of a field. */
const OF_FIELDS: readonly string[] = ["missing_field", "invalid_field", "invalid_value", "invalid_email"];

/** Our words in a refusal become theirs. Where a hint names one of our paths, whoever knows only tools is told the tool. */
export function retold(problem: Problem, words: Vocabulary | undefined): Problem {
  if (problem instanceof Misfit) return problem;
  const tell = (text: string) =>
    (words?.retold(text) ?? text)
      .replaceAll("campaign_members", "campaign contacts")
      .replace(/\bGET \/([a-z_]+)(?:[/?]\S*)?/g, (whole, plural: string) => LISTS[plural] ?? whole);
  const { code, headers, values, cause } = problem;
  const [message, hints] = [tell(problem.message), problem.hints.map(tell)];
  const first = /^\w+/.exec(message)?.[0] ?? "";
  if (OF_FIELDS.includes(code) && words?.named(first)) return new Misfit(`input.${first}`, code, message, hints);
  return new Problem(code, message, hints, { headers, values, cause });
}
