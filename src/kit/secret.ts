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

/** Without vowels, so that it spells nothing, and without digits, so that it passes for no short code. */
const CONSONANTS = "bcdfghjkmnpqrstvwxz";

/** A code that is typed and yet cannot be guessed: `bcdf-ghjk-mnpq-rstv`, 19^16, which is 67 bits. */
export function newLongCode(random: () => number): string {
  const letters = Array.from({ length: 16 }, () => CONSONANTS[Math.floor(random() * CONSONANTS.length)]).join("");
  return letters.replace(/.{4}(?=.)/g, "$&-");
}

/** 43 characters, 256 bits. `random` gives unforeseeable numbers in [0, 1). */
export function newSecret(random: () => number): string {
  return Array.from({ length: 43 }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join("");
}
