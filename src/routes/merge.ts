import { type Merge, mergeRows, previewMerge, type Wish } from "../db/records/merge.ts";
import { getRow } from "../db/records/rows.ts";
import type { Merged } from "../derive/merging.ts";
import { CONFIRM, chosenFields, WRITING } from "../derive/parameters.ts";
import { required, tags, text } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import { shortId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import { counted, oneOf } from "../kit/words.ts";
import { derived } from "../records/derived.ts";
import { type Kind, stored, writable } from "../records/kind.ts";
import { permit } from "../service/permit.ts";
import { type Authenticated, type Route, readPathId } from "../service/route.ts";
import { confirm } from "./confirm.ts";
import { brief } from "./proposals.ts";
import { mayRead, recordView } from "./readable.ts";

/** Two records that are one. */
export const mergeRoute = derived(
  (kind: Kind): Route => ({
    method: "POST",
    path: `/${kind.plural}/{id}/merge`,
    about: `make one ${kind.name} of two, in two steps; what linked to the other links to this one`,
    needs: "update",
    parameters: { ...chosenFields(kind), ...CONFIRM, ...WRITING },
    body: {
      is: "values",
      values: {
        from: required(text({ about: `the other ${kind.name}, which becomes part of this one` })),
        take: tags({ about: "fields of which the other's value wins" }),
      },
      example: { from: `${kind.prefix}_t4v6w8y0` },
    },
    answers: { is: "record", of: kind },
    refuses: ["confirmation_required", "unprocessable", "already_exists"],
    handle: (context) => merge(context, kind),
  }),
);

async function merge(context: Authenticated, kind: Kind): Promise<Answer> {
  const { db, author, services, session, path } = context;
  permit(session, { verb: "delete", plural: kind.plural });
  const { from, take } = context.body.values as { from: string; take?: string[] | null };
  const wish: Wish = { kind, into: readPathId(kind, path.id!), from: readPathId(kind, from), take: readTake(kind, take ?? []) };
  const agree = (each: Merge) => ask(context, wish, each);
  agree(await previewMerge(db, session.workspaceId, wish));
  const { id, change } = await mergeRows(db, author, services.ids, wish, agree);
  const view = recordView(context, kind);
  const row = await getRow(db, session.workspaceId, view, { prefix: kind.prefix, key: id });
  const back = context.dryRun ? [] : [`to take this back: POST /undo {"change":"${shortId(change)}"}`];
  return { is: "record", view, row, outcome: "merged", change, notes: back };
}

function readTake(kind: Kind, take: readonly string[]): readonly string[] {
  const names = writable(kind)
    .filter(stored)
    .map(({ name }) => name);
  const unknown = take.find((name) => !names.includes(name));
  if (unknown === undefined) return take;
  const near = nearest(unknown, names);
  throw new Problem("invalid_value", `take names ${echo(unknown)}, which no ${kind.name} has`, [
    `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}take: ${names.join(", ")}`,
  ]);
}

/** Tells field by field what would become of the two. */
function ask(context: Authenticated, { kind, take }: Wish, { kept, other, fields, links, set }: Merge): void {
  const shown = mayRead(context, kind) ? fields.map(told) : [];
  const moved = links.map(({ kind: holder, count }) => counted(count, holder));
  const what = [
    `make ${oneOf(kind.name)} of ${shortId(kept.id)} and ${shortId(other.id)}`,
    ...(moved.length > 0 ? [`moving ${moved.join(", ")} to the first`] : []),
  ].join(", ");
  const request = `the same POST /${kind.plural}/${shortId(kept.id)}/merge`;
  confirm(context, "merge", [kept.id, other.id, set, ...take], what, request, shown);
}

function told({ field: { name, list }, value, from, lost }: Merged): string {
  if (from === "both") return `${name}: both`;
  const text = `${name}: ${brief(value)}`;
  if (lost === null) return `${text}, from the other`;
  if (list) {
    const main = from === "other" ? "" : `; "take":["${name}"] makes it the main one`;
    return `${text} stays, ${brief(lost)} goes to ${list.name}${main}`;
  }
  return `${text} stays, ${brief(lost)} goes${from === "other" ? "" : `; "take":["${name}"] keeps the other's`}`;
}
