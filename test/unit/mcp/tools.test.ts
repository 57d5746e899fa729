import assert from "node:assert/strict";
import { test } from "node:test";
import { required, text } from "../../../src/fields/vocabulary.ts";
import { INSTRUCTIONS, toolsOf } from "../../../src/mcp/tools.ts";
import { catalog } from "../../../src/records/all.ts";
import { compile } from "../../../src/records/compile.ts";
import { defineRecord } from "../../../src/records/define.ts";

/** 3.8 characters a token is what o200k_base and cl100k_base make of these texts, counted with gpt-tokenizer 4. */
const CHARACTERS_A_TOKEN = 3.8;

test("the tool descriptions take less than 1,100 tokens", () => {
  assert.ok(JSON.stringify({ tools: toolsOf(catalog) }).length / CHARACTERS_A_TOKEN < 1_100);
  assert.ok(INSTRUCTIONS.length / CHARACTERS_A_TOKEN < 150);
});

test("only the reading tool is annotated as read-only", () => {
  const hints = toolsOf(catalog).map(({ name, annotations }) => [name, annotations.readOnlyHint, annotations.destructiveHint]);
  assert.deepEqual(hints, [
    ["read", true, false],
    ["request", false, true],
  ]);
});

test("a newly declared kind appears in the tool descriptions", () => {
  const ticket = defineRecord({
    name: "ticket",
    plural: "tickets",
    prefix: "ti",
    about: "A request for help.",
    title: "subject",
    fields: { subject: required(text({ about: "what it is about" })) },
    example: { subject: "It is broken" },
  });
  const [read, request] = toolsOf(compile([ticket]));
  assert.match(read!.description, /tickets\./);
  assert.match(request!.description, /^\/tickets \(ticket\/ti_…\): subject\*$/m);
});
