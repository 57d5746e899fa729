import cluster, { type Worker } from "node:cluster";
import { setTimeout as sleep } from "node:timers/promises";
import type { News } from "../service/peers.ts";

/** A message from a worker to the primary. `question` numbers the questions of each worker. */
export type Upwards =
  | { listening: string }
  | { failed: string }
  | { news: News }
  | { wanted: "metrics"; question: number }
  | { metrics: string; to: number; question: number };

/** A message from the primary to a worker. */
export type Downwards = { news: News } | Question | { metrics: string[]; question: number };

type Question = { wanted: "metrics"; to: number; question: number };

export const living = () => Object.values(cluster.workers ?? {}).filter((worker) => worker?.isConnected()) as Worker[];

/** How long the primary waits for the other workers' metrics. */
const ANSWER_MS = 1_000;

/**
 * Relays messages between workers. News go to all others. A question goes to all others too, and their answers go back as one
 * message.
 */
export function passMessages(): void {
  const questions = new Map<string, (text: string) => void>();
  cluster.on("message", async (from: Worker, message: Upwards) => {
    const others = living().filter((worker) => worker !== from);
    if ("news" in message) {
      for (const worker of others) sendTo(worker, { news: message.news });
    } else if ("wanted" in message) {
      const { question } = message;
      const metrics = await collect(others, { wanted: "metrics", to: from.id, question });
      sendTo(from, { metrics, question });
    } else if ("metrics" in message) questions.get(`${message.to} ${message.question} ${from.id}`)?.(message.metrics);
  });

  async function collect(others: Worker[], question: Question): Promise<string[]> {
    const answers = others.map(async (worker) => {
      const key = `${question.to} ${question.question} ${worker.id}`;
      const answer = new Promise<string>((done) => questions.set(key, done));
      sendTo(worker, question);
      const text = await Promise.race([answer, sleep(ANSWER_MS, "", { ref: false })]);
      questions.delete(key);
      return text;
    });
    return Promise.all(answers);
  }
}

/** Sends a message. A worker that has just died gets none. */
function sendTo(worker: Worker, message: Downwards): void {
  if (worker.isConnected()) worker.send(message, () => {});
}
