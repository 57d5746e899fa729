import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { readConfig } from "../../src/config.ts";
import { welcome } from "../../src/welcome.ts";
import { type Clockwork, startClockwork } from "../helpers/clockwork.ts";
import { programs, USER_AGENT } from "../helpers/curl.ts";
import { assertGolden, readGolden, UPDATE } from "../helpers/golden.ts";
import { schemaText } from "../helpers/schemaText.ts";
import { startService } from "../helpers/service.ts";
import { createShell } from "../helpers/shell.ts";
import { readTranscript, replay, SHOWN_URL, shown, writeTranscript } from "../helpers/transcript.ts";

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
];

describe("the transcripts", () => {
  let world: Clockwork;
  before(async () => {
    world = await startClockwork();
  });
  after(() => world.close());

  const { run } = createShell(programs);
  for (const [name, time] of CHAPTERS) {
    test(`${name} happens as written`, async () => {
      world.begin(name, time);
      const played = await replay(readTranscript(readGolden(`${name}.txt`)), run, world.baseUrl, UPDATE);
      assertGolden(`${name}.txt`, writeTranscript(played));
    });
  }
});

test("there is no other transcript", () => {
  const files = readdirSync(new URL("../golden/", import.meta.url)).filter((file) => file.endsWith(".txt"));
  assert.deepEqual(files.sort(), CHAPTERS.map(([name]) => `${name}.txt`).sort());
});

test("bash and curl, where the machine has them, say the same", async () => {
  const world = await startClockwork();
  const home = mkdtempSync(join(tmpdir(), "cardfile-curl-"));
  try {
    writeFileSync(join(home, ".curlrc"), `user-agent = "${USER_AGENT}"\n`);
    if (!isInstalled("bash") || !isInstalled("curl")) {
      assert.equal(Object.hasOwn(programs, "curl"), true, "without curl, the small one has told the stories");
      return;
    }
    let state = "";
    for (const [name, time] of CHAPTERS) {
      world.begin(name, time);
      const steps = readTranscript(readGolden(`${name}.txt`));
      const commands = steps.map(({ command }) => `${command.replaceAll(SHOWN_URL, world.baseUrl)}\nprintf '\\036'`);
      const script = `${state}\n${commands.join("\n")}\ndeclare -p B ME T; declare -f crm\n`;
      const env = { PATH: process.env["PATH"] ?? "", LC_ALL: "C.UTF-8", CURL_HOME: home };
      const { stdout, stderr } = await promisify(execFile)("bash", ["--norc", "--noprofile", "-c", script], { env, cwd: home });
      assert.equal(stderr, "");
      const answers = stdout.split("\x1e");
      state = answers.pop() ?? "";
      const told = steps.map(({ command }, i) => ({ command, answer: shown(answers[i] ?? "", world.baseUrl) }));
      assert.equal(writeTranscript(told), readGolden(`${name}.txt`));
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
    await world.close();
  }
});

const isInstalled = (program: string) =>
  (process.env["PATH"] ?? "").split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, program)));

test("the service says at its start what the first transcript does", () => {
  const printed = welcome(SHOWN_URL, readConfig({}));
  for (const { command } of readTranscript(readGolden("start.txt")).slice(0, 3))
    assert.ok(printed.includes(command.replace("ann@", "you@")), `welcome() has no line ${command}`);
});

test("the schema is the one that was looked at", async () => {
  const service = await startService();
  try {
    assertGolden("schema.sql", await schemaText(service.pool));
  } finally {
    await service.close();
  }
});
