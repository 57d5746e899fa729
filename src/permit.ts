import type { Session } from "./db/sessions.ts";
import { Problem } from "./kit/problem.ts";
import { covers, roleAllows, type Verb } from "./kit/scope.ts";
import type { Route } from "./routes/route.ts";

const METHOD_VERB: Record<Route["method"], Verb> = { GET: "read", POST: "write", PATCH: "write", DELETE: "delete" };

/** Refuses what the caller's role or the token's scopes do not allow. `plurals` are the kinds a scope can be about. */
export function permit({ role, scopes }: Session, { method, path, needs }: Route, plurals: ReadonlySet<string>): void {
  if (needs === "member") return;
  const verb = needs ?? METHOD_VERB[method];
  if (!roleAllows(role, verb)) {
    throw new Problem(
      "scope_required",
      `a ${role} of this workspace cannot ${verb} here`,
      "GET /workspaces/{id}/members shows who is admin: ask for another role",
    );
  }
  const segments = path.split("/").filter((segment) => plurals.has(segment));
  const plural = segments.at(-1);
  if (covers(scopes, verb, plural)) return;
  const missing = plural ? `${verb} or ${plural}.${verb}` : verb;
  throw new Problem(
    "scope_required",
    `the token lacks the scope ${missing}`,
    `it has ${scopes?.join(", ")}; POST /tokens {"scopes":["${plural ? `${plural}.` : ""}${verb}"]} with a token that may mints one`,
  );
}
