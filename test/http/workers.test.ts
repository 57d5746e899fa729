import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { CODE_ATTEMPTS } from "../../src/db/people/codes.ts";
import { databaseUrl, SECRET, type Served, serve, until } from "../helpers/process.ts";

/** All processes on one port share revocations, guesses, rates and metrics. */

const COUNT = 3;
const RATE = 600;

let service: Served;
before(async () => {
  service = await serve({
    DATABASE_URL: await databaseUrl(),
    CRM_SECRET: SECRET,
    CRM_WORKERS: String(COUNT),
    CRM_RATE: String(RATE),
    CRM_METRICS_TOKEN: "for prometheus",
  });
  await until("all listen", () => workers().length === COUNT);
  await metrics(); // the others answer only when they serve
});

type Answer = { status: number; text: string };

/** Sends a request on a new connection. The primary hands connections to the workers in turn. */
function call(method: string, path: string, token = "", body?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = token ? { authorization: `Bearer ${token}` } : {};
    const request = http.request(service.url + path, { method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (more) => (text += more));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.on("error", reject).end(body && JSON.stringify(body));
  });
}

async function everywhere(path: string, token: string, times = 3 * COUNT): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < times; i++) statuses.push((await call("GET", path, token)).status);
  return statuses;
}

const metrics = async () => (await call("GET", "/metrics", "for prometheus")).text;

/** The pids of the workers. tsx may run a compiler process beside them. */
function workers(): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids
    .map(Number)
    .filter((pid) => parentOf(pid) === service.child.pid && about(pid, "cmdline").includes("cardfile.cjs"));
}

const parentOf = (pid: number) =>
  Number(
    about(pid, "stat")
      .replace(/^.*\) /s, "")
      .split(" ")[1],
  );

function about(pid: number, what: "stat" | "cmdline"): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, "utf8");
  } catch {
    return ""; // it has just ended
  }
}

async function askForCode(email: string): Promise<string> {
  return JSON.parse((await call("POST", "/auth/request?format=json", "", { email })).text).code;
}

const verify = (email: string, code: string) => call("POST", "/auth/verify?format=json", "", { email, code });

async function signIn(email: string): Promise<string> {
  return JSON.parse((await verify(email, await askForCode(email))).text).token;
}

test("every process refuses a revoked token, long before its cached session expires", async () => {
  // A machine that is busy with other things may be slow once.
  let fastest = Infinity;
  for (let tries = 0; tries < 3 && fastest > 4_000; tries++) fastest = Math.min(fastest, await msUntilRefused());
  assert.ok(fastest < 4_000, "without a word between them they would believe it for 5 s");
});

/** How long a revoked token, which all processes have seen, is believed anywhere. */
async function msUntilRefused(): Promise<number> {
  const [keeper, token] = [await signIn("ann@example.com"), await signIn("ann@example.com")];
  assert.deepEqual(new Set(await everywhere("/contacts", token)), new Set([200]));
  const { token: handle } = JSON.parse((await call("GET", "/whoami?format=json", token)).text);
  assert.equal((await call("DELETE", `/tokens/${handle.split("/")[1]}`, keeper)).status, 200);
  const revoked = performance.now();
  await until("refusals only", async () => (await everywhere("/contacts", token)).every((status) => status === 401));
  return performance.now() - revoked;
}

test("all processes count guesses at a code together, and a code works once", async () => {
  const [guessed, raced] = ["guessed@example.com", "raced@example.com"];
  const code = await askForCode(guessed);
  const wrong = code === "000000" ? "111111" : "000000";
  const guesses = await Promise.all(Array.from({ length: CODE_ATTEMPTS + 4 }, () => verify(guessed, wrong)));
  assert.deepEqual(new Set(guesses.map(({ status }) => status)), new Set([401]));
  assert.equal((await verify(guessed, code)).status, 401);

  const good = await askForCode(raced);
  const races = await Promise.all(Array.from({ length: CODE_ATTEMPTS }, () => verify(raced, good)));
  assert.equal(races.filter(({ status }) => status === 200).length, 1);
});

test("a rate limit holds for all processes together", async () => {
  const token = await signIn("busy@example.com");
  let served = 0;
  const [batch, apart] = [50, 250]; // slow enough for the processes to hear of each other in between
  while (served <= RATE) {
    const answers = await Promise.all(Array.from({ length: batch }, () => call("GET", "/contacts?limit=1", token)));
    served += answers.filter(({ status }) => status === 200).length;
    if (answers.some(({ status }) => status === 429)) break;
    await sleep(apart);
  }
  assert.ok(served <= RATE + batch, `${served} were served`);
  await sleep(1_000);
  assert.deepEqual(new Set(await everywhere("/contacts?limit=1", token)), new Set([429]));
});

test("the metrics cover all processes", async () => {
  const count = (text: string) =>
    Number(
      /^cardfile_request_duration_seconds_count\{method="GET",route="\/readyz",status="200"\} (\d+)$/m.exec(text)?.[1] ?? 0,
    );
  const before = count(await metrics());
  await everywhere("/readyz", "", 20);
  for (let i = 0; i < COUNT; i++) {
    const text = await metrics();
    assert.equal(count(text), before + 20);
    assert.equal([...text.matchAll(/^process_resident_memory_bytes\{worker="\d+"\} \d+$/gm)].length, COUNT);
    assert.equal([...text.matchAll(/^# TYPE cardfile_pool_waiting /gm)].length, 1);
  }
});

test("a dead process is replaced, with a growing pause when it dies again", async () => {
  const first = workers();
  for (let deaths = 0; deaths < 4; deaths++) {
    await until("all are there", () => workers().length === COUNT);
    process.kill(workers().find((pid) => !first.includes(pid)) ?? first[0]!, "SIGKILL");
    await until("the news of it", () => pauses().length > deaths);
  }
  assert.deepEqual(pauses(), [100, 200, 400, 800]);
  await until("all are there", () => workers().length === COUNT);
  assert.equal((await call("GET", "/readyz")).status, 200);
});

const pauses = () => [...service.err().matchAll(/event="worker died" .*again_in_ms=(\d+)/g)].map(([, ms]) => Number(ms));

test("on SIGTERM all processes finish their running requests", async () => {
  const token = await signIn("last@example.com");
  const body = '{"title":"in flight"}';
  const head = `POST /deals HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${body.length}\r\n\r\n`;
  const sockets = Array.from({ length: 2 * COUNT }, () => net.connect(Number(new URL(service.url).port), "127.0.0.1"));
  const answers = sockets.map(
    (socket) =>
      new Promise<string>((resolve) => {
        let text = "";
        socket.setEncoding("utf8").on("data", (more) => (text += more));
        socket.on("error", () => {}).on("close", () => resolve(text));
      }),
  );
  for (const socket of sockets) socket.write(head + body.slice(0, 9));
  await everywhere("/healthz", ""); // so the first halves have arrived
  service.child.kill("SIGTERM");
  await until("the news that it stops", () => service.err().includes("event=stopping"));
  await until("no new connections", () =>
    call("GET", "/healthz").then(
      () => false,
      () => true,
    ),
  );
  for (const socket of sockets) socket.write(body.slice(9));
  for (const text of await Promise.all(answers)) assert.match(text, /^HTTP\/1\.1 201 .*title="in flight"/s);
  assert.equal(await service.ended, 0, service.err());
});
