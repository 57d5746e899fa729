import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Service, startService } from "../helpers/service.ts";

/** Own kinds come in as they went out, in whatever order they were declared and however they link to each other. */

let service: Service;
let people = 0;

before(async () => {
  service = await startService();
});
after(() => service.close());

type Line = { line: string; kind?: string; row?: { action?: string } };

const read = (text: string): Line[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

type Send = (method: string, path: string, body?: unknown) => Promise<string>;

/** The workspace of a person who has just signed in. */
async function workspace(): Promise<Send> {
  people += 1;
  const { send } = await service.signIn(`p${people}@example.com`);
  return async (method, path, body) => {
    const reply = await send(method, path, body, typeof body === "string" ? { "content-type": "application/x-ndjson" } : {});
    assert.ok(reply.status < 300, `${method} ${path} ${reply.text}`);
    return reply.text;
  };
}

const idOf = (text: string) => (JSON.parse(text) as { id: string }).id;

/** Kinds declared in this order, each of which links to the others, to contacts, and contacts to it. */
async function linkedKinds(names: readonly string[]): Promise<Send> {
  const send = await workspace();
  for (const name of names)
    await send("POST", "/kinds", { name, plural: `${name}s`, fields: { name: "text", contact_id: { link: "contact" } } });
  const links = (others: readonly string[]) => Object.fromEntries(others.map((name) => [`${name}_id`, { link: name }]));
  for (const name of names)
    await send("POST", `/kinds/${name}/fields`, { fields: links(names.filter((other) => other !== name)) });
  await send("POST", "/kinds/contact/fields", { fields: links(names) });
  const contact = idOf(await send("POST", "/contacts?format=json", { name: "Jane" }));
  const ids = new Map<string, string>();
  for (const name of names)
    ids.set(name, idOf(await send("POST", `/${name}s?format=json`, { name: `one ${name}`, contact_id: contact })));
  const all = Object.fromEntries([...ids].map(([name, id]) => [`${name}_id`, id]));
  for (const [name, id] of ids) {
    const { [`${name}_id`]: _, ...others } = all;
    await send("PATCH", `/${name}s/${id}`, others);
  }
  await send("PATCH", `/contacts/${contact}`, all);
  return send;
}

const rows = (text: string) =>
  read(text)
    .filter(({ line, row }) => line !== "header" && line !== "end" && row?.action !== "imported")
    .map((line) => JSON.stringify(line))
    .sort();

const ORDERS = ["alpha beta", "beta alpha", "alpha beta gamma", "alpha gamma beta", "gamma alpha beta", "gamma beta alpha"];

for (const order of ORDERS)
  test(`a file of ${order} comes in as it went out`, async () => {
    const names = order.split(" ");
    const file = await (await linkedKinds(names))("GET", "/export");
    const again = await workspace();
    await again("POST", "/import", file);
    assert.deepEqual(rows(await again("GET", "/export")), rows(file));
    const [first, last] = [names[0]!, names.at(-1)!];
    assert.match(await again("GET", `/${first}s?${last}.name=one+${last}&contact.name=Jane`), new RegExp(`^${first}/`));
    assert.match(await again("GET", `/contacts?${first}.name=one+${first}`), /^contact\//);
  });

test("their lines may stand before those of built-in kinds, and in any order; a kind's lines stand together", async () => {
  const file = await (await linkedKinds(["alpha", "beta"]))("GET", "/export");
  const lines = read(file);
  const of = (...kinds: string[]) => kinds.flatMap((kind) => lines.filter((line) => line.kind === kind));
  const rest = lines.slice(1).filter(({ line }) => line !== "record");
  const written = (records: readonly Line[]) =>
    [lines[0]!, ...records, ...rest].map((line) => `${JSON.stringify(line)}\n`).join("");
  for (const kinds of [
    ["alpha", "contact", "beta"],
    ["beta", "alpha", "contact"],
  ]) {
    const again = await workspace();
    await again("POST", "/import", written(of(...kinds)));
    assert.deepEqual(rows(await again("GET", "/export")), rows(file));
  }
  const parted = [...of("contact", "alpha", "beta"), of("contact")[0]!];
  await assert.rejects((await workspace())("POST", "/import", written(parted)), (error: Error) => {
    assert.match(error.message, /line 5 comes too late: records of contact stand together, before records of beta/);
    assert.match(error.message, /HINT {2}send the lines in the order in which GET \/export gave them/);
    return true;
  });
});
