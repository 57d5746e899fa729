import { json } from "../formats/json.ts";
import type { Encoded } from "../http/reply.ts";
import { PROBLEMS, Problem, type ProblemCode } from "../kit/problem.ts";

/** The refusal that an inner request was answered with, in text or JSON, as one to throw: `told` words it. */
export function innerProblem({ headers, body }: Encoded, told: (message: string) => string): Problem {
  const { code, message, hints } =
    headers["Content-Type"] === json.contentType ? readJson(String(body)) : readText(String(body));
  return new Problem((code in PROBLEMS ? code : "unprocessable") as ProblemCode, told(message), hints);
}

type Refusal = { code: string; message: string; hints: string[] };

function readJson(text: string): Refusal {
  const { error, message, hint } = JSON.parse(text) as { error: string; message: string; hint: string | null };
  return { code: error, message, hints: hint?.split("\n") ?? [] };
}

function readText(text: string): Refusal {
  const [first = "", ...others] = text.split("\n");
  const [, code = "", message = first] = /^ERROR (\w+) (.*)/.exec(first) ?? [];
  return { code, message, hints: others.filter((line) => line.startsWith("HINT  ")).map((line) => line.slice(6)) };
}
