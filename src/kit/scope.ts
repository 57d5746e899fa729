/** The verbs of scopes. `admin` covers the workspace and its members; the others cover records. */
export const VERBS = ["read", "write", "delete", "admin"] as const;

export type Verb = (typeof VERBS)[number];

/** Scopes: `read`, or for one kind `contacts.read`. Null grants everything that the token's owner may do. */
export type Scopes = readonly string[] | null;

export const ROLES = ["admin", "member", "viewer"] as const;

export type Role = (typeof ROLES)[number];

const ROLE_VERBS: Record<Role, readonly Verb[]> = {
  admin: WHOLE,
  member: ["read", "write", "delete"],
  viewer: ["read"],
};

/** Roles know nothing finer than `write`. */
export const roleAllows = (role: Role, verb: Verb) => ROLE_VERBS[role].includes(isWrite(verb) ? "write" : verb);

const isWrite = (verb: Verb) => (WRITES as readonly Verb[]).includes(verb);

export function isScope(text: string, plurals: readonly string[]): boolean {
  const [first = "", second, ...rest] = text.split(".");
  if (second === undefined) return isVerb(first);
  return rest.length === 0 && plurals.includes(first) && isVerb(second) && second !== "admin";
}

const isVerb = (text: string): text is Verb => (VERBS as readonly string[]).includes(text);

/** True when the scopes allow the verb, for all kinds or for the kind `plural`. */
export function covers(scopes: Scopes, verb: Verb, plural?: string): boolean {
  if (scopes === null) return true;
  const has = (one: Verb) => scopes.includes(one) || (plural !== undefined && scopes.includes(`${plural}.${one}`));
  return has(verb) || (isWrite(verb) && has("write")) || (verb === "write" && WRITES.every(has));
}

/** True when the scopes cover everything the role may do. Naming every kind by itself counts too. */
export function coversRole(scopes: Scopes, role: Role, plurals: readonly string[]): boolean {
  return ROLE_VERBS[role].every(
    (verb) => covers(scopes, verb) || (verb !== "admin" && plurals.every((plural) => covers(scopes, verb, plural))),
  );
}

/** True when a token with `scopes` may grant `scope`. A token never grants more than it has. */
export function coversScope(scopes: Scopes, scope: string): boolean {
  const [first = "", second] = scope.split(".");
  return second === undefined ? covers(scopes, first as Verb) : covers(scopes, second as Verb, first);
}
