import assert from "node:assert/strict";
import http from "node:http";
import { before, test } from "node:test";
import { databaseUrl, run, SECRET, type Served, serve, until } from "../helpers/process.ts";

/** A revocation ends a token and all tokens minted from it, also those minted concurrently in any process. */

const PROCESSES = 2;
const LOOPS = 8;
const ROUNDS = 8;

let service: Served;
let keeper: string;
let settings: Record<string, string>;
before(async () => {
  settings = { DATABASE_URL: await databaseUrl(), CRM_SECRET: SECRET };
  service = await serve({ ...settings, CRM_WORKERS: String(PROCESSES), CRM_RATE: "1000000" });
  keeper = await signIn();
});

type Answer = { status: number; text: string };

/** Sends a request on a new connection. The primary hands connections to the workers in turn. */
function call(method: string, path: string, token = "", body?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = token ? { authorization: `Bearer ${token}` } : {};
    const target = `${service.url}${path}${path.includes("?") ? "&" : "?"}format=json`;
    const request = http.request(target, { method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (more) => (text += more));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on("error", reject).end(body && JSON.stringify(body));
  });
}

async function signIn(): Promise<string> {
  const { code } = JSON.parse((await call("POST", "/auth/request", "", { email: "ann@example.com" })).text);
  return JSON.parse((await call("POST", "/auth/verify", "", { email: "ann@example.com", code })).text).token;
}

type Minted = { token: string; id: string };

/** Mints alternately with the parent and with the newest child, until it is refused. */
async function mintUntilRefused(parent: string, minted: Minted[]): Promise<Answer> {
  let newest = parent;
  for (let n = 0; ; n++) {
    const answer = await call("POST", "/tokens", n % 2 === 0 ? parent : newest, { name: "loop" });
    if (answer.status !== 201) return answer;
    const made = JSON.parse(answer.text) as Minted;
    minted.push(made);
    newest = made.token;
  }
}

test("a revocation ends every token minted concurrently by eight loops in two processes", async () => {
  const left = new Set(["keeper"]);
  let told = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const parent = JSON.parse((await call("POST", "/tokens", keeper, { name: "parent" })).text) as Minted;
    const minted: Minted[] = [];
    const loops = Array.from({ length: LOOPS }, () => mintUntilRefused(parent.token, minted));
    await until("all loops mint", () => minted.length > LOOPS + round);
    const revoked = await call("DELETE", `/${parent.id}`, keeper);
    assert.equal(revoked.status, 200, revoked.text);
    for (const { status, text } of await Promise.all(loops)) assert.equal(status, 401, text);
    told += minted.length;
    const living = JSON.parse((await call("GET", "/tokens", keeper)).text).items as { name: string; current: boolean }[];
    for (const { name, current } of living) if (!current) left.add(name);
  }
  assert.deepEqual([...left], ["keeper"], `of ${told} tokens some live on`);
});

test("every token answered with 201 was made, and is valid or was revoked later", async () => {
  const parent = JSON.parse((await call("POST", "/tokens", keeper, { name: "parent" })).text) as Minted;
  const minted: Minted[] = [];
  const loops = Array.from({ length: LOOPS }, () => mintUntilRefused(parent.token, minted));
  await until("all loops mint", () => minted.length > LOOPS);
  const gone = JSON.parse((await call("DELETE", `/${parent.id}`, keeper)).text) as { message: string };
  await Promise.all(loops);
  const ended = Number(/ and (\d+) minted with it/.exec(gone.message)?.[1] ?? 0);
  assert.equal(minted.length, ended, "each was there to be ended");
});

test("the command line ends every token of a person, also those minted concurrently", async () => {
  const minted: Minted[] = [];
  const loops = Array.from({ length: LOOPS }, () => mintUntilRefused(keeper, minted));
  await run(settings, "user", "revoke", "ann@example.com").ended;
  for (const { status, text } of await Promise.all(loops)) assert.equal(status, 401, text);
  const again = await signIn();
  const { items } = JSON.parse((await call("GET", "/tokens", again)).text) as { items: { name: string }[] };
  assert.equal(items.length, 1, `only the new one lives, and not ${items.length - 1} of ${minted.length}`);
});
