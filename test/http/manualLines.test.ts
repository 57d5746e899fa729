import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { parseLine } from "../../src/kit/line.ts";
import { isInstalled } from "../helpers/bash.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** What the manual tells of lines and addresses holds for whoever types it. */

let service: Service;
let ann: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
});
after(() => service.close());

const NAMES = ["Jane", "Jane Doe", 'Jane "JD" Doe', "back\\slash", "a=b", "line\nbreak\ttab\r", ' stage=lead name="x" ', "Zoë"];

/** A name is stored with single blanks. */
const stored = (name: string) => name.trim().replace(/\s+/g, " ");

test("the pattern of /help/line finds a field whether it is quoted or not, and never inside a text", {
  skip: !isInstalled("bash"),
}, async () => {
  const page = (await service.send("GET", "/help/line")).text;
  const [setting, grep, sed] = ["V=", "grep -E", "sed -nE"].map(
    (begin) =>
      page
        .split("\n")
        .find((line) => line.trim().startsWith(begin))
        ?.trim()
        .replace(/ {2,}.*$/, "") ?? "",
  ) as [string, string, string];
  const made = NAMES.map((name, i) => ({
    name,
    stage: i % 2 ? "lead" : "a lead",
    title: ["x", 'stage="lead" ', "a stage=lead b"][i % 3],
  }));
  for (const body of made) await ann.send("POST", "/contacts", body);
  const { text } = await ann.send("GET", "/contacts?sort=created_at&fields=name,title,stage");
  const bash = (command: string) =>
    execFileSync("bash", ["--norc", "--noprofile", "-c", `${setting}\n${command}`], {
      input: text,
      encoding: "utf8",
      env: { PATH: process.env["PATH"], LC_ALL: "C.UTF-8" },
    });
  const lines = (out: string) => out.split("\n").slice(0, -1);
  const leads = lines(bash(grep)).map((line) => Object.fromEntries(parseLine(line).pairs)["name"]);
  assert.deepEqual(
    leads.sort(),
    made
      .filter(({ stage }) => stage === "lead")
      .map(({ name }) => stored(name))
      .sort(),
  );
  const spaced = lines(bash(grep.replace("lead", "a lead"))).map((line) => Object.fromEntries(parseLine(line).pairs)["name"]);
  assert.equal(spaced.length, NAMES.length / 2);
  const names = lines(bash(sed)).map((token) => (token.startsWith('"') ? JSON.parse(token) : token));
  assert.deepEqual(names.sort(), NAMES.map(stored).sort());
});

test("a line break and a tab are the short escapes of JSON, and what else is not seen is written out", async () => {
  const { headers } = await ann.send("POST", "/contacts", { name: "Breaks", notes: "a\nb\r\n\tc\b\f\u0001\u200b\u2028" });
  const { text } = await ann.send("GET", `${headers.get("location")}?fields=notes`);
  assert.ok(text.includes(String.raw` notes="a\nb\r\n\tc\u0008\u000c\u0001\u200b\u2028"`), text);
});

test("an agent pays less than three thousand tokens for GET /help", async () => {
  const { text } = await service.send("GET", "/help");
  // 3.8 characters a token, as in test/unit/mcp/tools.test.ts.
  assert.ok(text.length / 3.8 < 3_000, `${text.length} characters`);
});

test("every page of the manual has one address, the one that is called", async () => {
  const { text } = await service.send("GET", "/help");
  const pages = [...new Set(text.match(/\/help\/[a-z]+/g))];
  assert.ok(pages.length > 8);
  for (const page of ["/help", ...pages]) {
    const found = (await service.send("GET", page)).text.match(/http:\/\/(127\.0\.0\.1|localhost)[:\w]*/g) ?? [];
    for (const address of found) assert.equal(address, service.baseUrl, page);
  }
});
