import { existsSync } from "node:fs";
import { link, open, rm } from "node:fs/promises";
import { pendingMigrations } from "../db/migrate.ts";
import { findWorkspaces } from "../db/people/commandLine.ts";
import { workspaceText } from "../db/workspace/rows.ts";
import { shortId } from "../kit/id.ts";
import { StartError } from "../kit/startError.ts";
import type { Pool } from "../postgres/pool.ts";
import type { Terminal } from "./progress.ts";

export const EXPORT = "export <file> <workspace>     writes a workspace to a new file; its id, or the e-mail of a member";

/** Writes a workspace to a file, as GET /export gives it. Until it is whole, the file has another name. */
export async function exportCommand(words: readonly string[], pool: Pool, terminal: Terminal, now: number): Promise<string> {
  const [file, of, ...rest] = words;
  if (!file || !of || rest.length > 0) throw new StartError(`usage: ${EXPORT}`);
  if ((await pendingMigrations(pool)).length > 0) throw new StartError("the database wants migrations: cardfile migrate");
  const workspaceId = await onlyWorkspace(pool, of);
  if (existsSync(file)) throw isThere(file);
  const part = `${file}.part`;
  const output = await open(part, "w").catch((error: Error) => {
    throw new StartError(`cannot write ${part}: ${error.message}`);
  });
  let lines = 0;
  let bytes = 0;
  try {
    const { signal } = new AbortController();
    const told = (done: number) => {
      lines = done;
    };
    for await (const text of workspaceText(pool, workspaceId, { now, signal, told })) {
      await output.appendFile(text);
      bytes += Buffer.byteLength(text);
      if (terminal.isTTY) terminal.write(`\r${progress(lines, bytes)}`);
    }
    await output.sync();
    // A link takes no name that is in use, as a rename would.
    await link(part, file).catch((error: NodeJS.ErrnoException) => {
      throw error.code === "EEXIST" ? isThere(file) : error;
    });
  } finally {
    if (terminal.isTTY) terminal.write("\n");
    await output.close();
    await rm(part);
  }
  return `OK wrote workspace/${shortId(workspaceId)} to ${file}: ${progress(lines, bytes)}`;
}

const progress = (lines: number, bytes: number) => `${lines} rows, ${(bytes / 1_048_576).toFixed(1)} MB`;

const isThere = (file: string) => new StartError(`${file} is there already: name a new file`);

async function onlyWorkspace(pool: Pool, of: string): Promise<string> {
  const found = await findWorkspaces(pool, of);
  if (found.length === 0) throw new StartError(`no workspace is ${of}, and nobody of that address is in one`);
  if (found.length === 1) return found[0]!.id;
  const names = found.map(({ id, name }) => `${shortId(id)} (${name})`);
  throw new StartError(`${of} is in ${found.length} workspaces: name one of ${names.join(", ")}`);
}
