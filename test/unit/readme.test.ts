import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { SETTINGS } from "../../src/service/config.ts";

const README = new URL("../../README.md", import.meta.url);

test("the README's table of settings is the one in the code", () => {
  const rows = Object.entries(SETTINGS).map(
    ([name, { initially, about }]) => `| \`${name}\` | ${initially ? `\`${initially}\`` : ""} | ${about} |`,
  );
  const table = ["| setting | default | what it is |", "| --- | --- | --- |", ...rows, ""].join("\n");
  const text = readFileSync(README, "utf8");
  const filled = text.replace(/(<!-- settings.*-->\n)[\s\S]*(?=<!-- \/settings -->)/, `$1${table}`);
  if (process.env.UPDATE) writeFileSync(README, filled);
  else assert.equal(text, filled, "run UPDATE=1 make test");
});

test("the example environment names every setting", () => {
  const names = [...readFileSync(new URL("../../.env.example", import.meta.url), "utf8").matchAll(/^#?([A-Z_]+)=/gm)].map(
    ([, name]) => name,
  );
  assert.deepEqual(names, Object.keys(SETTINGS));
});
