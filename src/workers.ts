import cluster, { type Worker } from "node:cluster";
import { setTimeout as sleep } from "node:timers/promises";
import type { Connection } from "./db/address.ts";
import { StartError } from "./kit/startError.ts";
import type { Log } from "./log.ts";
import type { Serving } from "./serve.ts";

/** What processes tell each other. */
type Message = { listening: string } | { failed: string } | { forget: string };

const CONNECTION = "CARDFILE_CONNECTION";

/** True in a process that startWorkers started; `workerConnection` then says where the database is. */
export const isWorker = cluster.isWorker;
export const workerConnection = (): Connection => JSON.parse(process.env[CONNECTION] ?? "null") as Connection;

/**
 * Serves with several processes on one port. One that dies is replaced; a token revoked in one is forgotten by all. Gives the address
 * once the first listens.
 */
export async function startWorkers(
  count: number,
  connection: Connection,
  log: Log,
): Promise<{ baseUrl: string; stop: () => Promise<void> }> {
  let stopping = false;
  const start = () => cluster.fork({ [CONNECTION]: JSON.stringify(connection) });
  cluster.on("message", (from: Worker, message: Message) => {
    if (!("forget" in message)) return;
    for (const worker of Object.values(cluster.workers ?? {})) if (worker !== from) worker?.send(message);
  });
  const listening = new Promise<string>((done, fail) => {
    cluster.on("message", (_: Worker, message: Message) => {
      if ("listening" in message) done(message.listening);
      if (!("failed" in message)) return;
      log.error("worker failed", { reason: message.failed });
      fail(new StartError(message.failed));
    });
  });
  cluster.on("exit", async (worker, code, signal) => {
    if (stopping) return;
    log.error("worker died", { pid: worker.process.pid, code, signal });
    await sleep(500);
    if (!stopping) start();
  });
  for (let i = 0; i < count; i++) start();
  const stop = async () => {
    stopping = true;
    const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    const gone = workers.map((worker) => new Promise((done) => worker.once("exit", done)));
    for (const worker of workers) worker.process.kill("SIGTERM");
    await Promise.all(gone);
  };
  try {
    return { baseUrl: await listening, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The worker's side: tells where it listens and what it revoked, hears what others did. */
export async function joinWorkers(serve: (onForget: (id: string) => void) => Promise<Serving>): Promise<Serving> {
  const tell = (message: Message) => void process.send?.(message);
  try {
    const serving = await serve((forget) => tell({ forget }));
    process.on("message", (message: Message) => {
      if ("forget" in message) serving.forget(message.forget);
    });
    // Without the process that started it there is nobody to stop it either.
    process.on("disconnect", () => process.exit(0));
    tell({ listening: serving.baseUrl });
    return serving;
  } catch (error) {
    tell({ failed: (error as Error).message });
    throw error;
  }
}
