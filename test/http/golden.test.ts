import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { catalog } from "../../src/records/all.ts";
import { createRoutes } from "../../src/routes/table.ts";
import { readConfig } from "../../src/service/config.ts";
import { welcome } from "../../src/start/welcome.ts";
import { createBash, isInstalled } from "../helpers/bash.ts";
import { noCitus, noSql } from "../helpers/citus.ts";
import { type Clockwork, startClockwork } from "../helpers/clockwork.ts";
import { programs } from "../helpers/curl.ts";
import { assertGolden, readGolden } from "../helpers/golden.ts";
import { schemaText } from "../helpers/schemaText.ts";
import { startService } from "../helpers/service.ts";
import { createShell } from "../helpers/shell.ts";
import { readTranscript, replay, SHOWN_URL, type Step, shown, writeTranscript } from "../helpers/transcript.ts";

/** The transcripts are one story: each goes on with the records of those before it. Manual and README show them by name. */
const CHAPTERS: readonly [name: string, time: string][] = [
  ["start", "2026-06-01T08:12:44Z"],
  ["sign-in", "2026-06-01T08:14:10Z"],
  ["first-contact", "2026-06-01T08:20:05Z"],
  ["import", "2026-06-01T08:41:30Z"],
  ["find", "2026-06-01T09:02:00Z"],
  ["call", "2026-06-02T09:00:20Z"],
  ["task", "2026-06-02T09:15:00Z"],
  ["deal", "2026-06-03T10:30:12Z"],
  ["json", "2026-06-04T14:20:00Z"],
  ["errors", "2026-06-04T15:10:00Z"],
  ["delete", "2026-06-05T16:45:00Z"],
  ["file", "2026-06-08T09:00:00Z"],
  ["sql", "2026-06-09T11:00:00Z"],
  ["kinds", "2026-06-09T09:00:00Z"],
  ["invoice", "2026-06-09T09:00:00Z"],
  ["script", "2026-06-10T09:00:00Z"],
];
const NAMES = CHAPTERS.map(([name]) => name);

/** No transcript: the whole API, a line a route. */
const ROUTES = "routes.txt";

describe("the transcripts", () => {
  let world: Clockwork;
  before(async () => {
    world = await startClockwork();
  });
  after(() => world.close());

  const { run } = createShell(programs);
  const told = new Map<string, Step[]>();
  const renamed = new Map<string, string>();
  const sql = CHAPTERS.findIndex(([name]) => name === "sql");
  for (const [i, [name, time]] of CHAPTERS.entries()) {
    // What comes after it has other ids where it is left out.
    test(`${name} happens as written`, { skip: i >= sql && noSql }, async () => {
      world.begin(name, time);
      const played = await replay(readTranscript(readGolden(`${name}.txt`)), run, world.baseUrl, renamed);
      told.set(name, played);
      assertGolden(`${name}.txt`, writeTranscript(played));
    });
  }

  test("bash and curl, where the machine has them, say the same", async () => {
    if (isInstalled("bash") && isInstalled("curl")) assert.deepEqual(await tellToBash(told), told);
    else if (!noSql) assert.deepEqual([...told.keys()], NAMES, "the small shell and curl have told them all");
  });
});

async function tellToBash(chapters: ReadonlyMap<string, Step[]>): Promise<Map<string, Step[]>> {
  const world = await startClockwork();
  const bash = createBash();
  const told = new Map<string, Step[]>();
  try {
    for (const [name, time] of CHAPTERS) {
      const steps = chapters.get(name);
      if (!steps) continue;
      world.begin(name, time);
      const answers = await bash.run(steps.map(({ command }) => command.replaceAll(SHOWN_URL, world.baseUrl)));
      told.set(
        name,
        steps.map(({ command }, i) => ({ command, answer: shown(answers[i] ?? "", world.baseUrl) })),
      );
    }
    return told;
  } finally {
    bash.close();
    await world.close();
  }
}

test("there is no other transcript", () => {
  const files = readdirSync(new URL("../golden/", import.meta.url)).filter((file) => file.endsWith(".txt"));
  assert.deepEqual(files.sort(), [...NAMES.map((name) => `${name}.txt`), ROUTES].sort());
});

test("a command that a person had better not type is refused", async () => {
  const { run } = createShell({ ...programs, echo: ([text = ""]) => `${text}\n` });
  assert.equal(await run(`A='x y' B=$(echo "z$A")`), "");
  assert.equal(await run('echo "$A $B"'), "x y zx y\n");
  for (const command of [
    "curl http://127.0.0.1/contacts?stage=lead", // zsh takes the ? for a pattern
    "curl 'http://127.0.0.1/contacts?name=Jane Doe'",
    "curl 'http://127.0.0.1/contacts?name=[x]'", // curl takes the brackets for a range
    "curl http://127.0.0.1/ -d @file",
    "curl http://127.0.0.1/ --compressed",
    "echo $A",
    "echo $NOTHING",
    "echo a; echo b",
    "echo 'a",
    'echo "`date`"',
    "jq .",
    "echo a | grep 'a?'",
    "echo a | sed s/a/b/",
  ])
    await assert.rejects(run(command), SyntaxError, command);
});

test("the service says at its start what the first transcript does", () => {
  const printed = welcome(SHOWN_URL, readConfig({}));
  for (const { command } of readTranscript(readGolden("start.txt")).slice(0, 3))
    assert.ok(printed.includes(command.replace("ann@", "you@")), `welcome() has no line ${command}`);
});

test("the schema is the one that was looked at", { skip: !noCitus && "a cluster's has its extension, too" }, async () => {
  const service = await startService();
  try {
    assertGolden("schema.sql", await schemaText(service.pool));
  } finally {
    await service.close();
  }
});

test("the routes are those that were looked at, in the order of the manual", async () => {
  const service = await startService();
  try {
    const page = (await service.send("GET", "/help/routes")).text;
    const told = [...page.matchAll(/^ {2}([A-Z]+) +(\/\S*) +(.+?)(?: \[.*\])?(?: \(no token\))?$/gm)];
    const ways = told.map(([, method, path]) => `${method} ${path}`);
    assert.deepEqual(
      ways,
      createRoutes(catalog).map(({ method, path }) => `${method} ${path}`),
    );
    const width = Math.max(...ways.map((way) => way.length));
    assertGolden(ROUTES, told.map(([, , , about], i) => `${ways[i]!.padEnd(width)}  ${about}\n`).join(""));
  } finally {
    await service.close();
  }
});
