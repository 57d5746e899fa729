import { execFile } from "node:child_process";
import { chown, lchown, lstat, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { StartError } from "../kit/startError.ts";
import type { Binaries } from "./binaries.ts";

type Owner = { uid: number; gid: number };

/** The account that PostgreSQL runs as. `spawn` goes to child_process, `prefix` stands before the command, `owner` (root only) owns the files. */
export type Account = { spawn: Partial<Owner>; prefix: readonly string[]; owner: Owner | undefined };

const run = promisify(execFile);
const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

/** initdb and postgres refuse root. As root they run as an ordinary account that can reach the binaries and the parent of the data folder. */
export async function chooseAccount(binaries: Binaries, folder: string): Promise<Account> {
  if (process.getuid?.() !== 0) return { spawn: {}, prefix: [], owner: undefined };
  const owner = await ordinaryOwner();
  for (const account of accountsOf(owner)) if (await reaches(account, binaries, folder)) return account;
  throw new StartError(
    `PostgreSQL refuses to run as root, and the account ${owner.uid} it would run as cannot reach ${binaries.bin} and ` +
      `${dirname(folder)}: run Cardfile as an ordinary user, or keep it and CRM_DATA where every account may read`,
  );
}

/** The account must have a row in passwd: initdb looks it up. */
async function ordinaryOwner(): Promise<Owner> {
  const { uid } = await stat(PROJECT);
  for (const name of [...(uid === 0 ? [] : [String(uid)]), "postgres", "nobody"]) {
    const ids = await Promise.all([run("id", ["-u", name]), run("id", ["-g", name])]).catch(() => undefined);
    if (ids) return { uid: Number(ids[0].stdout), gid: Number(ids[1].stdout) };
  }
  throw new StartError(
    "PostgreSQL refuses to run as root, and there is no account postgres or nobody: run as an ordinary user",
  );
}

/**
 * Three ways to run as the owner. The first is plain. The others reach a checkout under a closed folder, such as root's home: as root that a user
 * namespace shows as the owner, or, where containers forbid namespaces, as the owner with the capability to pass closed folders. access(2)
 * would drop that capability without no_setuid_fixup.
 */
function accountsOf(owner: Owner): Account[] {
  const { uid, gid } = owner;
  const namespace = ["unshare", "--user", `--map-user=${uid}`, `--map-group=${gid}`];
  const dropped = ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
  const walking = ["--securebits=+no_setuid_fixup", "--inh-caps=+dac_override", "--ambient-caps=+dac_override"];
  return [
    { spawn: { uid, gid }, prefix: [], owner },
    { spawn: {}, prefix: namespace, owner: { uid: 0, gid: 0 } },
    { spawn: {}, prefix: [...dropped, ...walking], owner },
  ];
}

async function reaches({ spawn, prefix }: Account, { bin, libraries }: Binaries, folder: string): Promise<boolean> {
  const look = ["sh", "-c", 'cd "$1" && exec "$0" --version', join(bin, "postgres"), dirname(folder)];
  const [command = "sh", ...rest] = [...prefix, ...look];
  const env = { PATH: SYSTEM_PATH, ...(libraries && { LD_LIBRARY_PATH: libraries }) };
  return run(command, rest, { ...spawn, cwd: "/", env, timeout: 10_000 }).then(
    () => true,
    () => false,
  );
}

/** PostgreSQL gets a clean environment: PGPORT or LC_COLLATE of the caller must not change the data. */
export const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Changes the owner of a folder, its contents first. After an interruption the folder still has the old owner, and all is done again. */
export async function handOver(folder: string, owner: Owner | undefined): Promise<void> {
  if (!owner || (await lstat(folder)).uid === owner.uid) return;
  for (const name of await readdir(folder, { recursive: true })) await lchown(join(folder, name), owner.uid, owner.gid);
  await chown(folder, owner.uid, owner.gid);
}
