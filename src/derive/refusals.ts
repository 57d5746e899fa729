import { PROBLEMS, type ProblemCode } from "../kit/problem.ts";
import { type Kind, writable } from "../records/kind.ts";

import { type Operation, takesKey } from "./operation.ts";

/** Any request may be answered so. */
const ANYWHERE: readonly ProblemCode[] = [
  "bad_request",
  "invalid_filter",
  "invalid_value",
  "forbidden_origin",
  "uri_too_long",
  "rate_limited",
  "headers_too_large",
  "internal",
  "not_ready",
  "busy",
];

/** An answer that can be had in several formats. */
const NEGOTIATED: readonly ProblemCode[] = ["not_acceptable"];

const WITH_TOKEN: readonly ProblemCode[] = ["auth_required", "invalid_token", "token_expired", "scope_required"];

const WITH_FILTERS: readonly ProblemCode[] = ["invalid_field", "invalid_op", "invalid_sort", "invalid_cursor"];

const WITH_BODY: readonly ProblemCode[] = ["body_too_large", "unsupported_media_type", "invalid_field", "missing_field"];

/** Every refusal an operation may answer, in the order of the table. What does not follow from its declaration it names itself. */
export function refusalsOf(operation: Operation): ProblemCode[] {
  const { path, open, parameters = {}, filters, body, answers, standard, refuses = [] } = operation;
  const codes = new Set<ProblemCode>([
    ...ANYWHERE,
    ...(open === true ? [] : WITH_TOKEN),
    ...(standard || answers.is === "document" || answers.is === "json" ? [] : NEGOTIATED),
    ...(path.includes("{") ? (["not_found", ...(isOfRecord(operation) ? (["purged"] as const) : [])] as const) : []),
    ...(parameters.fields ? (["invalid_field"] as const) : []),
    ...(parameters.cursor ? (["invalid_cursor"] as const) : []),
    ...(Object.values(parameters).some(({ required }) => required) ? (["missing_field"] as const) : []),
    ...(filters ? [...WITH_FILTERS, ...ofFilters(filters.of)] : []),
    ...(body ? [...WITH_BODY, ...ofBody(body)] : []),
    ...(takesKey(operation) ? (["idempotency_conflict", "idempotency_mismatch"] as const) : []),
    ...refuses,
  ]);
  return (Object.keys(PROBLEMS) as ProblemCode[]).filter((code) => codes.has(code));
}

/** A path that names a record, which may have been erased. */
const isOfRecord = ({ answers, filters, parameters }: Operation) =>
  Boolean(filters || parameters?.["dry_run"]) || answers.is === "record" || answers.is === "list";

/** An id that a filter names may be of no record here, or of one that was erased. */
function ofFilters({ fields }: Kind): ProblemCode[] {
  return [...fields.map(({ type }) => type.refusal), "not_found", "purged"];
}

function ofBody(body: NonNullable<Operation["body"]>): ProblemCode[] {
  if (body.is === "values") return Object.values(body.values).map(({ type }) => type.refusal);
  if (body.is === "file") return [];
  const { of } = body;
  return [
    ...writable(of).map(({ type }) => type.refusal),
    "version_conflict",
    ...(body.is === "create" ? (["plan_limit_reached"] as const) : []),
    ...(of.naturalKey || of.joins ? (["already_exists"] as const) : []),
    ...(of.links.length > 0 ? (["unprocessable"] as const) : []),
  ];
}
