import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createHttpServer } from "../../../src/http/server.ts";

/** The header lines of an answer as a client gets them. */
async function linesOf(headers: Record<string, string>, common: string[]): Promise<string[]> {
  const outgoing = async () => ({ status: 200, headers, common, body: "fine\n" });
  const server = createHttpServer(outgoing, (prefix) => `${prefix}_1`);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise((done, fail) => {
      http.get({ port, agent: false }, ({ rawHeaders }) => done(rawHeaders)).on("error", fail);
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const valuesOf = (lines: string[], name: string) => lines.filter((_, i) => i % 2 === 1 && lines[i - 1] === name);

test("an answer's own header replaces the common one, and no header appears twice", async () => {
  const common = ["Vary", "Accept", "RateLimit", "common"];
  const lines = await linesOf({ "Content-Type": "text/plain", RateLimit: "own", "Cache-Control": "no-store" }, common);
  assert.deepEqual(valuesOf(lines, "RateLimit"), ["own"]);
  assert.deepEqual(valuesOf(lines, "Cache-Control"), ["no-store"]);
  assert.deepEqual(valuesOf(lines, "Vary"), ["Accept"]);
  const names = lines.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
  assert.equal(new Set(names).size, names.length);
});

test("a header whose name equals another header's value is kept apart", async () => {
  const lines = await linesOf({ Accept: "application/json" }, ["Vary", "Accept"]);
  assert.deepEqual([valuesOf(lines, "Vary"), valuesOf(lines, "Accept")], [["Accept"], ["application/json"]]);
});
