import type { Database } from "../db/database.ts";
import { resolveId } from "../db/records/references.ts";
import { type Lacks, updateRow, upsertRow } from "../db/records/write.ts";
import { readRecord } from "../derive/body.ts";
import { type Row, rowId, type View } from "../derive/view.ts";
import type { Written } from "../derive/written.ts";
import type { Answer } from "../http/reply.ts";
import { shortId } from "../kit/id.ts";
import { Problem } from "../kit/problem.ts";
import { oneOf } from "../kit/words.ts";
import { isUnavailable } from "../postgres/errors.ts";
import type { Kind } from "../records/kind.ts";
import { type Authenticated, readPathId } from "../service/route.ts";
import { manyAtOnce } from "./again.ts";
import { withAttached } from "./attach.ts";
import { scopesLacking, withLinks } from "./linked.ts";
import { assumed, deletedTwins, namesakes, unchosen, unusual, wanting } from "./notes.ts";
import { recordView } from "./readable.ts";
import { openNotes } from "./settled.ts";
import { strangers } from "./strangers.ts";

/** What is missing in a path is 404, whereas a missing link of a body would be 422. */
export function holderId({ db, session, path }: Authenticated, holder: Kind): Promise<string> {
  return resolveId(db, session.workspaceId, holder, readPathId(holder, path.id!));
}

export async function create(context: Authenticated, kind: Kind, given: Record<string, unknown>): Promise<Answer> {
  for (const name of Object.keys(given)) {
    if (context.body.values[name] !== undefined)
      throw new Problem("invalid_field", `${name} is in the path already`, `leave ${name} out of the body`);
  }
  const written = expecting(
    context,
    readRecord(kind, { ...context.body, values: { ...context.body.values, ...given } }, false, context.reading),
  );
  return withAttached(context, kind, (outer) =>
    withLinks(outer, kind, written, (inner, linked, made) => upsert(inner, kind, linked, made)),
  );
}

async function upsert(context: Authenticated, kind: Kind, written: Written, made: string[]): Promise<Answer> {
  const { db, services } = context;
  const view = recordView(context, kind);
  const { caps } = services.plans.of(context.session.plan);
  const terms = { claim: context.claim, cap: caps[kind.plural], lacks: lacksOf(context, kind) };
  const { row, outcome, change } = await upsertRow(db, context.author, services.ids, view, written, terms);
  const created = outcome === "created";
  const location = { Location: `/${kind.plural}/${shortId(row[0] as string)}` };
  const others = created
    ? [
        ...(await ifHad(db, namesakes(context, kind, written, rowId(row)))),
        ...(await ifHad(db, deletedTwins(context, kind, written))),
      ]
    : [];
  const notes = [
    ...made,
    ...others,
    ...(created ? assumed(kind, written) : []),
    ...(await toldOf(context, view, row, written)),
  ];
  const head = created ? { status: 201, headers: location } : { status: 200 };
  return { is: "record", view, row, outcome, change, notes, ...head };
}

/** With `If-None-Match: *` a POST only creates (RFC 9110, section 13.1.2). */
function lacksOf({ session, headers }: Authenticated, kind: Kind): Lacks {
  const { name, naturalKey } = kind;
  const lacks = scopesLacking(session, kind);
  if (headers["if-none-match"]?.trim() !== "*" || lacks.update) return lacks;
  const taken = new Problem("already_exists", `there is ${oneOf(name)} with this ${naturalKey}`, [
    `it is left as it is; GET /${kind.plural}?${naturalKey}=… shows it, and without If-None-Match the POST would update it`,
  ]);
  return { ...lacks, update: taken };
}

export async function patch(context: Authenticated, kind: Kind): Promise<Answer> {
  const written = expecting(context, readRecord(kind, context.body, true, context.reading));
  const view = recordView(context, kind);
  const reference = readPathId(kind, context.path.id!);
  return withLinks(context, kind, written, async (inner, linked, made) => {
    const { db, author, services, claim } = inner;
    const { row, outcome, change } = await updateRow(db, author, services.ids, view, reference, linked, claim);
    const many = outcome === "updated" ? manyAtOnce(context, kind, rowId(row)) : [];
    return { is: "record", view, row, outcome, change, notes: [...made, ...(await toldOf(inner, view, row, linked)), ...many] };
  });
}

/**
 * A note is left out where the database has no time for it: the record is written, and a refusal would say that nothing was changed. Within a unit a
 * refusal takes the record back too.
 */
const ifHad = (db: Database, notes: Promise<string[]>): Promise<string[]> =>
  notes.catch((error) => {
    if (!db.isUnit && error instanceof Problem && isUnavailable(error.code)) return [];
    throw error;
  });

/** What is told beside every write. */
async function toldOf(context: Authenticated, view: View, row: Row, written: Written): Promise<string[]> {
  const people = await ifHad(context.db, strangers(context, view.kind, written));
  const open = await ifHad(context.db, openNotes(context, view.kind, rowId(row)));
  return [...unchosen(view, row, written), ...wanting(view, row, written), ...unusual(view.kind, written), ...people, ...open];
}

/** The versions of the header and that of the body are the same wish, so they must not contradict each other. */
function expecting({ ifMatch }: Authenticated, written: Written): Written {
  if (ifMatch === undefined) return written;
  const versions = ifMatch.filter((version) => written.versions?.includes(version) ?? true);
  if (versions.length > 0) return { ...written, versions };
  throw new Problem(
    "version_conflict",
    `If-Match names version ${ifMatch.join(" or ")} and the body version ${written.versions?.join()}`,
    "send one of them",
  );
}
