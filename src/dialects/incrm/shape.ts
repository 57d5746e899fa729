import type { ProblemCode } from "../../kit/problem.ts";
import type { Dialect } from "../dialect.ts";

/** How InCRM's answers look. */
export const envelope: Dialect["envelope"] = (said) => {
  const { meta = {} } = said;
  if (said.is === "one") return { success: true, data: said.row, ...(Object.keys(meta).length > 0 ? { meta } : {}) };
  const { page } = said;
  if (page?.number === undefined)
    return { success: true, data: said.rows, meta: { total: said.rows.length, next: null, ...meta } };
  const { number, limit, next, total = said.rows.length } = page;
  const lastPage = Math.max(1, Math.ceil(total / limit), next === null ? 1 : number + 1);
  return {
    success: true,
    data: said.rows,
    meta: {
      total,
      page: number,
      perPage: limit,
      currentPage: number,
      lastPage,
      prev: number > 1 ? number - 1 : null,
      next: next === null ? null : number + 1,
      ...meta,
    },
  };
};

/** Their codes begin with a status, and the status that is answered need not be that one. */
const CODES: { [code in ProblemCode]?: number } = {
  auth_required: 401001,
  invalid_token: 401002,
  token_expired: 401003,
  scope_required: 401014,
  admin_required: 401014,
  plan_limit_reached: 403002,
  escalation_required: 403003,
  not_found: 404001,
  purged: 410001,
  method_not_allowed: 405001,
  already_exists: 409001,
  version_conflict: 412001,
  unprocessable: 422001,
  rate_limited: 429001,
  internal: 500001,
};

/** Printed so, and held against by programs: it has no hint in it. */
const LACKING = "Insufficient permissions for this action";

export const refusal: Dialect["refusal"] = ({ status, code: ours, message, hints }) => {
  const code = CODES[ours] ?? status * 1000;
  if (code === CODES.scope_required) return { status, body: { success: false, error: { code, message: LACKING } } };
  return { status, body: { success: false, error: { code, message: [message, ...hints].join("; "), type: ours } } };
};
