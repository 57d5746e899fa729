import { readdirSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { quantile } from "../client.ts";
import { memoryOf } from "../processes.ts";
import type { Contender } from "../servers.ts";
import type { Arena } from "./arena.ts";
import { type Caller, callerOf } from "./callers.ts";

const addressOf = ({ baseUrl }: Contender) => ({ host: "127.0.0.1", port: Number(new URL(baseUrl).port) });
const openFiles = ({ pid }: Contender) => readdirSync(`/proc/${pid}/fd`).length;

/** A raw connection, its end as a promise of the milliseconds it lasted, and what came back. */
function dial(product: Contender): { socket: net.Socket; ended: Promise<number>; said: () => string } {
  const socket = net.connect({ ...addressOf(product), noDelay: true });
  const since = performance.now();
  let said = "";
  const ended = new Promise<number>((done) => socket.on("close", () => done(performance.now() - since)));
  socket
    .on("error", () => {})
    .on("data", (bytes) => {
      said = (said + bytes.toString("latin1")).slice(-400_000);
    });
  return { socket, ended, said: () => said };
}

/** Somebody who asks for one record again and again, over a connection kept open; gives the latencies when stopped. */
function regular(caller: Caller, path: string): { stop: () => Promise<{ p99: number; failures: number; count: number }> } {
  let over = false;
  const times: number[] = [];
  let failures = 0;
  const work = (async () => {
    while (!over) {
      const since = performance.now();
      const { status } = await caller.send("GET", path);
      times.push(performance.now() - since);
      if (status !== 200) failures += 1;
      await sleep(20);
    }
  })();
  return {
    async stop() {
      over = true;
      await work;
      const sorted = times.sort((a, b) => a - b);
      return { p99: quantile(sorted, 0.99), failures, count: times.length };
    },
  };
}

/** Clients that take their time: with the header, the body, and the reading of answers. */
export async function slow({ start, check }: Arena): Promise<void> {
  const product = await start();
  const caller = await callerOf(product, "regular@bench.example");
  for (let i = 0; i < 200; i++) await caller.post("/contacts", { name: `Slow ${i}`, notes: "n".repeat(9_000) });
  await caller.send("GET", "/contacts?limit=200&fields=name,notes");
  const before = memoryOf(product.pid).now;
  const files = openFiles(product);
  const begun = performance.now();
  const guest = regular(caller, "/contacts?limit=1");
  const many = (count: number) => Array.from({ length: count }, () => dial(product));
  const authorization = `Authorization: Bearer ${caller.token}\r\n`;

  const headers = many(300);
  const bodies = many(200);
  const silent = many(500);
  const readers = many(200);
  for (const { socket } of headers) socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
  for (const { socket } of bodies) {
    socket.write(`POST /contacts HTTP/1.1\r\nHost: localhost\r\n${authorization}Content-Length: 100000\r\n\r\n`);
  }
  const big = `GET /contacts?limit=200&fields=name,notes HTTP/1.1\r\nHost: localhost\r\n${authorization}\r\n`;
  for (const { socket } of readers) {
    socket.pause();
    socket.write(big.repeat(20));
  }
  let most = 0;
  const drip = setInterval(() => {
    most = Math.max(most, memoryOf(product.pid).now);
    for (const { socket } of headers) if (socket.writable) socket.write("x");
    for (const { socket } of bodies) if (socket.writable) socket.write("x");
  }, 500);
  const lasted = async (which: { ended: Promise<number> }[]) =>
    Math.max(...(await Promise.all(which.map(({ ended }) => ended)))) / 1000;
  const longest = async (what: string, which: { ended: Promise<number> }[], most: number) => {
    const seconds = await Promise.race([lasted(which), sleep(most * 1000 + 5_000, Number.POSITIVE_INFINITY)]);
    check(`${which.length} ${what} are cut off within ${most} s`, seconds <= most, `${seconds.toFixed(1)} s`);
  };
  await Promise.all([
    longest("connections that say nothing", silent, 8),
    longest("headers that drip in", headers, 8),
    longest("bodies that drip in", bodies, 20),
  ]);
  // Who does not read does not see that the connection was closed: the files of the product tell.
  while (openFiles(product) > files + 20 && performance.now() < begun + 45_000) await sleep(100);
  const gone = (performance.now() - begun) / 1000;
  check("200 answers that nobody reads are cut off within 45 s", gone < 45, `${gone.toFixed(1)} s`);
  clearInterval(drip);
  for (const { socket } of [...headers, ...bodies, ...silent, ...readers]) socket.destroy();
  const { p99, failures, count } = await guest.stop();
  check(
    "a regular caller hardly notices",
    failures < count / 100 && p99 < 500,
    `${count} requests, p99 ${p99.toFixed(0)} ms, ${failures} failed`,
  );
  check("memory stays bounded", most - before < 300, `${before.toFixed(0)} MB before, ${most.toFixed(0)} MB at most`);
}

/** Connections without number, and requests without pause. */
export async function flood({ start, check }: Arena): Promise<void> {
  const product = await start();
  const caller = await callerOf(product, "regular@bench.example");
  await caller.post("/contacts", { name: "One" });
  const files = openFiles(product);
  const guest = regular(caller, "/contacts?limit=1");
  await caller.send("GET", "/contacts?limit=1");

  const idle: ReturnType<typeof dial>[] = [];
  for (let i = 0; i < 60; i++) {
    for (let j = 0; j < 100; j++) idle.push(dial(product));
    await sleep(10);
  }
  await sleep(500);
  check("6000 connections at once do not open 6000 files", openFiles(product) < 2_200, `${openFiles(product)} are open`);
  for (const { socket } of idle) socket.destroy();
  for (let i = 0; i < 100; i++) {
    const burst = Array.from({ length: 50 }, () => dial(product));
    await sleep(5);
    for (const { socket } of burst) socket.destroy();
  }
  const { p99, failures, count } = await guest.stop();
  check(
    "who is connected already is served all the while",
    failures === 0 && p99 < 1_000,
    `${count} requests, p99 ${p99.toFixed(0)} ms, ${failures} failed`,
  );
  const fresh = await freshly(product);
  check("who comes right after it is let in", fresh < 2_000, `after ${fresh.toFixed(0)} ms`);

  const pipeline = dial(product);
  const get = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n";
  pipeline.socket.write(`${get}\r\n`.repeat(5_000).concat(get, "Connection: close\r\n\r\n"));
  await Promise.race([pipeline.ended, sleep(20_000)]);
  const answered = pipeline.said().split("HTTP/1.1 200 OK").length - 1;
  check(
    "5000 requests in one go are all answered",
    pipeline.said().endsWith("OK alive\n") && answered > 100,
    `${answered} of the last seen`,
  );

  const huge = Array.from({ length: 50 }, () => dial(product));
  for (const { socket } of huge) socket.write(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"h".repeat(100_000)}\r\n\r\n`);
  await Promise.all(huge.map(({ ended }) => Promise.race([ended, sleep(5_000)])));
  const told = huge.filter(({ said }) => /^HTTP\/1\.1 431 /.test(said())).length;
  check(
    "huge headers are refused",
    huge.every(({ socket }) => socket.destroyed),
    `${told} of 50 read 431`,
  );
  await sleep(1_500);
  check("nothing stays open", openFiles(product) < files + 20, `${files} files before, ${openFiles(product)} after`);
}

/** Milliseconds until a new connection is answered. */
async function freshly(product: Contender): Promise<number> {
  const since = performance.now();
  while (performance.now() < since + 20_000) {
    const status = await new Promise<number>((done) => {
      const request = http.get({ ...addressOf(product), path: "/healthz", agent: false }, (response) => {
        response.resume();
        done(response.statusCode ?? 0);
      });
      request.on("error", () => done(0));
    });
    if (status === 200) return performance.now() - since;
    await sleep(20);
  }
  return Number.POSITIVE_INFINITY;
}
