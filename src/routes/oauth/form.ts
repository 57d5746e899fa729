import { echo } from "../../kit/line.ts";
import type { Context } from "../../service/route.ts";
import { OAuthRefusal } from "./refusal.ts";

/** What a form says. As nothing may be said twice (RFC 6749, section 3.2), so that two readers of it cannot come to differ; empty is not said. */
export function readForm({ body }: Context): Record<string, string> {
  if (!body.form) throw new OAuthRefusal("invalid_request", "the body must be a form: application/x-www-form-urlencoded");
  const said = Object.entries(body.values).filter(([, value]) => value !== "");
  const [repeated] = said.find(([name, value]) => typeof value !== "string" && name !== "resource") ?? [];
  if (repeated !== undefined) throw new OAuthRefusal("invalid_request", `${echo(repeated)} stands there twice`);
  return Object.fromEntries(said) as Record<string, string>;
}
