import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../log.ts";
import type { Account } from "./account.ts";
import type { Binaries } from "./binaries.ts";
import { environment } from "./folder.ts";

/** A running postgres that this process has started. `ended` resolves with the reason when it is gone, for whatever reason. */
export type ServerProcess = {
  pid: number | undefined;
  ended: Promise<string>;
  lastLines: () => Promise<readonly string[]>;
  stop: () => Promise<void>;
};

export type Launch = {
  binaries: Binaries;
  account: Account;
  folder: string;
  socket: string;
  settings: Record<string, string>;
  log: Log;
};

const DEFAULTS = {
  listen_addresses: "",
  unix_socket_permissions: "0700",
  timezone: "UTC",
  log_timezone: "UTC",
  shared_buffers: "128MB",
  max_connections: "100",
  jit: "off",
  // Rows are mostly in memory, where one that an index leads to costs the same wherever it lies, and as often as it is read. At the defaults,
  // which are of spinning disks, a plan rather reads and sorts a workspace than follows an index, or follows one to the end for a rare word.
  random_page_cost: "1.1",
  effective_cache_size: "128MB",
  statement_timeout: "10min", // a back-stop: every unit of work has a far shorter deadline of its own
  wal_compression: "on",
  // What a caller did wrong is answered to the caller; its values have no place in a log.
  log_min_messages: "log",
  log_min_error_statement: "panic",
  log_checkpoints: "off",
  log_line_prefix: "",
};

/**
 * Leaves a watcher that reads our pipe, then becomes postgres. When this process dies, even by kill -9, the pipe ends and the
 * watcher asks for a fast shutdown; a line on the pipe sends the watcher away, so that it never signals a reused process id.
 * The watcher is a grandchild, because PostgreSQL takes the exit of a child it does not know for a crash.
 */
const UNTIL_PIPE_ENDS = '((read -r _ <&3 || kill -INT $$) >/dev/null 2>&1 &) 3<&0; exec "$@" </dev/null';

/** Not what callers are told who come too early or too late ("the database system is starting up"). */
const NEWS = /^(LOG|FATAL|PANIC): (?!.*the database system is)/;

/** SIGINT lets a server finish what it has to write; each next signal is for one that does not. */
const STOPPING = [
  ["SIGINT", 20_000],
  ["SIGQUIT", 5_000],
  ["SIGKILL", 5_000],
] as const;

export function launchServer({ binaries, account, folder, socket, settings, log }: Launch): ServerProcess {
  const chosen = Object.entries({ ...DEFAULTS, ...settings }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const server = [join(binaries.bin, "postgres"), "-D", folder, "-k", socket, ...chosen];
  const [program = "sh", ...rest] = [...account.prefix, "sh", "-c", UNTIL_PIPE_ENDS, "sh", ...server];
  const env = environment(folder, binaries);
  const child = spawn(program, rest, { ...account.spawn, cwd: "/", env, detached: true, stdio: ["pipe", "ignore", "pipe"] });
  child.stdin.on("error", () => {}); // the watcher may be gone before the line that sends it away

  const lines: string[] = [];
  let quiet = true;
  createInterface(child.stderr).on("line", (line) => {
    lines.push(line.slice(0, 500));
    if (lines.length > 30) lines.shift();
    if (line.includes("database system is ready")) quiet = false;
    else if (!quiet && NEWS.test(line)) log.warn("postgres", { message: line });
  });
  const drained = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const ended = new Promise<string>((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  void ended.then(() => child.stdin.end("\n"));

  return {
    pid: child.pid,
    ended,
    async lastLines() {
      await Promise.race([drained, sleep(500)]); // backends that outlive a killed server hold the pipe open
      return lines;
    },
    async stop() {
      quiet = true;
      for (const [signal, patience] of STOPPING) {
        child.kill(signal);
        if (await within(ended, patience)) return;
      }
    },
  };
}

async function within(done: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const timer = new AbortController();
  const late = sleep(milliseconds, false, { signal: timer.signal }).catch(() => false);
  const inTime = await Promise.race([done.then(() => true), late]);
  timer.abort();
  return inTime;
}
