import { Problem } from "../../kit/problem.ts";
import type { Dialect, Values } from "../dialect.ts";
import { Misfit } from "./fits.ts";

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

/** Where a hint names one of our paths, whoever knows only tools is told the tool. */
export function retold(
  problem: Problem,
  toolOf: (plural: string) => string | undefined,
  words: (text: string) => string,
): Problem {
  const tell = (text: string) =>
    words(text)
      .replaceAll("campaign_members", "campaign contacts")
      .replace(/\bGET \/([a-z_]+)(?:[/?]\S*)?/g, (whole, plural: string) => toolOf(plural) ?? whole);
  const { code, message, hints, headers, values, cause } = problem;
  if (problem instanceof Misfit) return problem;
  return new Problem(code, tell(message), hints.map(tell), { headers, values, cause });
}
