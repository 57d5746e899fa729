import type { Session } from "../db/people/sessions.ts";
import { SPEAKING } from "../formats/all.ts";
import type { Speaking } from "../formats/format.ts";
import { text } from "../formats/text.ts";
import { acceptedFormat } from "../http/accept.ts";
import type { Body } from "../http/body.ts";
import { type Encoded, encodeProblem, type Outgoing } from "../http/reply.ts";
import type { Request } from "../http/request.ts";
import { Problem } from "../kit/problem.ts";
import type { Authenticated, Refuse, Services } from "./route.ts";

/** A request on its way: what its answer and the log want to know of it, however far it came. */
export type Passage = {
  requestId: string;
  /** Milliseconds of performance.now(). */
  begun: number;
  /** Name, value, name, value. */
  headers: string[];
  /** The format of a refusal. */
  format: Speaking;
  /** The path of its route as declared. */
  place: string;
  /** How its route refuses. */
  refuse: Refuse;
  /** The id of its token. */
  caller: string | undefined;
  session: Session | undefined;
  /** It counts against the caller's rate once. */
  counted: boolean;
  /** The body, once it was read. */
  body: Body | undefined;
};

export function enter({ ids }: Services, { headers }: Request, asker: Authenticated | undefined): Passage {
  const requestId = asker?.requestId ?? ids("req");
  return {
    requestId,
    begun: performance.now(),
    headers: ["Vary", "Accept", "X-Request-Id", requestId],
    format: acceptedFormat(headers.accept, SPEAKING) ?? text,
    place: "none",
    refuse: encodeProblem,
    caller: undefined,
    session: undefined,
    counted: false,
    body: undefined,
  };
}

export function leave({ metrics, config, log }: Services, { method }: Request, passage: Passage, encoded: Encoded): Outgoing {
  const { requestId, begun, place, caller } = passage;
  const { status, headers, body, chunks } = encoded;
  const ms = performance.now() - begun;
  metrics.observe(method, place, status, ms / 1000);
  if (config.accessLog)
    log.info("request", { request_id: requestId, method, route: place, status, ms: ms.toFixed(1), token_id: caller });
  const outgoing: Outgoing = { status, headers, common: passage.headers, body };
  if (!chunks) return outgoing;
  const onCut = (error: unknown) => log.warn("stream_cut", { request_id: requestId, route: place, reason: String(error) });
  return { ...outgoing, chunks, onCut };
}

export function logFault({ log }: Services, requestId: string, request: Request, problem: Problem): void {
  const cause = problem.cause instanceof Error ? (problem.cause.stack ?? problem.cause.message) : undefined;
  log.error("fault", {
    request_id: requestId,
    method: request.method,
    path: request.target.split("?")[0],
    code: problem.code,
    message: problem.message,
    cause,
  });
}

/** The inside of a fault stays in the log. */
export function told(problem: Problem, requestId: string): Problem {
  if (problem.code !== "internal") return problem;
  return new Problem(
    "internal",
    "the service failed; nothing is known to have changed",
    `tell who runs it the request id ${requestId}, then read before you repeat`,
  );
}
