import { z } from "zod";
import { addMembers, livingIds, removeMember } from "../db/lists/lists.ts";
import { missing } from "../db/records/references.ts";
import { tagsType } from "../fields/collections.ts";
import type { FieldType } from "../fields/type.ts";
import type { Answer } from "../http/reply.ts";
import { readId, shortId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import { counted } from "../kit/words.ts";
import type { Kind } from "../records/kind.ts";
import type { Authenticated } from "../service/route.ts";
import { listNamed } from "./listed.ts";

/** What is put on a saved list one by one. */

const MOST_AT_ONCE = 1_000;

export const membersType: FieldType = {
  ...tagsType,
  name: "members",
  expects: `a list of at most ${MOST_AT_ONCE} ids`,
  fromText: (sent) => sent.split(/[\s,]+/).filter(Boolean),
  schema: z.array(z.string().max(80)).max(MOST_AT_ONCE),
};

export function kindNamed({ db }: Authenticated, asked: string): Kind {
  const { catalog } = db;
  const kind = catalog.get(asked) ?? catalog.byPlural(asked);
  if (kind) return kind;
  const names = catalog.kinds.map(({ name }) => name);
  const near = nearest(asked, names);
  throw new Problem("invalid_value", `kind cannot be ${echo(asked)}`, [
    `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}kind is one of ${names.join(", ")}`,
  ]);
}

export async function membersNamed(context: Authenticated, kind: Kind, members: readonly string[]): Promise<string[]> {
  const { db, session } = context;
  const keys = members.map((text) => {
    const reference = readId(text, kind);
    if (reference?.prefix === kind.prefix) return reference.key;
    throw new Problem(
      "invalid_value",
      `${echo(text)} is not the id of a ${kind.name}`,
      `members are ids such as ${kind.prefix}_t4v6w8y0`,
    );
  });
  const living = await livingIds(db, session.workspaceId, kind, keys);
  return [...new Set(keys.map((key) => living.find((id) => id.endsWith(key)) ?? refuse(missing(kind, key, "unprocessable"))))];
}

function refuse(problem: Problem): never {
  throw problem;
}

export async function addToList(context: Authenticated): Promise<Answer> {
  const { db, author, body } = context;
  const { list, kind } = await listOfMembers(context);
  const { members } = body.values as { members: string[] };
  const found = await membersNamed(context, kind, members);
  const added = await addMembers(db, author, list.id, found);
  const already = found.length - added;
  const message = `put ${counted(added, kind)} on ${list.slug}${already > 0 ? `; ${already} on it already` : ""}`;
  return { is: "message", message, values: { added } };
}

export async function takeOffList(context: Authenticated): Promise<Answer> {
  const { db, author, path } = context;
  const { list, kind } = await listOfMembers(context);
  const reference = readId(path.record!, kind);
  const id = reference?.prefix === kind.prefix ? await removeMember(db, author, list.id, reference.key) : undefined;
  if (id === undefined)
    throw new Problem("not_found", `${echo(path.record!)} is not on this list`, `GET /lists/${list.slug}/records shows who is`);
  return { is: "message", message: `took ${kind.name}/${shortId(id)} off ${list.slug}`, values: { removed: shortId(id) } };
}

async function listOfMembers(context: Authenticated) {
  const list = await listNamed(context, context.path.id!);
  const kind = kindNamed(context, list.kind);
  if (list.query === null) return { list, kind };
  throw new Problem(
    "invalid_value",
    `what is on ${list.slug} is found by its query`,
    `PATCH /lists/${list.slug} {"query":"…"}`,
  );
}
