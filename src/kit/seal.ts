import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/**
 * Cryptography with the server's secret: HMAC-SHA256 (RFC 2104), except for `encrypt`. Each purpose has its own key, and facts
 * are length-prefixed. So a token of one purpose is never valid for another.
 */
export type Seal = {
  /** The digest that is stored instead of a secret: 43 characters, base64url. */
  digest: (purpose: string, secret: string) => string;
  /** A short mark that binds a cursor to facts: 11 characters (64 bits). */
  mark: (purpose: string, facts: readonly string[]) => string;
  /** A token that is valid for exactly these facts until `expiresAt` (epoch ms). It contains no fact. */
  issue: (purpose: string, facts: readonly string[], expiresAt: number) => string;
  /** True when `token` was issued for exactly these facts and has not expired. Compares in constant time. */
  holds: (purpose: string, facts: readonly string[], token: string, now: number) => boolean;
  /** Encrypts text with AES-256-GCM (NIST SP 800-38D). The nonce and the tag come first. */
  encrypt: (purpose: string, text: string) => Buffer;
  /** Throws when the bytes were not encrypted with this secret. */
  decrypt: (purpose: string, bytes: Buffer) => string;
};

export function createSeal(secret: string): Seal {
  const mac = (purpose: string, facts: readonly string[]) => {
    const hmac = createHmac("sha256", secret);
    for (const part of [purpose, ...facts]) hmac.update(`${Buffer.byteLength(part)}:${part}`);
    return hmac.digest();
  };
  const sealed = (purpose: string, facts: readonly string[], expiry: string) =>
    `${expiry}-${mac(purpose, [...facts, expiry])
      .subarray(0, 16)
      .toString("base64url")}`;

  return {
    digest: (purpose, value) => mac(purpose, [value]).toString("base64url"),
    mark: (purpose, facts) => mac(purpose, facts).subarray(0, 8).toString("base64url"),
    issue: (purpose, facts, expiresAt) => sealed(purpose, facts, Math.ceil(expiresAt / 1000).toString(36)),
    holds: (purpose, facts, token, now) => {
      const expiry = token.slice(0, token.indexOf("-"));
      if (!/^[0-9a-z]{1,9}$/.test(expiry) || Number.parseInt(expiry, 36) * 1000 < now) return false;
      return sameText(sealed(purpose, facts, expiry), token);
    },
    encrypt: (purpose, text) => {
      const nonce = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", mac(purpose, ["encrypt"]), nonce);
      const bytes = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), bytes]);
    },
    decrypt: (purpose, bytes) => {
      const decipher = createDecipheriv("aes-256-gcm", mac(purpose, ["encrypt"]), bytes.subarray(0, 12), { authTagLength: 16 });
      decipher.setAuthTag(bytes.subarray(12, 28));
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString("utf8");
    },
  };
}

/** Compares two texts in constant time; only their lengths show. */
export function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
