import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Author, Database } from "../db/database.ts";
import { pendingMigrations } from "../db/migrate.ts";
import { adminOf, findWorkspaces } from "../db/people/commandLine.ts";
import { newPerson, signIn } from "../db/people/users.ts";
import { NO_CAP } from "../db/records/usage.ts";
import { checkFile } from "../db/workspace/check.ts";
import { linesOf, requireEmpty, restoreWorkspace } from "../db/workspace/restore.ts";
import { absentMembers, restoredNotes } from "../db/workspace/told.ts";
import { isEmail, readEmail } from "../fields/text.ts";
import { type IdSource, shortId } from "../kit/id.ts";
import { Problem } from "../kit/problem.ts";
import { StartError } from "../kit/startError.ts";
import type { Pool } from "../postgres/pool.ts";
import { catalog } from "../records/all.ts";
import { readKindsOfFile } from "../routes/kinds/file.ts";
import { createBar, type Terminal } from "./progress.ts";

export const IMPORT = "import <file> <workspace>     reads it into an empty workspace; for a new e-mail address it makes one";

/** `limited`: some plan caps records, so they are counted. */
export type ImportServices = { pool: Pool; ids: IdSource; now: number; limited: boolean; terminal: Terminal };

/** Reads the file of a workspace into an empty one, as POST /import does. Gives the lines to print. */
export async function importCommand(words: readonly string[], services: ImportServices): Promise<string[]> {
  const [path, of, ...rest] = words;
  if (!path || !of || rest.length > 0) throw new StartError(`usage: ${IMPORT}`);
  const { pool, ids, limited, terminal } = services;
  if ((await pendingMigrations(pool)).length > 0) throw new StartError("the database wants migrations: cardfile migrate");
  const { size } = await stat(path).catch((error: Error) => {
    throw new StartError(`cannot read ${path}: ${error.message}`);
  });
  const db: Database = { pool, catalog };
  const bar = createBar(terminal);
  try {
    const found = await chooseWorkspace(db, of);
    const bytes = counted(createReadStream(path), (read) => bar.show("checking", read, size));
    const file = await checkFile(readKindsOfFile, bytes, () => createReadStream(path));
    const lines = linesOf(file.counts);
    const { workspaceId } = await restoreWorkspace(db, {
      file,
      ids,
      capOf: () => (limited ? NO_CAP : undefined),
      into: async (unit) => authorOf(services, found ?? (await makeWorkspace(unit, readEmail(of), services))),
      told: (stored) => bar.show("writing", stored, lines),
    });
    const absent = await absentMembers(pool, workspaceId, file.header.members);
    const notes = restoredNotes(workspaceId, file, absent);
    return [`OK read ${path} into workspace/${shortId(workspaceId)}`, ...notes.map((note) => `# ${note}`)];
  } catch (error) {
    if (!(error instanceof Problem) || error.code === "internal") throw error;
    throw new StartError([error.message, ...error.hints.filter((hint) => !hint.includes("POST /"))].join("; "));
  } finally {
    bar.end();
  }
}

async function* counted(bytes: AsyncIterable<Uint8Array>, told: (read: number) => void): AsyncGenerator<Uint8Array> {
  let read = 0;
  for await (const piece of bytes) {
    yield piece;
    read += piece.length;
    told(read);
  }
}

/** Who imports, and into which workspace. */
type Into = { id: string; actor: string };

/** The empty workspace that is meant; undefined for an address that is in none. */
async function chooseWorkspace(db: Database, of: string): Promise<Into | undefined> {
  const found = await findWorkspaces(db.pool, of);
  const address = isEmail(readEmail(of)) ? readEmail(of) : undefined;
  if (address === undefined) {
    const [only] = found;
    if (!only) throw new StartError(`no workspace is ${of}: name one by its id, or somebody by e-mail address`);
    await requireEmpty(db, db.pool, only.id);
    return { id: only.id, actor: await adminOf(db.pool, only.id) };
  }
  const empty: string[] = [];
  for (const { id } of found) if (await isEmpty(db, id)) empty.push(id);
  if (empty.length > 1 || (empty.length === 0 && found.length > 0)) {
    const which =
      empty.length > 1
        ? `several empty ones: name one of ${empty.map(shortId).join(", ")}`
        : "none that is empty: make one, POST /workspaces, and name its id";
    throw new StartError(`${of} is in ${found.length} workspaces, ${which}`);
  }
  return empty[0] === undefined ? undefined : { id: empty[0], actor: address };
}

const isEmpty = (db: Database, id: string): Promise<boolean> =>
  requireEmpty(db, db.pool, id).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Problem && error.code === "already_exists") return false;
      throw error;
    },
  );

/** The first workspace of this person, who is made where nobody has the address. */
async function makeWorkspace(unit: Database, email: string, { ids, now }: ImportServices): Promise<Into> {
  const { workspaceId } = await signIn(unit.pool, newPerson(email, ids), undefined, now);
  return { id: workspaceId, actor: email };
}

function authorOf({ ids, now }: ImportServices, { id, actor }: Into): Author {
  const agent = "cardfile import";
  return { workspaceId: id, actor, tokenId: null, agent, reason: null, requestId: ids("req"), now, mayRead: () => true };
}
