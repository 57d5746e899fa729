import assert from "node:assert/strict";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, LookupFunction } from "node:net";
import { after, before, test } from "node:test";
import { createPublicReader, type Network } from "../../../src/outbound/publicDocument.ts";

const PUBLIC = "93.184.216.34";

let server: http.Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
before(async () => {
  server = http.createServer((request, response) => answer(request, response));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
});
after(() => {
  server.closeAllConnections();
  server.close();
});

/** The internet, which is one server here: what is dialled is noted. */
function internet(names: Record<string, string[]>): Network & { dialled: string[] } {
  const dialled: string[] = [];
  return {
    dialled,
    lookup: async (host) => (names[host] ?? []).map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    get(url, { lookup, signal, headers }, onResponse) {
      lookup!(url.hostname, { all: false }, (_, address) => dialled.push(String(address)));
      (lookup as LookupFunction)(url.hostname, { all: true }, (_, addresses) =>
        assert.equal((addresses as object[]).length, 1),
      );
      const { port } = server.address() as AddressInfo;
      return http.get({ port, host: "127.0.0.1", path: url.pathname, signal, headers }, onResponse);
    },
  };
}

const json = (text: string) => (_: IncomingMessage, response: ServerResponse) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(text);
};

test("a document is read from the very address that was checked", async () => {
  const network = internet({ "app.example": [PUBLIC] });
  answer = json('{"a":1}');
  assert.equal(await createPublicReader(network)(new URL("https://app.example/client")), '{"a":1}');
  assert.deepEqual(network.dialled, [PUBLIC]);
});

test("only public addresses at port 443 of https are dialled", async () => {
  const names = {
    "inner.example": ["10.0.0.1"],
    "both.example": [PUBLIC, "127.0.0.1"],
    "six.example": ["fe80::1"],
    "none.example": [],
  };
  const network = internet(names);
  const read = createPublicReader(network);
  for (const address of [
    ...Object.keys(names),
    "unknown.example",
    "127.0.0.1",
    "2130706433",
    "0x7f.1",
    "169.254.169.254",
    "10.1.2.3",
    "[::1]",
    "[::ffff:127.0.0.1]",
    `${PUBLIC}:8443`,
  ])
    await assert.rejects(read(new URL(`https://${address}/client`)), address);
  await assert.rejects(read(new URL(`http://${PUBLIC}/client`)));
  assert.deepEqual(network.dialled, []);
});

test("an unreachable document gives the same message after the same time, for internal and unknown names", async () => {
  const network = internet({ "inner.example": ["10.0.0.1"], "closed.example": [PUBLIC], "empty.example": [] });
  const unknown = () => Promise.reject(new Error("getaddrinfo ENOTFOUND unknown.example"));
  const lookup: Network["lookup"] = (host) => (host === "unknown.example" ? unknown() : network.lookup(host));
  const get: Network["get"] = (_, __, onResponse) => http.get({ port: 1, host: "127.0.0.1" }, onResponse);
  const read = createPublicReader({ lookup, get });
  const told = await Promise.all(
    ["inner", "unknown", "closed", "empty"].map(async (name) => {
      const begun = performance.now();
      const message = await read(new URL(`https://${name}.example/client`)).catch((error: Error) => error.message);
      assert.ok(performance.now() - begun >= 490, `${name} is not told at once`);
      return message;
    }),
  );
  assert.deepEqual(new Set(told), new Set(["it cannot be read at https and port 443 of the public network"]));
});

test("only a small JSON document with status 200 is accepted", async () => {
  const read = createPublicReader(internet({ "app.example": [PUBLIC] }));
  const url = new URL("https://app.example/client");
  answer = (_, response) =>
    response.writeHead(302, { location: "https://127.0.0.1/", "content-type": "application/json" }).end("{}");
  await assert.rejects(read(url), /302/);
  answer = (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("{}");
  await assert.rejects(read(url), /JSON/);
  answer = json(`"${"x".repeat(20_000)}"`);
  await assert.rejects(read(url), /larger/);
  answer = (_, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    const timer = setInterval(() => response.write("x".repeat(1_000)), 1);
    response.on("close", () => clearInterval(timer));
  };
  await assert.rejects(read(url), /larger/);
  answer = json("");
  answer = (_, response) => response.writeHead(200, { "content-type": "application/json" }).end(Buffer.from([0xff]));
  await assert.rejects(read(url));
});

test("a lookup or a server that never answers times out", { timeout: 20_000 }, async () => {
  const network = internet({ "app.example": [PUBLIC] });
  answer = () => {};
  const hangs = createPublicReader(network)(new URL("https://app.example/client"));
  const slow = createPublicReader({ ...network, lookup: () => new Promise(() => {}) })(new URL("https://app.example/client"));
  await Promise.all([assert.rejects(hangs), assert.rejects(slow)]);
});
