import { createHash, createHmac, pbkdf2Sync } from "node:crypto";

/** What PostgreSQL itself uses (RFC 7677 wants no fewer). */
const ITERATIONS = 4_096;

/**
 * What PostgreSQL stores of a password: https://www.postgresql.org/docs/current/catalog-pg-authid.html, RFC 5802 section 3. Sent in place of the
 * password, it keeps that out of the server's log. The password is ASCII, which SASLprep leaves as it is.
 */
export function scramVerifier(password: string, salt: Buffer): string {
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, "sha256");
  const keyOf = (name: string) => createHmac("sha256", salted).update(name).digest();
  const storedKey = createHash("sha256").update(keyOf("Client Key")).digest("base64");
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString("base64")}$${storedKey}:${keyOf("Server Key").toString("base64")}`;
}
