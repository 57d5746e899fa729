import cluster, { type Worker } from "node:cluster";
import { setTimeout as sleep } from "node:timers/promises";
import type { News } from "../service/peers.ts";

/** What a worker says to the process that started it. `question` is what an asker numbers its questions by. */
export type Upwards =
  | { listening: string }
  | { failed: string }
  | { news: News }
  | { wanted: "metrics"; question: number }
  | { metrics: string; to: number; question: number };

/** What it hears. */
export type Downwards = { news: News } | Question | { metrics: string[]; question: number };

type Question = { wanted: "metrics"; to: number; question: number };

export const living = () => Object.values(cluster.workers ?? {}).filter((worker) => worker?.isConnected()) as Worker[];

/** How long the others have to say what they have counted. */
const ANSWER_MS = 1_000;

/** News go to all others; a question too, and what they answer goes back together. */
export function passMessages(): void {
  const questions = new Map<string, (text: string) => void>();
  cluster.on("message", async (from: Worker, message: Upwards) => {
    const others = living().filter((worker) => worker !== from);
    if ("news" in message) {
      for (const worker of others) say(worker, { news: message.news });
    } else if ("wanted" in message) {
      const { question } = message;
      const metrics = await collect(others, { wanted: "metrics", to: from.id, question });
      say(from, { metrics, question });
    } else if ("metrics" in message) questions.get(`${message.to} ${message.question} ${from.id}`)?.(message.metrics);
  });

  async function collect(others: Worker[], question: Question): Promise<string[]> {
    const answers = others.map(async (worker) => {
      const key = `${question.to} ${question.question} ${worker.id}`;
      const answer = new Promise<string>((done) => questions.set(key, done));
      say(worker, question);
      const text = await Promise.race([answer, sleep(ANSWER_MS, "", { ref: false })]);
      questions.delete(key);
      return text;
    });
    return Promise.all(answers);
  }
}

/** One that has just died hears nothing. */
function say(worker: Worker, message: Downwards): void {
  if (worker.isConnected()) worker.send(message, () => {});
}
