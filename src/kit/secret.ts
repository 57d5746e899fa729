/** What a secret is for shows in how it begins; the log blanks all of them. */
export const SECRETS = {
  token: "ck_",
  /** Of a connection, for an hour. */
  access: "cka_",
  authorizationCode: "ckc_",
  /** Of a registration: reads and deletes it. */
  registration: "ckm_",
  refresh: "ckr_",
  client: "cks_",
} as const;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** 43 characters, 256 bits. `random` gives unforeseeable numbers in [0, 1). */
export function newSecret(random: () => number): string {
  return Array.from({ length: 43 }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join("");
}
