/**
 * Every refusal the service can give. Callers branch on the codes, so a code is never renamed. The manual's table of errors and
 * the OpenAPI document are made from this table.
 */
export const PROBLEMS = {
  bad_request: { status: 400, about: "the request cannot be understood" },
  missing_field: { status: 400, about: "a field the record needs was not sent" },
  invalid_field: { status: 400, about: "there is no such field, or it is read-only" },
  invalid_value: { status: 400, about: "the value does not fit the field" },
  invalid_filter: { status: 400, about: "there is no such filter or parameter" },
  invalid_op: { status: 400, about: "the field does not know this operator" },
  invalid_sort: { status: 400, about: "the list cannot be sorted by this" },
  invalid_cursor: { status: 400, about: "the cursor is not of this list" },
  invalid_email: { status: 400, about: "this is not an e-mail address" },
  sql_error: { status: 400, about: "PostgreSQL refused the query; sqlstate and position tell why and where" },
  auth_required: { status: 401, about: "send a token" },
  invalid_token: { status: 401, about: "the token is unknown or revoked" },
  token_expired: { status: 401, about: "the token was idle for too long" },
  invalid_code: { status: 401, about: "the sign-in code is wrong or used up" },
  admin_required: { status: 403, about: "only an admin of the workspace may do this" },
  scope_required: { status: 403, about: "the token, or your role, does not go that far" },
  plan_limit_reached: { status: 403, about: "the plan's limit is reached: tell the user, do not retry" },
  escalation_required: { status: 403, about: "repeat the request with the code that was mailed" },
  forbidden_origin: { status: 403, about: "the request comes from a place that may not call this server" },
  not_found: { status: 404, about: "there is no such record or path in this workspace" },
  method_not_allowed: { status: 405, about: "the path knows other methods" },
  not_acceptable: { status: 406, about: "the answer cannot be had in any of the types that Accept names" },
  purged: { status: 410, about: "the record was erased for good" },
  confirmation_required: { status: 409, about: "repeat the request with the confirm token it gives" },
  already_exists: { status: 409, about: "another record holds this value" },
  last_admin: { status: 409, about: "a workspace keeps at least one admin" },
  idempotency_conflict: { status: 409, about: "a request with this Idempotency-Key still runs, or what it made is gone" },
  version_conflict: { status: 412, about: "the record has moved on since the version you named" },
  body_too_large: { status: 413, about: "the body is larger than the limit" },
  uri_too_long: { status: 414, about: "the address is longer than the limit" },
  unsupported_media_type: { status: 415, about: "the body is of a type the service does not read" },
  unprocessable: { status: 422, about: "the request refers to a record that is not there" },
  idempotency_mismatch: { status: 422, about: "another request came with this Idempotency-Key before" },
  rate_limited: { status: 429, about: "too many requests: wait as Retry-After says" },
  headers_too_large: { status: 431, about: "the header is larger than the limit" },
  internal: { status: 500, about: "a fault of the server; its log has the request id" },
  not_available: { status: 501, about: "this server is not set up for it: do not retry, tell who runs it" },
  not_ready: { status: 503, about: "the database cannot be reached; try again as Retry-After says" },
  busy: { status: 503, about: "all connections are in use, or the query took too long" },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

/** Values that a refusal can carry for programs, besides its message. */
export const PROBLEM_VALUES = {
  confirm: { type: "string", about: "the token with which the repeated request goes through" },
  code: { type: "string", about: "the code with which it goes through; in local mode only, where no mail is sent" },
  version: { type: "integer", about: "the version the record has now" },
  sqlstate: { type: "string", about: "PostgreSQL's code of the error" },
  position: { type: "integer", about: "the character of the query at which it stands, from 1" },
  outcome: { type: "string", about: "unknown: the change may have been made" },
} as const;

export type ProblemValues = { [name in keyof typeof PROBLEM_VALUES]?: string | number };

export type ProblemOptions = {
  /** Headers of the refusal, such as `Allow` or `Retry-After`. */
  headers?: Record<string, string>;
  /** Values in the answer, such as the confirm token of a two-step delete. */
  values?: ProblemValues;
  cause?: unknown;
};

/** A refusal: `code` for programs, `message` for people, `hints` naming the next request to send. */
export class Problem extends Error {
  override name = "Problem";
  readonly code: ProblemCode;
  readonly hints: readonly string[];
  readonly headers: Record<string, string>;
  readonly values: ProblemValues;

  constructor(code: ProblemCode, message: string, hints: string | readonly string[] = [], options: ProblemOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hints = typeof hints === "string" ? [hints] : hints;
    this.headers = options.headers ?? {};
    this.values = options.values ?? {};
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }
}
