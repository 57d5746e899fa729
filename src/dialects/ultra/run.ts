import type { Parameters } from "../../derive/query.ts";
import { Problem } from "../../kit/problem.ts";
import type { Call, Reply, Said, Values } from "../dialect.ts";
import { agreed, queryOf } from "../verbs.ts";
import { enter } from "./enter.ts";
import { fit } from "./fits.ts";
import { idempotencyKey, notConfirmed, type Request, readRequest } from "./request.ts";
import { failure, retold } from "./shape.ts";
import { type Tool, type Work, writes } from "./tool.ts";
import { inputOf, toolNamed, wordsOf } from "./tools.ts";

/** Runs one tool for the workspace of the caller's token. */
export async function run(call: Call): Promise<Said> {
  const meta: Values = { tool: call.path.toolName, requestId: call.requestId, traceId: call.requestId };
  let tool: Tool | undefined;
  try {
    tool = toolNamed(call.path.toolName!);
    const request = readRequest(call.body);
    Object.assign(meta, { requestId: request.requestId ?? call.requestId, riskLevel: tool.risk, dryRun: request.isDryRun });
    if (!tool.unscoped) await enter(call, request.organizationId);
    fit(inputOf(tool, call), request.input);
    const outcome = await tool.run(workOf(tool, call, request));
    const scope = tool.unscoped ? {} : { organizationId: call.session!.workspaceId };
    return { is: "one", row: outcome.data, meta: { ...meta, ...scope, ...outcome.meta } };
  } catch (error) {
    if (error instanceof Proposed) return { is: "one", status: 202, row: error.proposal, meta: { ...meta, proposed: true } };
    if (!(error instanceof Problem)) throw error;
    const words = tool?.table === undefined ? undefined : wordsOf(call)(tool.table);
    const problem = retold(error, words);
    return { is: "whole", status: problem.status, headers: problem.headers, body: failure(problem, meta) };
  }
}

/** A token that may only propose: the write is kept for somebody to approve, and the tool has nothing to show. */
class Proposed extends Error {
  readonly proposal: Values;
  constructor(proposal: Values) {
    super("the write is proposed");
    this.proposal = proposal;
  }
}

function made(reply: Reply): Reply {
  if (reply.status === 202) throw new Proposed(reply.json);
  return reply;
}

function workOf(tool: Tool, call: Call, request: Request): Work {
  const { isDryRun, isConfirmed, reason } = request;
  const key = idempotencyKey(tool.name, request);
  // No tool makes two writes: where it tries another, the first was not made.
  const keyed: Record<string, string> = key === undefined ? {} : { "idempotency-key": key };
  const told: Record<string, string> = reason === undefined ? {} : { "x-reason": reason };
  return {
    call,
    input: request.input,
    words: wordsOf(call),
    get: (path, query = []) => call.ask("GET", path + queryOf(query)),
    async write(method, path, { query = [], body, headers = {} } = {}) {
      if (!writes(tool)) throw new Error(`${tool.name} writes, and says that it reads`);
      const sent = { ...headers, ...told, ...keyed };
      const asked: Parameters = isDryRun ? [...query, ["dry_run", "true"]] : query;
      if (!tool.confirms || isConfirmed || isDryRun) return made(await agreed(call, method, path, asked, body, sent));
      try {
        return made(await call.ask(method, path + queryOf(asked), body, sent));
      } catch (error) {
        if (!(error instanceof Problem) || error.code !== "confirmation_required") throw error;
        throw notConfirmed(error.message, error.hints.slice(0, -1));
      }
    },
  };
}
