import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import postgres from "postgres";
import { type EmbeddedServer, startEmbedded } from "../src/embedded/server.ts";
import { silentLog } from "../src/kit/log.ts";

/** Kept between runs and out of the repository: a database a size takes minutes to fill and up to 10 GB. */
export const DATA = join(import.meta.dirname, ".data");
export const RESULTS = join(import.meta.dirname, "results");

/** Contacts in the big workspace, unless `--rows` says otherwise. */
export const ROWS = 1_000_000;

/** Who signs in, each to a workspace of the size that the name tells. */
export const PEOPLE = {
  big: { email: "big@bench.example", workspaceId: "ws_01bench0000000000000000bg1" },
  thousand: { email: "thousand@bench.example", workspaceId: "ws_01bench0000000000000000th1" },
  small: { email: "small@bench.example", workspaceId: "ws_01bench0000000000000000000" },
} as const;

export type Person = keyof typeof PEOPLE;

export type Settings = Record<string, string>;

export const folderOf = (rows: number) => join(DATA, `postgres-${rows}`);

/** The database of one size. It runs with the product's own settings, except while it is filled. */
export async function openServer(rows: number, settings: Settings = {}, folder = folderOf(rows)): Promise<EmbeddedServer> {
  await mkdir(DATA, { recursive: true, mode: 0o755 });
  const { PG_BIN } = process.env;
  return startEmbedded({
    folder,
    database: "crm",
    log: silentLog,
    settings,
    ...(PG_BIN ? { binaries: PG_BIN } : {}),
  });
}

export type Sql = postgres.Sql;

/** A connection of the benchmark's own, without the server's back-stop on long statements. As text: postgres.js leaves a 0 out. */
export function connect(server: EmbeddedServer): Sql {
  const { host, port, user, database } = server;
  const connection = { application_name: "bench", statement_timeout: "0" as never };
  return postgres({ host, port, user, database, max: 1, fetch_types: false, connection, onnotice: () => {} });
}

/** The socket's folder stands in the place of the host. */
export const urlOf = ({ user, database, host }: EmbeddedServer) => `postgres://${user}@${encodeURIComponent(host)}/${database}`;

/** `--rows 20000 --rounds=5 get list` -> the options by name, and the rest. */
export function readArguments(
  list: readonly string[],
  known: readonly string[],
): { options: Map<string, string>; rest: string[] } {
  const options = new Map<string, string>();
  const rest: string[] = [];
  for (let i = 0; i < list.length; i++) {
    const word = list[i]!;
    if (!word.startsWith("--")) {
      rest.push(word);
      continue;
    }
    const [name, inline] = word.slice(2).split("=", 2) as [string, string?];
    if (!known.includes(name)) throw new Error(`there is no option --${name}; there are: --${known.join(", --")}`);
    const value = list[i + 1]?.startsWith("--") === false ? list[i + 1] : undefined;
    if (inline === undefined && value !== undefined) i += 1;
    options.set(name, inline ?? value ?? "true");
  }
  return { options, rest };
}

export const readRows = (options: ReadonlyMap<string, string>) => Number(options.get("rows") ?? ROWS);
