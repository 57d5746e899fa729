import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, describe, test } from "node:test";
import fc from "fast-check";
import { parsePairs } from "../../src/kit/line.ts";
import { collapsed, isVisible } from "../../src/kit/text.ts";
import type { Field, Kind } from "../../src/records/kind.ts";
import { change } from "../../src/views/change.ts";
import { reminder } from "../../src/views/reminder.ts";
import { token } from "../../src/views/token.ts";
import { workspace } from "../../src/views/workspace.ts";
import { definitions, inTurns, isUnique, leastOf, makeOwnKind, post, settable, startWorld } from "../helpers/dictionary.ts";
import { assertLine, assertRefused, type Json, readAnswer, type Shown } from "../helpers/lines.ts";
import { HOSTILE_TEXTS, type Sample, UNSTORABLE_TEXTS, valuesOf } from "../helpers/values.ts";

/** The first promise: one record is one line whatever a caller stored, and the line reads back to what was stored. */

const { service, ann, world } = await startWorld();
const kinds = [...definitions, await makeOwnKind(service, ann)];
after(() => service.close());

const RUNS = 5;

/** Reasons that were sent: each record gets the next. */
let said = 0;

for (const kind of kinds) {
  const { plural } = kind;
  describe(plural, () => {
    test("every hostile value of every type comes back, and some of every field, from the line and from JSON", async () => {
      const records = combine(kind);
      const lines = new Map<string, string>();
      const handles = await inTurns(records, async (record) => {
        const reason = encodeURIComponent(HOSTILE_TEXTS[said++ % HOSTILE_TEXTS.length]!);
        const sent = Object.fromEntries([...record].map(([{ name }, { sent }]) => [name, sent]));
        const { head, line } = readAnswer(await ann.send("POST", `/${plural}?reason=${reason}`, sent), "created");
        lines.set(head, line);
        return head;
      });
      const { items } = (await ann.send("GET", `/${plural}?format=json&limit=200`)).json() as { items: Json[] };
      for (const [n, record] of records.entries()) {
        const json = items.find(({ handle }) => handle === handles[n])!;
        for (const [{ name }, { shown }] of record) assert.deepEqual(json[name], shown, `${kind.name}.${name}`);
        assertLine(lines.get(handles[n]!)!, kind, json, "record");
      }
    });

    test("their list is one line a record, in the order of JSON, whichever fields are asked for", async () => {
      await assertLines(`/${plural}?limit=200`, kind, "list");
      await inTurns(kind.fields, ({ name }) => assertLines(`/${plural}?limit=40&fields=${name}`, kind, [name]));
    });

    test("what a PATCH writes comes back, whatever it is", async () => {
      const fields = settable(kind).filter(({ name, fixed }) => name !== kind.naturalKey && !fixed);
      const arbitraries = fields.map((field) => fc.option(valuesOf(field, world).arbitrary));
      const property = fc.asyncProperty(fc.tuple(...arbitraries), async (samples) => {
        const { id } = await post(ann, kind, leastOf(kind, world));
        const patched = fields.flatMap(({ name }, i): [string, Sample][] => (samples[i] ? [[name, samples[i]]] : []));
        const sent = Object.fromEntries(patched.map(([name, { sent }]) => [name, sent]));
        const { line } = readAnswer(await ann.send("PATCH", `/${plural}/${id}`, sent), "updated|unchanged");
        const json = (await ann.send("GET", `/${plural}/${id}?format=json`)).json() as Json;
        for (const [name, { shown }] of patched) assert.deepEqual(json[name], shown, name);
        assertLine(line, kind, json, "record");
      });
      await fc.assert(property, { numRuns: RUNS });
    });

    test("a value that cannot be stored or read is refused by the field's name and changes nothing", async () => {
      const before = await ann.send("GET", "/audit?limit=1");
      const least = leastOf(kind, world);
      const writable = kind.fields.filter((field) => !field.readOnly);
      const wrong = writable.flatMap((field) => valuesOf(field, world).refused.map((value) => ({ field, value })));
      await inTurns(wrong, async ({ field, value }) => {
        const reply = await ann.send("POST", `/${plural}`, { ...least, [field.name]: value });
        const context = `${field.name}=${JSON.stringify(value).slice(0, 100)}`;
        assertRefused(reply, 400, field.type.refusal, context);
        assert.match(
          reply.text,
          new RegExp(`^ERROR \\w+ ${field.name} cannot be .*\n(HINT  .+\n)?HINT  ${field.name} expects `),
          context,
        );
      });
      assert.equal((await ann.send("GET", "/audit?limit=1")).text, before.text);
    });
  });
}

/** Of the most samples that a field has, as many stand in its records; another field, and the same one of another kind, has others. */
const SHARE = 1 / 3;

