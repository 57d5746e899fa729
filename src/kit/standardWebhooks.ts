import { createHmac } from "node:crypto";
import { SECRETS } from "./secret.ts";

/** Signing as the Standard Webhooks specification 1.0.0 says, with symmetric keys (standardwebhooks.com). */

/** A multiple of three: base64 of it needs no `=`, which a line would put in quotes. */
const KEY_BYTES = 33;

/** `whsec_` and the key in base64. `random` gives unpredictable numbers in [0, 1). */
export function newWebhookSecret(random: () => number): string {
  const key = Buffer.from(Array.from({ length: KEY_BYTES }, () => Math.floor(random() * 256)));
  return SECRETS.webhook + key.toString("base64");
}

/** The headers that tell who sent a message, and when. Each secret that is good at the time gives a signature. */
export function webhookHeaders(
  secrets: readonly string[],
  { id, at, body }: { id: string; at: number; body: string },
): Record<string, string> {
  const seconds = Math.floor(at / 1_000);
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(SECRETS.webhook.length), "base64");
    return `v1,${createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64")}`;
  });
  return { "webhook-id": id, "webhook-timestamp": String(seconds), "webhook-signature": signatures.join(" ") };
}
