import { rehearse } from "../db/unit.ts";
import { single } from "../derive/query.ts";
import type { Answer } from "../http/reply.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import type { Ask, Authenticated, Route } from "./route.ts";

/** Runs the handler of a route; with `dry_run=true` all it wrote is taken back, and the answer says what would be. */
export async function perform(route: Route, context: Authenticated, ask: Ask): Promise<Answer> {
  if (!isDryRun(route, context)) return route.handle(context, ask);
  return asDryRun(await rehearse(context.db, async (db) => route.handle({ ...context, db, dryRun: true }, ask)));
}

/** A value that cannot be read is refused: what was meant as a dry run must not be a write. */
function isDryRun({ parameters: own }: Route, { parameters }: Authenticated): boolean {
  if (own?.["dry_run"] === undefined) return false;
  const asked = single(parameters, "dry_run")?.toLowerCase();
  if (asked === undefined || ["false", "0", "no"].includes(asked)) return false;
  if (["true", "1", "yes", ""].includes(asked)) return true;
  throw new Problem("invalid_value", `dry_run cannot be ${echo(asked)}`, "dry_run=true or dry_run=false");
}

/** Nothing was made, so there is no change to name and no place to look. */
function asDryRun(answer: Answer): Answer {
  const { status: _, headers: __, ...said } = answer;
  if (said.is === "record") {
    const { change: ___, outcome = "written", ...shown } = said;
    return { ...shown, outcome: `would be ${outcome}`, facts: { ...said.facts, dry_run: true } };
  }
  if (said.is === "message") {
    const { change: _, ...values } = said.values ?? {};
    return { ...said, message: `dry run, nothing is changed; ${said.message}`, values: { ...values, dry_run: true } };
  }
  return said;
}
