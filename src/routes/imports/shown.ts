import { findImport, type Import } from "../../db/imports/imports.ts";
import { readVerdicts } from "../../db/imports/rows.ts";
import { single } from "../../derive/query.ts";
import { createWholeView } from "../../derive/view.ts";
import { countType } from "../../fields/text.ts";
import { choice } from "../../fields/vocabulary.ts";
import type { Told } from "../../formats/format.ts";
import type { Answer } from "../../http/reply.ts";
import { readId, shortId } from "../../kit/id.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import { counted } from "../../kit/words.ts";
import type { Kind } from "../../records/kind.ts";
import type { Authenticated } from "../../service/route.ts";
import { importView } from "../../views/import.ts";
import { told } from "./run.ts";

export const chosenWhole = createWholeView(importView);

const OUTCOMES = ["created", "updated", "unchanged", "refused"] as const;

export const VERDICT_PARAMETERS = {
  outcome: choice(OUTCOMES, { about: "only the rows of which this came" }),
  after: { type: countType, about: "only rows behind this line of the file" },
};

/** All verdicts of an import, as long as the reader reads. */
export async function showImport(context: Authenticated): Promise<Answer> {
  const { parameters, path, db, session } = context;
  const outcome = single(parameters, "outcome");
  if (outcome !== undefined && !(OUTCOMES as readonly string[]).includes(outcome))
    throw new Problem(
      "invalid_value",
      `outcome cannot be ${echo(outcome)}`,
      OUTCOMES.map((one) => `outcome=${one}`).join(" or "),
    );
  const after = single(parameters, "after");
  if (after !== undefined && !/^\d{1,9}$/.test(after))
    throw new Problem("invalid_value", `after cannot be ${echo(after)}`, "after=1000: the number of a line");
  const reference = readId(path.id!, importView);
  const found = reference?.prefix === importView.prefix ? await findImport(db.pool, session.workspaceId, reference) : undefined;
  if (!found)
    throw new Problem("not_found", `there is no import ${echo(path.id!)}`, "imports are kept for a day: GET /imports");
  return {
    is: "report",
    told: verdictsOf(context, found, { outcome, after: after === undefined ? undefined : Number(after) }),
  };
}

/** What has come of it so far, then its counts. */
export async function* verdictsOf(
  { db, session }: Pick<Authenticated, "db" | "session">,
  found: Import,
  filter: { outcome?: string | undefined; after?: number | undefined } = {},
): AsyncGenerator<readonly Told[]> {
  for await (const verdicts of readVerdicts(db.pool, session.workspaceId, found.id, filter)) {
    yield verdicts.map((verdict) => told({ db }, verdict));
  }
  yield [totals((await findImport(db.pool, session.workspaceId, { prefix: "im", key: found.id })) ?? found)];
}

/** Linked records that were made for rows that name them. */
export type Made = { kind: Kind; count: number; names: Iterable<string> };

/** At most so many names of them are shown. */
const MOST_NAMED = 20;

/** What a dry run would make, by name. */
export function wouldMake({ kind, count, names }: Made): string {
  const shown: string[] = [];
  for (const name of names) {
    if (shown.length === MOST_NAMED) break;
    shown.push(echo(name, 60));
  }
  const more = count > shown.length ? ` and ${count - shown.length} more` : "";
  return `would make ${counted(count, kind)} that rows name: ${shown.join(", ")}${more}`;
}

export const madeValues = (made: readonly Made[]) => Object.fromEntries(made.map(({ kind, count }) => [kind.plural, count]));

/** The counts of an import, and how all of it is undone. */
export function totals(found: Import, more: { made?: readonly Made[]; dropped?: number } = {}): Told {
  const { id, state, rows, created, updated, unchanged, refused, requestId } = found;
  const handle = `import/${shortId(id)}`;
  const wrote = created + updated > 0;
  const counts = [`${created} created`, `${updated} updated`, `${unchanged} unchanged`, `${refused} refused`].join(", ");
  const left = rows - created - updated - unchanged - refused;
  const notes = [
    ...(more.made ?? []).map(({ kind, count }) => `made ${counted(count, kind)} that rows name`),
    ...(more.dropped ? [`${more.dropped} lines were left out, for nobody read them: GET /imports/${shortId(id)}`] : []),
    state === "refused"
      ? `nothing was written: strict, and ${refused} of ${rows} rows refused`
      : `${counts}${state === "done" ? "" : `, ${left} still to come`}`,
    ...(wrote ? [`undo: POST /undo {"request":"${requestId}"}`] : []),
    `again, for a day: GET /imports/${shortId(id)}${refused > 0 ? "?outcome=refused" : ""}`,
  ];
  const values = {
    import: handle,
    state,
    rows,
    created,
    updated,
    unchanged,
    refused,
    ...(more.made && { made: madeValues(more.made) }),
    ...(more.dropped ? { left_out: more.dropped } : {}),
    request: requestId,
  };
  return { is: "facts", values, notes };
}
