import assert from "node:assert/strict";
import http, { type ServerResponse } from "node:http";
import net, { type AddressInfo } from "node:net";
import { afterEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Bounds, createCrowd, createTurnstile } from "../../../src/http/crowd.ts";

/** A server with room for few, whose callers dial from addresses of the loopback. */
type Room = { port: number; turnedAway: boolean[]; close: () => void };

let room: Room;
const sockets: net.Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  room.close();
});

/** Answers `/slow` never. */
async function open(bounds: Partial<Bounds> = {}, proxied = false): Promise<Room> {
  const turnedAway: boolean[] = [];
  const crowd = createCrowd({ all: 6, ofOne: 4, graceMs: 0, ...bounds }, proxied, (socket, served) => {
    turnedAway.push(served);
    socket.destroy();
  });
  const server = http.createServer((request, response) => {
    crowd.begin(request, response);
    if (request.url !== "/slow") response.end("ok");
  });
  server.on("connection", crowd.enter);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, turnedAway, close };
}

async function dial(from: string, text = ""): Promise<net.Socket> {
  const socket = net.connect({ port: room.port, host: "127.0.0.1", localAddress: from });
  socket.on("error", () => {}).resume();
  sockets.push(socket);
  await new Promise((done) => socket.once("connect", done));
  if (text) socket.write(text);
  await sleep(20);
  return socket;
}

const get = (path = "/") => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
const standing = (list: net.Socket[]) => list.map(({ closed }) => !closed);

test("an address above its limit loses its oldest idle connection", async () => {
  room = await open();
  const first = await dial("127.0.0.1", get("/slow"));
  const second = await dial("127.0.0.1", "POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf");
  const third = await dial("127.0.0.1", "GET / HT");
  const fourth = await dial("127.0.0.1", get());
  const fifth = await dial("127.0.0.1", get());
  assert.deepEqual(standing([first, second, third, fourth, fifth]), [true, false, true, true, true]);
  const sixth = await dial("127.0.0.1", get());
  assert.deepEqual(standing([first, third, fourth, fifth, sixth]), [true, false, true, true, true]);
  const other = await dial("127.0.0.2", get());
  assert.deepEqual(standing([first, fourth, fifth, sixth, other]), [true, true, true, true, true]);
  assert.deepEqual(room.turnedAway, [true, false], "the second had sent a header, the third had not");
});

test("an address whose connections are all active or new is refused another one", async () => {
  room = await open({ graceMs: 60_000 });
  const held = [await dial("127.0.0.1", get("/slow")), await dial("127.0.0.1", get("/slow"))];
  held.push(await dial("127.0.0.1"), await dial("127.0.0.1"));
  const further = await dial("127.0.0.1", get());
  assert.deepEqual(standing([...held, further]), [true, true, true, true, false]);
});

test("above the limit of all, the address with most connections loses one to a new address", async () => {
  room = await open({ graceMs: 60_000 });
  const most = [await dial("127.0.0.1"), await dial("127.0.0.1"), await dial("127.0.0.1")];
  const some = [await dial("127.0.0.2"), await dial("127.0.0.2"), await dial("127.0.0.3")];
  const newcomer = await dial("127.0.0.4", get());
  assert.deepEqual(standing([...most, ...some, newcomer]), [false, true, true, true, true, true, true]);
});

test("connections of a proxy have only the limit of all", async () => {
  room = await open({}, true);
  const held: net.Socket[] = [];
  for (let i = 0; i < 7; i++) held.push(await dial("127.0.0.1"));
  assert.deepEqual(standing(held), [false, true, true, true, true, true, true]);
});

test("closed connections free their slots", async () => {
  room = await open({ graceMs: 60_000 });
  for (let round = 0; round < 3; round++) {
    const held: net.Socket[] = [];
    for (let i = 0; i < 4; i++) held.push(await dial("127.0.0.1", get()));
    assert.deepEqual(standing(held), [true, true, true, true]);
    for (const socket of held) socket.destroy();
    await sleep(20);
  }
  assert.deepEqual(room.turnedAway, []);
});

test("running requests are limited for each caller separately", () => {
  const admit = createTurnstile(2);
  const ends: (() => void)[] = [];
  const response = { once: (_: string, end: () => void) => ends.push(end) } as unknown as ServerResponse;
  assert.deepEqual(
    ["a", "a", "a", "b"].map((caller) => admit(caller, response)),
    [true, true, false, true],
  );
  ends[0]!();
  assert.deepEqual([admit("a", response), admit("a", response)], [true, false]);
  room = { port: 0, turnedAway: [], close() {} };
});
