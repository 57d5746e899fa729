/**
 * The bare floor: what node:http and postgres.js cost when they do nothing but the work. No authentication, validation, routing, limits
 * or history; one prepared statement a route, row objects rendered as lines. `WORKSPACE`, `DATABASE_URL` and `PORT` come from outside.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Answer, createAnswers } from "./floorAnswers.ts";

const answers = createAnswers(process.env["DATABASE_URL"] ?? "", process.env["WORKSPACE"] ?? "");

const server = createServer((request, response) => {
  const url = request.url ?? "/";
  const send = ({ status, text }: Answer) => {
    response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", "Content-Length": Buffer.byteLength(text) });
    response.end(text);
  };
  const fail = (error: unknown) => send({ status: 500, text: `${error}\n` });
  if (request.method === "POST") {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => answers.post(url, JSON.parse(body)).then(send, fail));
  } else answers.get(url).then(send, fail);
});

process.once("SIGTERM", () => process.exit()); // in good order, so that a profile is written

server.listen(Number(process.env["PORT"] ?? 0), "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
