import { takenApart } from "../../derive/body.ts";
import { type Row, rowId, rowVersion, type View } from "../../derive/view.ts";
import type { Written } from "../../derive/written.ts";
import type { IdReference, IdSource } from "../../kit/id.ts";
import { Problem } from "../../kit/problem.ts";
import type { RowsOptions } from "../../postgres/pool.ts";
import { type Statement, sql } from "../../postgres/sql.ts";
import type { Kind } from "../../records/kind.ts";
import type { Author, Database } from "../database.ts";
import { holderSql } from "./addresses.ts";
import { refuseUnseen } from "./answered.ts";
import { about, Holder } from "./conflict.ts";
import { withNewHandles } from "./handles.ts";
import { doneBefore } from "./idempotencyKeys.ts";
import { fill, isFilled } from "./items.ts";
import { mergedInto, resolveId, resolveLink, wrongKind } from "./references.ts";
import { holderOfTaken, keyOf, refusal, takenAddress } from "./refusal.ts";
import { findRow, getRow } from "./rows.ts";
import { settingsOnce } from "./settings.ts";
import { writeOnce } from "./writeOnce.ts";
import { type Claim, type Values, type Way, writeStatement } from "./writeStatement.ts";

/** An upsert that finds everything as it was sent did not write, and still is the update of a known record. */
export type Outcome = "created" | "updated" | "updated (unchanged)" | "unchanged";
/** `change`: the id of its history entry, where there was something to change. */
export type Saved = { row: Row; outcome: Outcome; change?: string };

/** How often an upsert may find its record gone when it looks for it. */
const ATTEMPTS = 5;

/** How a record may be created: once for an idempotency key, and within the cap of the plan. */
export type Terms = { claim?: Claim | undefined; cap?: number | undefined; lacks?: Lacks };

/** How the caller is refused a half of an upsert that they may not do. */
export type Lacks = { create?: Problem; update?: Problem };

/**
 * Creates a record, or updates the one that holds its natural key: one statement, so that of any number of callers with one address
 * exactly one creates. The change and its history entry are that same statement. With a `claim` the record is created once, however often
 * the request comes.
 */
export async function upsertRow(
  db: Database,
  author: Author,
  ids: IdSource,
  view: View,
  written: Written,
  { claim, cap, lacks = {} }: Terms = {},
): Promise<Saved> {
  const { kind } = view;
  const values = await prepareValues(db, author, kind, written, { creates: true });
  if (written.versions && !(await holderOf(db, author.workspaceId, view, written))) {
    throw new Problem(
      "version_conflict",
      `there is no ${kind.name} to have version ${written.versions.join(" or ")}`,
      "leave the version out to create one",
    );
  }
  // A known record has none of no versions: then the statement creates or does nothing.
  let wanted = lacks.update ? { ...values, versions: [] } : values;
  // Before a claim is stored, so that a refused request leaves its key free.
  const known = lacks.update && (await holderOf(db, author.workspaceId, view, written));
  if (known) refuseKnown(known, claim && (await madeBefore(db, author.workspaceId, claim)));
  const tried = new Set<string>();
  const newId = () => {
    const id = ids(kind.prefix);
    tried.add(id);
    return id;
  };
  const options = optionsFor(author, written);
  for (let attempt = 1; ; attempt++) {
    const saved = lacks.create
      ? await updateKnown(lacks.create)
      : await save(db, view, { creates: true, claim, cap }, author, wanted, options, ids, newId);
    if (saved) return saved;
    const sent = await livingLinks(db, author, kind, wanted.sent);
    if (sent) {
      wanted = { ...wanted, sent };
      continue;
    }
    const made = claim && (await madeBefore(db, author.workspaceId, claim));
    const found =
      (made && (await findRow(db, view, sql`r.workspace_id = ${author.workspaceId} and r.id = ${made}`))) ??
      (await holderOf(db, author.workspaceId, view, written));
    if (found) refuseKnown(found, made);
    // A key that this very request has claimed makes it no repetition.
    if (found) return { ...unchanged(found, written), outcome: made && !tried.has(made) ? "unchanged" : "updated (unchanged)" };
    if (made) throw deletedSince(kind);
    if (attempt === ATTEMPTS)
      throw new Problem("busy", "the record kept changing while it was written", "read it, then try again");
  }

  /** A create that is repeated under its key finds what it made. */
  function refuseKnown(found: Row, made: string | undefined): void {
    if (lacks.update && rowId(found) !== made) throw about(lacks.update, new Holder(kind, rowId(found)));
  }

  /** Changes the record that holds the natural key, which the statement of an upsert would create if it were gone. */
  async function updateKnown(lacksCreate: Problem): Promise<Saved | undefined> {
    const holder = await holderOf(db, author.workspaceId, view, written);
    if (!holder) throw lacksCreate;
    const { [kind.naturalKey!]: key, ...sent } = wanted.sent;
    const list = kind.furtherKey && sent[kind.furtherKey.name];
    // The value that led to the record stays with it, whatever list was sent.
    if (kind.furtherKey && Array.isArray(list)) sent[kind.furtherKey.name] = [...list.filter((each) => each !== key), key];
    const id = () => {
      tried.add(rowId(holder));
      return rowId(holder);
    };
    return save(db, view, { creates: false, claim }, author, { ...values, sent }, options, ids, id);
  }
}

/**
 * The id that the first request with this key had for a new record; undefined when there was no such request. One that found the record by its
 * natural key updated that, and none has this id.
 */
const madeBefore = async (db: Database, workspaceId: string, claim: Claim): Promise<string | undefined> =>
  (await doneBefore(db, workspaceId, claim))?.recordId;

