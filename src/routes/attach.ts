import { type Joining, joinAll, joiningOf } from "../db/records/joined.ts";
import { resolveId, resolveLink } from "../db/records/references.ts";
import { inUnit } from "../db/unit.ts";
import { readRecord } from "../derive/body.ts";
import type { Named } from "../derive/operation.ts";
import { readListQuery, single } from "../derive/query.ts";
import { rowId } from "../derive/view.ts";
import { text } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import { shortId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import type { Kind } from "../records/kind.ts";
import { permit } from "../service/permit.ts";
import type { Authenticated } from "../service/route.ts";
import { makingOf } from "./linked.ts";

/** The kinds whose records put those of this one into something. */
const joiningsOf = ({ holders }: Kind): Joining[] =>
  holders.filter(({ kind, link }) => kind.joins?.whom === link.id.name).map(({ kind }) => joiningOf(kind));

/** `campaign=Spring` of a create. */
export const attaching = (kind: Kind): Named =>
  Object.fromEntries(
    joiningsOf(kind).map(({ into: { name, target } }) => [
      name,
      text({ about: `the ${target.name} that it is put into too, by id or name` }),
    ]),
  );

/** Writes a record and puts it into what the parameters name, in one transaction. Whoever is in it already stays as they are there. */
export async function withAttached(
  context: Authenticated,
  kind: Kind,
  write: (context: Authenticated) => Promise<Answer>,
): Promise<Answer> {
  const { author, parameters, services, session } = context;
  const asked = joiningsOf(kind).flatMap((joining) => {
    const named = single(parameters, joining.into.name);
    return named === undefined ? [] : [{ joining, named }];
  });
  if (asked.length === 0) return write(context);
  for (const { joining } of asked) permit(session, { verb: "create", plural: joining.kind.plural });
  return inUnit(context.db, async (unit) => {
    const inner = { ...context, db: unit };
    const found = [];
    for (const { joining, named } of asked) found.push({ joining, to: await idOf(inner, joining, named) });
    const answer = await write(inner);
    if (answer.is !== "record") return answer;
    const id = rowId(answer.row);
    const notes: string[] = [];
    for (const { joining, to } of found) {
      const { whom, into } = joining;
      const reference = { prefix: into.target.prefix, key: to };
      const { records } = await joinAll(
        unit,
        author,
        services.ids,
        joining,
        reference,
        readListQuery(whom.target, [["id", id]], context.reading),
        [{ ...readRecord(joining.kind, bodyOf(joining, to, id), false, context.reading), links: {} }],
        makingOf(context),
        () => {},
      );
      const there = `${into.target.name}/${shortId(to)}`;
      notes.push(records.length > 0 ? `put into ${there}` : `it is in ${there} already`);
    }
    return { ...answer, notes: [...(answer.notes ?? []), ...notes] };
  });
}

const bodyOf = ({ into, whom }: Joining, to: string, id: string) => ({
  values: { [into.id.name]: to, [whom.id.name]: id },
  form: false,
});

async function idOf({ db, author, reading }: Authenticated, { into }: Joining, named: string): Promise<string> {
  const choice = into.shown.type.names?.(named, reading);
  if (!choice)
    throw new Problem("invalid_value", `${into.name} cannot be ${echo(named)}`, [
      `it names a ${into.target.name}: GET /${into.target.plural}`,
    ]);
  const key = await resolveLink(db, author, into, choice);
  return resolveId(db, author.workspaceId, into.target, { prefix: into.target.prefix, key: key! }, "unprocessable");
}
