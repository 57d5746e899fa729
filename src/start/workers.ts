import cluster, { type Worker } from "node:cluster";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../kit/log.ts";
import { StartError } from "../kit/startError.ts";
import type { ConnectionOptions } from "../postgres/address.ts";
import type { Peers } from "../service/peers.ts";
import { type Downwards, living, passMessages, type Upwards } from "./messages.ts";
import type { Serving } from "./serve.ts";

const CONNECTION = "CARDFILE_CONNECTION";

/** True in a worker. `workerConnection` then gives the address of the database. */
export const isWorker = cluster.isWorker;
export const workerConnection = (): ConnectionOptions => JSON.parse(process.env[CONNECTION] ?? "null") as ConnectionOptions;

/**
 * Pauses before a dead worker is replaced. The pause starts at the shortest and doubles when another worker dies within a minute.
 */
const SHORTEST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;
const CALM_MS = 60_000;

/** A stopping worker is killed after this time. Its last requests and statements need less, so it must hang. */
const PATIENCE_MS = 30_000;

/** Starts several workers on one port and replaces those that die. Returns the URL once the first one listens. */
export async function startWorkers(
  count: number,
  connection: ConnectionOptions,
  log: Log,
): Promise<{ baseUrl: string; stop: () => Promise<void> }> {
  let stopping = false;
  let listens = false;
  let pause = 0;
  let lastDeath = Number.NEGATIVE_INFINITY;
  const start = () => cluster.fork({ [CONNECTION]: JSON.stringify(connection) });
  const stop = async () => {
    stopping = true;
    await Promise.all(living().map(end));
  };
  passMessages();
  const listening = new Promise<string>((done, fail) => {
    cluster.on("message", (_: Worker, message: Upwards) => {
      if ("listening" in message) {
        listens = true;
        done(message.listening);
      } else if ("failed" in message) {
        log.error("worker failed", { reason: message.failed });
        fail(new StartError(message.failed));
      }
    });
    cluster.on("exit", async ({ process: { pid } }, code, signal) => {
      if (stopping) return;
      if (!listens) fail(new StartError(`a process ended (${signal ?? code}) before it served`));
      pause = performance.now() - lastDeath > CALM_MS ? SHORTEST_PAUSE_MS : Math.min(pause * 2, LONGEST_PAUSE_MS);
      lastDeath = performance.now();
      log.error("worker died", { pid, code, signal, again_in_ms: pause });
      await sleep(pause);
      if (!stopping) start();
    });
  });
  for (let i = 0; i < count; i++) start();
  try {
    return { baseUrl: await listening, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Stops a worker after its running requests. */
function end(worker: Worker): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(() => worker.process.kill("SIGKILL"), PATIENCE_MS);
    worker.once("exit", () => {
      clearTimeout(timer);
      done();
    });
    worker.process.kill("SIGTERM");
  });
}

/** Connects a worker to the primary and serves. */
export async function joinWorkers(serve: (peers: Peers) => Promise<Serving>): Promise<Serving> {
  const tell = (message: Upwards) => void process.send?.(message);
  const questions = new Map<number, (texts: string[]) => void>();
  let asked = 0;
  const metrics = () => {
    asked += 1;
    tell({ wanted: "metrics", question: asked });
    return new Promise<string[]>((done) => questions.set(asked, done));
  };
  try {
    const serving = await serve({ name: String(cluster.worker?.id), tell: (news) => tell({ news }), metrics });
    process.on("message", (message: Downwards) => {
      if ("news" in message) serving.hear(message.news);
      else if ("wanted" in message) tell({ metrics: serving.metrics(), to: message.to, question: message.question });
      else {
        questions.get(message.question)?.(message.metrics);
        questions.delete(message.question);
      }
    });
    // Without the primary nobody could stop this worker, so it exits.
    process.on("disconnect", () => process.exit(0));
    tell({ listening: serving.baseUrl });
    return serving;
  } catch (error) {
    tell({ failed: (error as Error).message });
    throw error;
  }
}
