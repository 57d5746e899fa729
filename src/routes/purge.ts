import { previewPurge, purgeRow } from "../db/records/purge.ts";
import type { Purge } from "../db/records/purgePlan.ts";
import type { Named } from "../derive/operation.ts";
import { isSet, single } from "../derive/query.ts";
import { boolean } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import { shortId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import { counted } from "../kit/words.ts";
import type { Kind } from "../records/kind.ts";
import { permit } from "../service/permit.ts";
import { type Authenticated, readPathId } from "../service/route.ts";
import { affectedTold } from "./bulk.ts";
import { confirm } from "./confirm.ts";
import { mayRead } from "./readable.ts";

export const PURGE: Named = {
  purge: boolean({ about: "erases it for good, its history too, living or deleted; needs the scope admin" }),
};

export const isPurge = ({ parameters }: Authenticated): boolean => isSet(parameters, "purge");

/** Erases a record for good, in two steps. */
export async function purge(context: Authenticated, kind: Kind): Promise<Answer> {
  const { db, author, services, session, path } = context;
  permit(session, { verb: "admin", plural: undefined });
  if (context.approved || context.mustPropose || single(context.parameters, "propose") !== undefined)
    throw new Problem("unprocessable", "an erasure cannot be proposed", "an admin sends it without propose=, in two steps");
  const reference = readPathId(kind, path.id!);
  const agree = (each: Purge) => {
    const { id, version, set } = each;
    if (context.ifMatch && !context.ifMatch.includes(version))
      throw new Problem(
        "version_conflict",
        `the record is at version ${version}, not ${context.ifMatch.join(" or ")}`,
        "GET it again",
      );
    const title = mayRead(context, kind) ? ` ${echo(each.title)}` : "";
    const what = `erase ${kind.name}/${shortId(id)}${title} for good, its history too${told(each)}`;
    confirm(context, "purge", [id, String(version), set], what, `DELETE /${kind.plural}/${shortId(id)}?purge=true`);
  };
  agree(await previewPurge(db, session.workspaceId, kind, reference));
  const done = await purgeRow(db, author, services.ids, kind, reference, agree);
  const change = shortId(done.change);
  return {
    is: "message",
    message: `erased ${kind.name}/${shortId(done.id)} for good${told(done)}`,
    values: { deleted: `${kind.name}/${shortId(done.id)}`, change },
    headers: { "X-Change": change },
  };
}

function told({ with: along, affected }: Purge): string {
  const others = along.map(({ kind, count }) => counted(count, kind));
  return [
    ...(others.length > 0 ? [`, with ${others.join(", ")}`] : []),
    ...affectedTold(affected).map((each) => `, ${each}`),
  ].join("");
}
