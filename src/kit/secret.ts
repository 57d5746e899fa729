/** Prefixes that tell the purpose of a secret. The log blanks every text with such a prefix. */
export const SECRETS = {
  token: "ck_",
  /** The access token of a connection, valid for an hour. */
  access: "cka_",
  authorizationCode: "ckc_",
  /** In the address of a calendar. */
  calendar: "ckf_",
  /** The registration access token, which reads and deletes a registration. */
  registration: "ckm_",
  refresh: "ckr_",
  client: "cks_",
  /** The key of a webhook's signatures, called as Standard Webhooks says. */
  webhook: "whsec_",
} as const;

/** The prefixes under which a dialect hands out a token: the rest is the same. */
const ALSO_TOKENS = /^acrm_(?:dev|live)_/;

/** A token as we have made it. */
export const tokenIn = (sent: string): string => sent.replace(ALSO_TOKENS, SECRETS.token);

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** No vowels, so that a code spells no word; no digits, so that it never looks like a short code. */
const CONSONANTS = "bcdfghjkmnpqrstvwxz";

/** A code that people can type and nobody can guess: `bcdf-ghjk-mnpq-rstv`. It has 19^16 values, which is 67 bits. */
export function newLongCode(random: () => number): string {
  const letters = Array.from({ length: 16 }, () => CONSONANTS[Math.floor(random() * CONSONANTS.length)]).join("");
  return letters.replace(/.{4}(?=.)/g, "$&-");
}

/** A secret of 43 characters, 256 bits. `random` gives unpredictable numbers in [0, 1). */
export function newSecret(random: () => number): string {
  return Array.from({ length: 43 }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join("");
}
