import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Service, startService } from "../helpers/service.ts";

let service: Service;
before(async () => {
  service = await startService();
});
after(() => service.close());

const MANY = 2_300;

function dial({ baseUrl }: Service, from: string, text: string): net.Socket {
  const socket = net.connect({ port: Number(new URL(baseUrl).port), host: "127.0.0.1", localAddress: from });
  socket.on("error", () => {});
  socket.write(text);
  return socket;
}

/** All bytes that come back on a new connection. */
async function talk(to: Service, from: string, text: string): Promise<string> {
  const socket = dial(to, from, text);
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk;
  });
  await new Promise((done) => socket.once("close", done));
  return answer;
}

/** Opens connections that send half a header each. */
async function besiege(to: Service, from: string): Promise<net.Socket[]> {
  const crowd: net.Socket[] = [];
  for (let i = 0; i < MANY; i++) {
    crowd.push(dial(to, from, "GET /healthz HTTP/1.1\r\nHo"));
    if (i % 100 === 99) await sleep(5);
  }
  await sleep(100);
  return crowd;
}

const ASK = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";

test("an address with thousands of unfinished requests does not block other addresses", async () => {
  const crowd = await besiege(service, "127.0.0.1");
  const told = talk(service, "127.0.0.1", ASK);
  const answers = await Promise.all(Array.from({ length: 50 }, () => talk(service, "127.0.0.2", ASK)));
  for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.match(await told, /^HTTP\/1\.1 (200 |503 [\s\S]*\r\nRetry-After: 1\r\n[\s\S]*\r\n\r\nERROR busy )/);
  for (const socket of crowd) socket.destroy();
});