/** Records with the samples of each field's share. Fields of one type have them all between them. */
function combine(kind: Kind): Map<Field, Sample>[] {
  const values = settable(kind).map((field, at) => ({ field, at, samples: valuesOf(field, world).samples }));
  const most = Math.ceil(Math.max(...values.map(({ samples }) => samples.length)) * SHARE);
  const first = kinds.indexOf(kind);
  const taken = new Set<unknown>();
  return Array.from({ length: most }, (_, n) => {
    const record = new Map(
      values.map(({ field, at, samples }) => [field, samples[(n + (first + at) * most) % samples.length]!]),
    );
    for (const [field, { shown }] of record) {
      if (!isUnique(kind, field)) continue;
      // A known natural key would update the record that holds it; without one, the first of the further values takes its place.
      if (taken.has(shown)) record.delete(field);
      if (taken.has(shown) && field.list) record.delete(field.list);
      taken.add(shown);
    }
    return record;
  });
}

test("history, reminders and search stay one line a record", async () => {
  const history = await assertLines("/audit?limit=100", change, "list");
  assert.ok(history.some(({ reason }) => HOSTILE_TEXTS.includes(reason as string)));
  await assertLines("/reminders?days=3650&limit=500", reminder, "list");
  for (const kind of kinds) {
    const path = `/${kind.plural}/${(await ann.send("GET", `/${kind.plural}?limit=1&format=json`)).json().items[0].id}/history`;
    await assertLines(path, change, "list");
  }
  const searches = HOSTILE_TEXTS.filter((text, i) => i % 5 === 0 && /[\p{L}\p{N}]/u.test(text));
  await inTurns(searches, async (words) => {
    const path = `/search?limit=5&q=${encodeURIComponent(words)}`;
    const { lines } = await ann.send("GET", path);
    const { items } = (await ann.send("GET", `${path}&format=json`)).json() as { items: Json[] };
    assert.equal(lines.length, items.length, path);
    for (const [i, line] of lines.entries()) {
      const kind = kinds.find(({ name }) => name === String(items[i]!.handle).split("/")[0])!;
      assertLine(line, kind, items[i]!, "list");
    }
  });
});

test("the linked record is known by its name, whatever that is", async () => {
  const holders = definitions.flatMap((kind) =>
    kind.fields.filter(({ type }) => type.borrowed).map((field) => ({ kind, field })),
  );
  for (const target of definitions) {
    const holding = holders.filter(({ field }) => field.link!.target === target);
    if (holding.length === 0) continue;
    await inTurns(HOSTILE_TEXTS, async (text, n) => {
      const name = collapsed(`${text} ${n}`); // Whatever the letter case, each is called otherwise.
      const linked = await post(ann, target, { ...leastOf(target, world), [target.title]: name });
      const { kind, field } = holding[n % holding.length]!;
      const { [`${field.name}_id`]: _, ...least } = leastOf(kind, world);
      const json = await post(ann, kind, { ...least, [field.name]: name });
      assert.equal(json[`${field.name}_id`], linked.id, JSON.stringify(name));
      assert.equal(json[field.name], name);
    });
  }
});

test("a deletion is asked about and told in lines of its own", async () => {
  for (const { plural, name } of definitions) {
    const { items } = (await ann.send("GET", `/${plural}?format=json&limit=12&created_by=me`)).json() as { items: Json[] };
    for (const { id } of items) {
      const asked = await ann.send("DELETE", `/${plural}/${id}`);
      assert.match(asked.text, /^ERROR confirmation_required [^\n]+\nHINT {2}[^\n]+\nconfirm=\S+\n$/);
      const confirm = /^confirm=(\S+)$/m.exec(asked.text)?.[1];
      const told = await ann.send("DELETE", `/${plural}/${id}?confirm=${confirm}`);
      assert.match(
        told.text,
        new RegExp(`^OK deleted ${name}/[^\\n]+\ndeleted=${name}/\\w+\nchange=ch_\\w{8}\n(HINT {2}[^\\n]+\n)*$`),
      );
    }
  }
});

test("the names of workspaces and tokens stay on their lines", async () => {
  const one = (await ann.send("GET", "/workspaces?format=json")).json().items[0] as Json;
  for (const text of HOSTILE_TEXTS.filter(isVisible)) {
    const name = collapsed(text);
    const { line } = readAnswer(await ann.send("PATCH", `/workspaces/${one.id}`, { name: text }), "updated");
    const json = (await ann.send("GET", "/workspaces?format=json")).json().items[0] as Json;
    assert.equal(json.name, name);
    assertLine(line, workspace, json, "list");
    const { lines } = await ann.send("GET", "/whoami");
    const told = Object.fromEntries(lines.flatMap((each) => parsePairs(each)));
    assert.deepEqual([told.workspace_name, Object.keys(told).length], [name, lines.length]);
  }
  for (const token_name of HOSTILE_TEXTS.slice(0, 5)) {
    const { code } = (await service.send("POST", "/auth/request?format=json", { email: ann.email })).json();
    const verified = await service.send("POST", "/auth/verify", { email: ann.email, code, token_name });
    assert.match(verified.text, /^OK [^\n]+\ntoken=ck_\w+\nworkspace=\S+\n(HINT {2}[^\n]+\n)+$/);
  }
  await assertLines("/tokens", token, "list");
});

