import { previewRemoval, type Removal, removeRow } from "../db/records/remove.ts";
import { DRY } from "../derive/parameters.ts";
import { isSet } from "../derive/query.ts";
import { required, text } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import { shortId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import type { Kind } from "../records/kind.ts";
import { type Authenticated, readPathId } from "../service/route.ts";
import { affectedTold } from "./bulk.ts";
import { confirm } from "./confirm.ts";
import { mayRead } from "./readable.ts";

export const DELETED = {
  deleted: required(text({ about: "the handle of what was deleted" })),
  change: text({ about: "the change, which POST /undo takes back" }),
  ...DRY,
};

/**
 * The first call tells what would go and gives a token for the record in this version and for all that goes or is unlinked with it; the same
 * call with the token does it.
 */
export async function remove(context: Authenticated, kind: Kind): Promise<Answer> {
  const { db, services } = context;
  const { ids } = services;
  const reference = readPathId(kind, context.path.id!);
  const detach = isSet(context.parameters, "detach");
  const agree = (removal: Removal) => {
    const { id, version, set } = removal;
    if (context.ifMatch && !context.ifMatch.includes(version)) {
      throw new Problem(
        "version_conflict",
        `the record is at version ${version}, not ${context.ifMatch.join(" or ")}`,
        "GET it again before you delete it",
      );
    }
    const path = `/${kind.plural}/${shortId(id)}${detach ? "?detach=true" : ""}`;
    confirm(context, "delete", [id, String(version), set], `delete ${told(context, kind, removal)}`, `DELETE ${path}`);
  };
  agree(await previewRemoval(db, context.session.workspaceId, kind, reference, detach));
  const removal = await removeRow(db, context.author, ids, kind, reference, detach, agree);
  const change = shortId(removal.change);
  return {
    is: "message",
    message: `deleted ${told(context, kind, removal)}`,
    values: { deleted: `${kind.name}/${shortId(removal.id)}`, change },
    hints: context.dryRun ? [] : [`to take this back: POST /undo {"change":"${change}"}`],
    headers: { "X-Change": change },
  };
}

/** `contact/c_t4v6w8y0 "Jane Doe", with 2 activities, and clear its link on 1 deal` */
function told(context: Authenticated, kind: Kind, { id, title, affected }: Removal): string {
  return [`${kind.name}/${shortId(id)}${mayRead(context, kind) ? ` ${echo(title)}` : ""}`, ...affectedTold(affected)].join(
    ", ",
  );
}
