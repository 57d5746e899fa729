import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
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

/**
 * Accepts only forms sent from our own page. Otherwise another site could submit a half-filled form for a person
 * (request forgery).
 */
export function guardForm({ headers }: Context): void {
  const site = headers["sec-fetch-site"];
  const { origin, host } = headers;
  const foreign =
    site === undefined
      ? origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === host)
      : site !== "same-origin";
  if (foreign) throw new Problem("forbidden_origin", "this form was not sent from this server's own page");
}
