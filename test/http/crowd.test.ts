import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Service, startService } from "../helpers/service.ts";

let service: Service;
let proxied: Service;
before(async () => {
  service = await startService();
  proxied = await startService({ mail: true, config: { CRM_TRUST_PROXY: "on" } });
});
after(async () => {
  await service.close();
  await proxied.close();
});

const MANY = 2_300;

function dial({ baseUrl }: Service, from: string, text: string): net.Socket {
  const socket = net.connect({ port: Number(new URL(baseUrl).port), host: "127.0.0.1", localAddress: from });
  socket.on("error", () => {});
  socket.write(text);
  return socket;
}

/** All that comes back on a connection of its own. */
async function talk(to: Service, from: string, text: string): Promise<string> {
  const socket = dial(to, from, text);
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk;
  });
  await new Promise((done) => socket.once("close", done));
  return answer;
}

/** Half a header each. */
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

test("one address with thousands of half-open connections shuts out nobody else", async () => {
  const crowd = await besiege(service, "127.0.0.1");
  const told = talk(service, "127.0.0.1", ASK);
  const answers = await Promise.all(Array.from({ length: 50 }, () => talk(service, "127.0.0.2", ASK)));
  for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 200 /);
  assert.match(await told, /^HTTP\/1\.1 (200 |503 [\s\S]*\r\nRetry-After: 1\r\n[\s\S]*\r\n\r\nERROR busy )/);
  for (const socket of crowd) socket.destroy();
});

test("behind a proxy, whose address is everybody's, newcomers get in all the same", async () => {
  const crowd = await besiege(proxied, "127.0.0.1");
  const answers = await Promise.all(Array.from({ length: 50 }, () => talk(proxied, "127.0.0.1", ASK)));
  for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 200 /);
  for (const socket of crowd) socket.destroy();
});

test("behind a proxy one caller has a thousand requests under way at most", async () => {
  const slow = "POST /auth/request HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\nContent-Length: 9\r\n\r\n";
  const crowd = Array.from({ length: 1_000 }, () => dial(proxied, "127.0.0.1", slow));
  const from = (address: string) => ASK.replace("\r\n\r\n", `\r\nX-Forwarded-For: ${address}\r\n\r\n`);
  const own = () => talk(proxied, "127.0.0.1", from("192.0.2.1"));
  let answer = await own();
  for (let i = 0; i < 80 && !answer.startsWith("HTTP/1.1 429"); i++) {
    await sleep(100);
    answer = await own();
  }
  assert.match(answer, /^HTTP\/1\.1 429 [\s\S]*\r\n\r\nERROR rate_limited more than 1000 requests at once /);
  assert.match(await talk(proxied, "127.0.0.1", from("192.0.2.2")), /^HTTP\/1\.1 200 /);
  for (const socket of crowd) socket.destroy();
});
