/** No mail reaches a name under `invalid` (RFC 2606, section 2), and nobody can sign in with one. */
const DOMAIN = "cardfile.invalid";

/** The address of a user who is no person: the holder of the key of a workspace that was made without an account. */
export const nobodysAddress = (userId: string) => `key-${userId.slice(-8)}@${DOMAIN}`;

export const isNobodys = (email: string) => email.endsWith(`@${DOMAIN}`);
