import type { Session } from "../db/people/sessions.ts";
import { isRecordWrite, type Operation, type Scope } from "../derive/operation.ts";
import { isNobodys } from "../kit/nobody.ts";
import { Problem } from "../kit/problem.ts";
import { covers, roleAllows, type Verb, WRITES } from "../kit/scope.ts";

/** The challenge for a missing scope (RFC 6750, section 3.1). */
const lacking = (scope: string) => `Bearer realm="cardfile", error="insufficient_scope", scope="${scope}"`;

const RECONNECT = "ask the user to connect this program again, and to allow more";

/**
 * Refuses a request that the caller's role or the token's scopes do not allow. An undefined `scope` allows every authenticated
 * caller.
 */
export function permit(session: Session, scope: Scope | undefined): void {
  if (!scope) return;
  const { role, scopes } = session;
  const { verb, plural, partly } = scope;
  if (!roleAllows(role, verb)) {
    throw new Problem(
      "scope_required",
      `a ${role} of this workspace cannot ${verb} here`,
      isNobodys(session.email)
        ? "a person has claimed it, and this token from before only reads: they give you another, POST /tokens"
        : "GET /workspaces/{id}/members shows who is admin: ask for another role",
    );
  }
  if (covers(scopes, verb, plural)) return;
  if (partly && WRITES.some((part) => covers(scopes, part, plural))) return;
  throw lacksScope(session, verb, plural);
}

/**
 * Whether a write of records is beyond the scopes of a token that may propose it. The scope has to be named: who may write and not delete is
 * refused a deletion, and would take a proposal for it.
 */
export function proposesOnly({ scopes }: Session, scope: Scope | undefined, operation: Operation): boolean {
  const named = scopes?.some(
    (each) => each === "propose" || (scope?.plural !== undefined && each === `${scope.plural}.propose`),
  );
  if (scopes === null || !named || !isRecordWrite(operation)) return false;
  if (scope?.partly) return !WRITES.some((part) => covers(scopes, part, scope.plural));
  return scope ? !covers(scopes, scope.verb, scope.plural) : !covers(scopes, "write");
}

/** What is refused beyond the scopes of a token, as programs that can ask their person for more understand it. */
export function lacksScope({ scopes, audience }: Session, verb: Verb, plural?: string): Problem {
  const missing = plural ? `${verb} or ${plural}.${verb}` : verb;
  return new Problem(
    "scope_required",
    `the token lacks the scope ${missing}`,
    `it has ${scopes?.join(", ")}; ${
      audience === null
        ? `POST /tokens {"scopes":["${plural ? `${plural}.` : ""}${verb}"]} with a token that may mints one`
        : RECONNECT
    }`,
    { headers: { "WWW-Authenticate": lacking(verb) } },
  );
}

/**
 * Refuses inner requests to open routes that write, because these lead to tokens. A program with few scopes could otherwise get
 * more.
 */
export function permitInside({ open, method }: Operation): void {
  if (open !== true || method === "GET") return;
  throw new Problem("scope_required", "nobody signs in from inside a connection", RECONNECT);
}
