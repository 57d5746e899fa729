/** Bare Fastify on the floor's statements and rendering: what a service built on a framework would start from. See `--peers` of run.ts. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Answer, createAnswers } from "./floorAnswers.ts";
import { DATA } from "./place.ts";

/** As much of it as is used here: it is no dependency, peers.ts brings it. */
type Fastify = {
  get: (path: string, handle: (request: Request, reply: Reply) => Promise<string>) => void;
  post: (path: string, handle: (request: Request, reply: Reply) => Promise<string>) => void;
  listen: (at: { port: number; host: string }) => Promise<string>;
};
type Request = { url: string; body: Record<string, string> };
type Reply = { code: (status: number) => Reply; type: (type: string) => Reply };

const create = createRequire(join(DATA, "package.json"))("fastify") as () => Fastify;
const answers = createAnswers(process.env["DATABASE_URL"] ?? "", process.env["WORKSPACE"] ?? "");
const app = create();

const say = async (reply: Reply, answer: Promise<Answer>) => {
  const { status, text } = await answer;
  reply.code(status).type("text/plain; charset=utf-8");
  return text;
};
for (const path of ["/ping", "/contacts", "/contacts/:id", "/reminders"]) {
  app.get(path, (request, reply) => say(reply, answers.get(request.url)));
}
for (const path of ["/contacts", "/activities"]) {
  app.post(path, (request, reply) => say(reply, answers.post(request.url, request.body)));
}

process.stdout.write(`${await app.listen({ port: Number(process.env["PORT"] ?? 0), host: "127.0.0.1" })}\n`);
