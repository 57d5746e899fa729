import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chown, lstat, mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { StartError } from "../kit/startError.ts";
import { type Account, SYSTEM_PATH } from "./account.ts";
import type { Binaries } from "./binaries.ts";

const run = promisify(execFile);

/** The major version of the data folder; undefined when it is missing or empty. */
export async function majorOf(folder: string): Promise<number | undefined> {
  const version = await readFile(join(folder, "PG_VERSION"), "utf8").catch(whenMissing);
  if (version !== undefined) return Number.parseInt(version, 10);
  const names = await readdir(folder).catch(whenMissing);
  if (names?.length)
    throw new StartError(`${folder} is not empty and holds no PostgreSQL data: choose another folder with CRM_DATA`);
  return undefined;
}

function whenMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
  return undefined;
}

/**
 * Makes the folder under another name and renames it when it is complete, so that a half-made one is never used. The process id in the name
 * separates two first starts; the second to finish removes its own.
 */
export async function initFolder(folder: string, binaries: Binaries, account: Account, sync: boolean): Promise<void> {
  await clearCutOff(folder);
  const fresh = `${folder}.init.${process.pid}`;
  await mkdir(fresh, { mode: 0o700 });
  if (account.owner) await chown(fresh, account.owner.uid, account.owner.gid);
  const cluster = [
    "-D",
    fresh,
    "-U",
    "crm",
    "-E",
    "UTF8",
    "--auth-local=trust",
    "--auth-host=scram-sha-256",
    "--no-instructions",
  ];
  const command = [
    ...account.prefix,
    join(binaries.bin, "initdb"),
    ...cluster,
    ...locale(binaries.major),
    ...(sync ? [] : ["-N"]),
  ];
  const [program = "initdb", ...rest] = command;
  await run(program, rest, { ...account.spawn, cwd: "/", env: environment(folder, binaries) }).catch(
    (error: { stderr?: string }) => {
      throw new StartError(`initdb could not make ${folder}: ${oneLine((error.stderr || String(error)).split("\n"))}`);
    },
  );
  await rename(fresh, folder).catch(async (error: NodeJS.ErrnoException) => {
    await rm(fresh, { recursive: true, force: true });
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
  await syncFolder(dirname(folder)); // else a power cut could undo the rename, and lose all that was written since
}

async function clearCutOff(folder: string): Promise<void> {
  const prefix = `${basename(folder)}.init.`;
  for (const name of await readdir(dirname(folder))) {
    if (!name.startsWith(prefix)) continue;
    const maker = Number(name.slice(prefix.length));
    if (maker === process.pid || !isAlive(maker)) await rm(join(dirname(folder), name), { recursive: true, force: true });
  }
}

/** With these locales 15 and 18 agree on lower, ilike, unaccent, pg_trgm and order by. macOS has only the builtin C.UTF-8. */
function locale(major: number): string[] {
  if (major < 17) return ["--locale=C.UTF-8"];
  const system = process.platform === "darwin" ? "C" : "C.UTF-8";
  return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", `--locale=${system}`];
}

export function environment(folder: string, { libraries }: Binaries): Record<string, string> {
  return { PATH: SYSTEM_PATH, HOME: folder, LC_ALL: "C", ...(libraries && { LD_LIBRARY_PATH: libraries }) };
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  await handle.sync().finally(() => handle.close());
}

/** The process id of the PostgreSQL that runs in the folder. Removes a stale pid file that would keep PostgreSQL from starting. */
export async function postmasterOf(folder: string): Promise<number | undefined> {
  const file = join(folder, "postmaster.pid");
  const pid = Number.parseInt((await readFile(file, "utf8").catch(whenMissing)) ?? "", 10);
  if (!(pid > 0) || !isAlive(pid)) return undefined;
  if (await isPostgres(pid, folder)) return pid;
  await rm(file, { force: true });
  return undefined;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** True in doubt: two servers on one folder would destroy it. */
async function isPostgres(pid: number, folder: string): Promise<boolean> {
  if (process.platform !== "linux") {
    const { stdout } = await run("ps", ["-o", "comm=", "-p", String(pid)]).catch(() => ({ stdout: "" }));
    return stdout.includes("postgres");
  }
  const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(whenMissing);
  if (name?.trim() !== "postgres") return false;
  try {
    const [at, here] = [await stat(`/proc/${pid}/cwd`), await stat(folder)];
    return at.dev === here.dev && at.ino === here.ino;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ENOENT"; // a zombie has no working folder
  }
}

/**
 * The folder of the socket: the data folder, unless its path is too long for sockaddr_un (104 bytes with the final NUL on macOS, 108 on Linux) or
 * has a character that separates folders or hosts in a list. It depends on the path alone, so that every process finds it.
 */
export function socketFolder(folder: string): string {
  const fits = Buffer.byteLength(join(folder, ".s.PGSQL.5432")) <= 103 && !/[,:"]/.test(folder);
  return fits ? folder : join("/tmp", `cardfile-${createHash("sha256").update(folder).digest("hex").slice(0, 16)}`);
}

/** Any account can make folders in /tmp, and the owner of this one could read all that we send. */
export async function makeSocketFolder(folder: string, account: Account): Promise<void> {
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  const found = await lstat(folder);
  const ours = [process.getuid?.(), account.owner?.uid].includes(found.uid);
  if (!ours || !found.isDirectory() || found.mode & 0o077)
    throw new StartError(`${folder} belongs to somebody else: remove it`);
  if (account.owner) await chown(folder, account.owner.uid, account.owner.gid);
}

/** The last lines of a server or initdb that tell a person why it failed. */
export function oneLine(lines: readonly string[]): string {
  const telling = lines.filter((line) => /\b(FATAL|PANIC|ERROR|error|HINT|hint|DETAIL|detail):/.test(line));
  const chosen = (telling.length ? telling : lines).map((line) => line.trim()).filter(Boolean);
  return chosen.slice(-3).join("; ").replace(/\s+/g, " ") || "it said nothing";
}
