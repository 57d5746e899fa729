import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../kit/log.ts";
import type { Account } from "./account.ts";
import type { Binaries } from "./binaries.ts";
import { environment } from "./folder.ts";

/** A postgres that this process has started. `ended` resolves with the reason once it has exited. */
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
  // Most rows are in memory, where a row found by an index costs the same wherever it is. With the defaults, which fit spinning disks, a plan reads
  // and sorts a whole workspace instead of following an index, or follows one to the end for a rare word.
  random_page_cost: "1.1",
  effective_cache_size: "128MB",
  statement_timeout: "10min", // a back-stop: every unit of work has a far shorter deadline of its own
  wal_compression: "on",
  // A caller is told its errors in the answer. Its values do not belong in a log.
  log_min_messages: "log",
  log_min_error_statement: "panic",
  log_checkpoints: "off",
  log_line_prefix: "",
};

/**
 * Starts a watcher that reads a pipe from this process, then becomes postgres. When this process dies, even by kill -9, the pipe ends and the
 * watcher asks for a fast shutdown. A line on the pipe ends the watcher, so that it never signals a reused process id. The watcher is a grandchild:
 * PostgreSQL takes the exit of an unknown child for a crash.
 */
const UNTIL_PIPE_ENDS = '((read -r _ <&3 || kill -INT $$) >/dev/null 2>&1 &) 3<&0; exec "$@" </dev/null';

/** Lines worth logging. Clients that connect too early or too late cause the others ("the database system is starting up"). */
const NEWS = /^(LOG|FATAL|PANIC): (?!.*the database system is)/;

/** SIGINT is a fast shutdown that writes a checkpoint. Each next signal is for a server that did not end in time. */
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
  child.stdin.on("error", () => {}); // the watcher may have ended before it gets the line

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
      await Promise.race([drained, sleep(500)]); // backends that outlive a killed server keep the pipe open
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
