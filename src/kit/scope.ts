/** What a token may do at most. `admin` is for the workspace and its members; the others are for records. */
export const VERBS = ["read", "write", "create", "update", "delete", "propose", "admin"] as const;

export type Verb = (typeof VERBS)[number];

/** What `write` comes to: it covers both, and both come to it. */
export const WRITES = ["create", "update"] as const satisfies readonly Verb[];

/** All there is, without the parts of what is there. */
export const WHOLE = ["read", "write", "delete", "admin"] as const satisfies readonly Verb[];

/** `read`, or for one kind `contacts.read`. Null instead of a list means everything its owner may. */
export type Scopes = readonly string[] | null;

export const ROLES = ["admin", "member", "viewer"] as const;

export type Role = (typeof ROLES)[number];

const ROLE_VERBS: Record<Role, readonly Verb[]> = {
  admin: WHOLE,
  member: ["read", "write", "delete"],
  viewer: ["read"],
};

/** Roles know nothing finer than `write`. */
export const roleAllows = (role: Role, verb: Verb) =>
  ROLE_VERBS[role].includes(isWrite(verb) || verb === "propose" ? "write" : verb);

const isWrite = (verb: Verb) => (WRITES as readonly Verb[]).includes(verb);

export function isScope(text: string, plurals: readonly string[]): boolean {
  const [first = "", second, ...rest] = text.split(".");
  if (second === undefined) return isVerb(first);
  return rest.length === 0 && plurals.includes(first) && isVerb(second) && second !== "admin";
}

const isVerb = (text: string): text is Verb => (VERBS as readonly string[]).includes(text);

/** Whether these scopes allow the verb, on records of `plural` where it is about one kind. */
export function covers(scopes: Scopes, verb: Verb, plural?: string): boolean {
  if (scopes === null) return true;
  const has = (one: Verb) => scopes.includes(one) || (plural !== undefined && scopes.includes(`${plural}.${one}`));
  if (verb === "propose" && has("write")) return true;
  return has(verb) || (isWrite(verb) && has("write")) || (verb === "write" && WRITES.every(has));
}

/** Whether these scopes come to all that the role may, named at large or kind by kind. */
export function coversRole(scopes: Scopes, role: Role, plurals: readonly string[]): boolean {
  return ROLE_VERBS[role].every(
    (verb) => covers(scopes, verb) || (verb !== "admin" && plurals.every((plural) => covers(scopes, verb, plural))),
  );
}

/** Whether a token with `scopes` may hand out `scope`: never more than it has. */
export function coversScope(scopes: Scopes, scope: string): boolean {
  const [first = "", second] = scope.split(".");
  return second === undefined ? covers(scopes, first as Verb) : covers(scopes, second as Verb, first);
}