function deletedSince({ name }: Kind): Problem {
  return new Problem(
    "idempotency_conflict",
    `the ${name} made with this Idempotency-Key was deleted since`,
    "use a new key to make another",
  );
}

/**
 * Changes the fields that were sent and no other; concurrent changes of other fields are kept. With a `claim` the change is made once, however
 * often the request comes.
 */
export async function updateRow(
  db: Database,
  author: Author,
  ids: IdSource,
  view: View,
  reference: IdReference,
  written: Written,
  claim?: Claim,
): Promise<Saved> {
  const { kind } = view;
  if (reference.prefix !== kind.prefix) throw wrongKind(db, kind, reference);
  const values = await prepareValues(db, author, kind, written, { key: reference.key });
  const way = { creates: false, claim };
  const saveWith = (sent: Values["sent"]) =>
    save(db, view, way, author, { ...values, sent }, optionsFor(author, written), ids, () => reference.key);
  const saved = await saveWith(values.sent);
  if (saved) return saved;
  const into = await mergedInto(db, author.workspaceId, kind, reference.key);
  if (into) return updateRow(db, author, ids, view, { prefix: kind.prefix, key: into }, written, claim);
  // Only a request that was done, or that had nothing to do, keeps its key.
  const done = claim && (await madeBefore(db, author.workspaceId, claim));
  const row = await getRow(db, author.workspaceId, view, reference);
  if (done) return { row, outcome: "unchanged" };
  const sent = await livingLinks(db, author, kind, values.sent);
  return (sent && (await saveWith(sent))) ?? unchanged(row, written);
}

/**
 * Puts links into the values by key, and what the caller left to others; takes apart which members of a value are set and which removed. `key` is
 * that of the record where there is one already.
 */
export async function prepareValues(
  db: Database,
  author: Author,
  kind: Kind,
  written: Written,
  { creates = false, key }: { creates?: boolean; key?: string } = {},
): Promise<Values> {
  const sent: Record<string, unknown> = { ...written.sent };
  const initial = { ...written.initial };
  if (creates) refuseUnseen(author, kind);
  for (const link of kind.links) {
    const choice = written.links[link.name];
    if (choice === undefined) continue;
    sent[link.id.name] = await resolveLink(db, author, link, choice);
  }
  if (isFilled(kind, sent, creates)) {
    const rows = (statement: Statement) => db.pool.rows(statement, { retry: true });
    const filling = { rows, settings: settingsOnce(rows, author.workspaceId) };
    await fill(filling, db.catalog, author, kind, sent, creates ? initial : undefined, key, written.whole);
  }
  return { ...takenApart(kind, sent), initial, versions: written.versions };
}

/** Characters of a body whose words take PostgreSQL a tenth of a second and more to index. */
const LARGE_BODY = 65_536;

/** A large write has connections of its own, in turns by workspace: on those of the others they would wait behind it. */
const optionsFor = (author: Author, { length }: Written): RowsOptions =>
  length > LARGE_BODY ? { longFor: author.workspaceId } : { short: true };

/** `id` is asked again when the handle of a new one is taken. */
async function save(
  db: Database,
  view: View,
  way: Way,
  author: Author,
  values: Values,
  options: RowsOptions,
  ids: IdSource,
  id: () => string,
): Promise<Saved | undefined> {
  try {
    const written = await withNewHandles(async () => {
      const write = { author, id: id(), entryId: ids("ch"), values };
      const statement = writeStatement(view, way, write, db.pool.spread !== undefined);
      const once = statement && (await writeOnce(db, view, author.workspaceId, write.entryId, statement, options));
      return once && { ...once, change: write.entryId };
    });
    return written && { row: written.row, outcome: written.created ? "created" : "updated", change: written.change };
  } catch (error) {
    const holder = way.creates ? await holderOfTaken(db, author.workspaceId, view.kind, error, values.sent) : undefined;
    const refused =
      (await takenAddress(db, author, view.kind, error, values.sent, way, id)) ??
      refusal(view.kind, error, values.sent, author.mayRead);
    throw holder && refused instanceof Problem ? about(refused, holder) : refused;
  }
}

/** Nothing was written: either nothing would change, or the caller expected another version. */
function unchanged(row: Row, written: Written): Saved {
  const version = rowVersion(row);
  if (written.versions && !written.versions.includes(version)) {
    throw new Problem(
      "version_conflict",
      `the record is at version ${version}, not ${written.versions.join(" or ")}`,
      "GET it again, then repeat the change with its version",
      {
        values: { version },
      },
    );
  }
  return { row, outcome: "unchanged" };
}

async function holderOf(db: Database, workspaceId: string, view: View, written: Written): Promise<Row | undefined> {
  const value = keyOf(view.kind, written.sent);
  if (value === undefined) return undefined;
  return findRow(db, view, sql`r.workspace_id = ${workspaceId} and r.id = ${holderSql(view.kind, workspaceId, value)}`);
}

/** The values with links that lead to the living where they were named by ids of merged records; undefined where all lead there already. */
export async function livingLinks(
  db: Database,
  author: Author,
  kind: Kind,
  sent: Record<string, unknown>,
): Promise<Record<string, unknown> | undefined> {
  const moved: Record<string, string> = {};
  for (const { id, target } of kind.links) {
    const key = sent[id.name] as string | null | undefined;
    if (!key) continue;
    const living = await resolveId(db, author.workspaceId, target, { prefix: target.prefix, key }, "unprocessable");
    if (!living.endsWith(key)) moved[id.name] = living;
  }
  return Object.keys(moved).length > 0 ? { ...sent, ...moved } : undefined;
}