test("custom JSON that PostgreSQL or the stack could not hold is refused by name", async () => {
  for (const value of ["[".repeat(30_000) + "]".repeat(30_000), "1e999", `{"b":${"[".repeat(21)}${"]".repeat(21)}}`]) {
    const reply = await ann.send("POST", "/contacts", `{"name":"Never","custom":{"a":${value}}}`);
    assertRefused(reply, 400, "invalid_value", value.slice(0, 20));
    assert.match(reply.text, /^ERROR invalid_value (custom cannot be |the number "1e999" )/);
  }
});

test("a reason or a name of the program that cannot be stored is refused and changes nothing", async () => {
  const body = { name: "Never", email: "never@acme.com" };
  for (const text of UNSTORABLE_TEXTS.filter((each) => each.includes("\0"))) {
    assertRefused(
      await ann.send("POST", `/contacts?reason=${encodeURIComponent(text)}`, body),
      400,
      "invalid_value",
      "reason=",
    );
  }
  const reason = "Grüße \u202e😀 # created";
  const bytes = Buffer.from(reason).toString("latin1");
  assert.equal((await ann.send("POST", "/contacts", { name: "Ever" }, { "X-Reason": bytes, "X-Agent": bytes })).status, 201);
  const [entry] = (await assertLines("/audit?limit=1", change, "list")) as [Json];
  assert.deepEqual([entry.reason, entry.agent], [reason, reason]);
  for (const header of ["X-Reason", "X-Agent"]) {
    // UTF-8 of half a surrogate pair, of a character cut off, and Latin-1.
    for (const bytes of ["\u00ed\u00a0\u0080", "caf\u00c3", "caf\u00e9"]) {
      assertRefused(await ann.send("POST", "/contacts", body, { [header]: bytes }), 400, "invalid_value", `${header} ${bytes}`);
    }
    assert.match(
      await sendRaw(`POST /contacts HTTP/1.1\r\nHost: localhost\r\n${header}: a\0b\r\n\r\n`),
      /^HTTP\/1\.1 400 .*\r\n\r\nERROR /s,
    );
  }
  assert.equal((await ann.send("GET", "/contacts?email=never@acme.com")).lines.length, 0);
});

test("what an error echoes cannot forge a line", async () => {
  await inTurns([...HOSTILE_TEXTS, ...UNSTORABLE_TEXTS], async (text) => {
    const whole = text.replace(/\p{Surrogate}/gu, "?");
    const encoded = encodeURIComponent(whole);
    assertRefused(await ann.send("POST", "/contacts", { [text]: "x", name: "x" }), 400, "invalid_field", "a field");
    assertRefused(await ann.send("GET", `/contacts?${encoded}x=y`), 400, "invalid_filter", "a parameter");
    assertRefused(await ann.send("GET", `/contacts?sort=${encoded}`), 400, "invalid_sort", "a sort");
    assertRefused(await ann.send("GET", `/contacts/${encoded}`), 404, "not_found", "an id");
    assertRefused(await ann.send("GET", `/${encoded}x`), 404, "not_found", "a path");
    const linked = { name: "x", company: `nobody ${whole.replaceAll("\0", "")}` };
    assertRefused(await ann.send("POST", "/contacts", linked), 422, "unprocessable", "a link");
  });
});

/** What a client with hands of its own may send; Node's would refuse to. */
function sendRaw(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(Number(new URL(service.baseUrl).port), "127.0.0.1", () => socket.write(bytes, "latin1"));
    socket
      .on("data", (chunk) => (answer += chunk))
      .on("close", () => resolve(answer))
      .on("error", reject);
  });
}

/** Holds a whole list to its JSON: as many lines as items, each of them its item's. */
async function assertLines(path: string, kind: Kind, shown: Shown): Promise<Json[]> {
  const joint = path.includes("?") ? "&" : "?";
  const text = await ann.send("GET", path);
  const { items } = (await ann.send("GET", `${path}${joint}format=json`)).json() as { items: Json[] };
  assert.ok(items.length > 0, `${path} has rows to compare`);
  assert.equal(text.lines.length, items.length, path);
  for (const [i, line] of text.lines.entries()) assertLine(line, kind, items[i]!, shown);
  const trailers = text.text.split("\n").slice(items.length);
  assert.match(trailers.join("\n"), /^(# [^\n]+\n)+$/, path);
  return items;
}
