import type { Problem, ProblemCode } from "../../kit/problem.ts";
import type { Dialect, Values } from "../dialect.ts";

/** How agentCRM's answers look: the data, and beside it what is to be known of it. */
export const envelope: Dialect["envelope"] = (said, { session, requestId }) => {
  const meta = { workspace_id: session?.workspaceId ?? null, request_id: requestId, ...said.meta };
  if (said.is === "one") return { data: said.row, _meta: meta };
  const { page } = said;
  const place = page
    ? { count: said.rows.length, limit: page.limit, next_cursor: page.next, has_more: page.next !== null }
    : { count: said.rows.length };
  return { data: said.rows, _meta: { ...meta, ...place } };
};

/** What a refusal is called there, and the SQLSTATE that PostgreSQL would give for it. Other codes keep our name. */
const ERRORS: { [code in ProblemCode]?: [error: string, sqlstate: string] } = {
  missing_field: ["missing_field", "23502"],
  invalid_field: ["unknown_column", "42703"],
  invalid_value: ["invalid_value", "22P02"],
  invalid_email: ["invalid_value", "22P02"],
  invalid_filter: ["invalid_filter", "42703"],
  invalid_op: ["invalid_filter", "42883"],
  auth_required: ["unauthorized", "28000"],
  invalid_token: ["unauthorized", "28000"],
  token_expired: ["unauthorized", "28000"],
  admin_required: ["forbidden", "42501"],
  scope_required: ["forbidden", "42501"],
  escalation_required: ["forbidden", "42501"],
  plan_limit_reached: ["limit_reached", "53400"],
  not_found: ["not_found", "P0002"],
  purged: ["gone", "P0002"],
  already_exists: ["conflict", "23505"],
  unprocessable: ["foreign_key_violation", "23503"],
  body_too_large: ["too_large", "54000"],
  rate_limited: ["rate_limited", "53300"],
  busy: ["busy", "53300"],
  not_ready: ["not_ready", "57P03"],
  internal: ["internal_error", "XX000"],
};

export const refusal: Dialect["refusal"] = (problem: Problem, requestId, baseUrl) => {
  const { code, message, hints } = problem;
  const { code: escalation_code, confirm: _, sqlstate: found, ...values } = problem.values;
  const [error, usual] = ERRORS[code] ?? [code, undefined];
  const sqlstate = found ?? usual;
  const body: Values = {
    error,
    message,
    ...(sqlstate === undefined ? {} : { code: sqlstate }),
    hint: hints.join("\n") || null,
    ...values,
    ...(escalation_code === undefined ? {} : { escalation_code }),
    docs_url: `${baseUrl}/help/dialects`,
    request_id: requestId,
  };
  return { status: problem.status, body };
};
