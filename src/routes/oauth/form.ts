import { echo } from "../../kit/line.ts";
import type { Context } from "../../service/route.ts";
import { OAuthRefusal } from "./refusal.ts";

/**
 * Reads a form. A repeated name is refused (RFC 6749, section 3.2), because two parsers could read it differently. Empty values
 * count as absent.
 */
export function readForm({ body }: Context): Record<string, string> {
  if (!body.form) throw new OAuthRefusal("invalid_request", "the body must be a form: application/x-www-form-urlencoded");
  const sent = Object.entries(body.values).filter(([, value]) => value !== "");
  const [repeated] = sent.find(([name, value]) => typeof value !== "string" && name !== "resource") ?? [];
  if (repeated !== undefined) throw new OAuthRefusal("invalid_request", `${echo(repeated)} stands there twice`);
  return Object.fromEntries(sent) as Record<string, string>;
}
