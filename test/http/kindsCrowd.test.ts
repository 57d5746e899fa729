import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, type Reply, type Send, type Service, startService } from "../helpers/service.ts";

/** Four services on one database that tell each other nothing, and an admin who changes kinds while all of them write. */

const services: Service[] = [];
const callers: Send[] = [];
let ann: Client;
before(async () => {
  services.push(await startService());
  for (let i = 1; i < 4; i++) services.push(await startService({ beside: services[0]! }));
  ann = await services[0]!.signIn();
  for (const { send } of services)
    callers.push((method, path, body) => send(method, path, body, { authorization: `Bearer ${ann.token}` }));
});
after(async () => {
  for (const service of services.reverse()) await service.close();
});

async function done(send: Send, method: string, path: string, body?: unknown, statuses = [200, 201]) {
  const reply = await send(method, `${path}${path.includes("?") ? "&" : "?"}format=json`, body);
  assert.ok(statuses.includes(reply.status), `${method} ${path} ${reply.status} ${reply.text}`);
  return reply.json();
}

/** Each service reads the kinds and keeps them. */
const settle = () => Promise.all(callers.map((send) => done(send, "GET", "/kinds")));

test("all take records of a new kind in the next request", async () => {
  for (let round = 0; round < 5; round++) {
    await settle();
    const [name, plural] = [`tool${round}`, `tool${round}s`];
    const fields = { name: "text", weight: "integer", contact_id: { link: "contact" } };
    await done(callers[round % 4]!, "POST", "/kinds", { name, fields });
    const asked = callers.flatMap((send, i) =>
      [0, 1, 2].map((n) => done(send, "POST", `/${plural}`, { name: `${i}.${n}`, weight: 10 * i + n }, [201])),
    );
    const made = await Promise.all(asked);
    assert.equal(made.length, 12);
    for (const send of callers) {
      const { items } = await done(send, "GET", `/${plural}?limit=50&sort=weight`);
      assert.deepEqual(
        items.map((each: { name: string; weight: number }) => [each.name, each.weight]),
        callers.flatMap((_, i) => [0, 1, 2].map((n) => [`${i}.${n}`, 10 * i + n])),
      );
    }
  }
});

test("one kind comes of four that are made at once, and all write to it", async () => {
  const replies = await Promise.all(
    callers.map((send) => send("POST", "/kinds", { name: "crate", fields: { name: "text", size: "integer" } })),
  );
  assert.deepEqual(replies.map(({ status }) => status).sort(), [201, 409, 409, 409], replies.map(({ text }) => text).join());
  await Promise.all(callers.map((send, i) => done(send, "POST", "/crates", { name: `c${i}`, size: i }, [201])));
  assert.equal((await done(callers[3]!, "GET", "/crates")).items.length, 4);
});

test("a name that now means another field means it to all with the next request", async () => {
  await done(callers[0]!, "POST", "/kinds", { name: "van", fields: { name: "text", a: "integer", b: "integer" } });
  await done(callers[0]!, "POST", "/kinds/contact/fields", { fields: { left: "integer", right: "integer" } });
  const van = await done(callers[1]!, "POST", "/vans", { name: "old", a: 1, b: 2 });
  await settle();
  await done(callers[0]!, "PATCH", "/kinds/van", { fields: { a: { name: "first" } } });
  await done(callers[0]!, "POST", "/kinds/van/fields", { name: "a", type: "integer" });
  await done(callers[0]!, "PATCH", "/kinds/contact", { fields: { left: { name: "port" } } });
  await done(callers[0]!, "POST", "/kinds/contact/fields", { name: "left", type: "integer" });
  const made = await done(callers[1]!, "POST", "/vans", { name: "new", a: 5 });
  await done(callers[2]!, "PATCH", `/vans/${van.id}`, { a: 7 });
  const jane = await done(callers[3]!, "POST", "/contacts", { name: "Jane", left: 9 });
  const shown = async (path: string, names: string[]) => {
    const record = await done(callers[0]!, "GET", path);
    return names.map((name) => record[name]);
  };
  assert.deepEqual(await shown(`/vans/${made.id}`, ["a", "first"]), [5, null]);
  assert.deepEqual(await shown(`/vans/${van.id}`, ["a", "first"]), [7, 1]);
  assert.deepEqual(await shown(`/contacts/${jane.id}`, ["left", "port"]), [9, null]);
});

test("no write is lost while fields are renamed, added and hidden", async () => {
  await done(callers[0]!, "POST", "/kinds", { name: "truck", fields: { name: "text", km: "integer", note: "text" } });
  const names = ["km", "mileage"];
  let over = false;
  const written = new Map<string, number>();
  const answers: Reply[] = [];
  async function write(send: Send, i: number): Promise<void> {
    const { id } = await done(send, "POST", "/trucks", { name: `t${i}` });
    for (let value = 1; !over; value++) {
      for (const name of value % 2 ? names : [...names].reverse()) {
        const reply = await send("PATCH", `/trucks/${id}?format=json`, { [name]: 100 * i + value });
        answers.push(reply);
        if (reply.status !== 200) continue;
        written.set(id, 100 * i + value);
        break;
      }
    }
  }
  const writing = callers.flatMap((send, i) => [write(send, 2 * i), write(send, 2 * i + 1)]);
  for (let turn = 0; turn < 8; turn++) {
    const [from, to] = turn % 2 ? [...names].reverse() : names;
    await done(callers[turn % 4]!, "PATCH", "/kinds/truck", { fields: { [from!]: { name: to, hidden: turn % 3 === 0 } } });
    await done(callers[(turn + 1) % 4]!, "POST", "/kinds/truck/fields", { name: `more${turn}`, type: "text" });
  }
  over = true;
  await Promise.all(writing);
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200, 400]));
  for (const { status, text } of answers) if (status === 400) assert.match(text, /invalid_field/);
  assert.ok(written.size === 8 && answers.length > 50, `${answers.length} answers`);
  const { items } = await done(callers[2]!, "GET", "/trucks?fields=km&limit=50");
  const stored = new Map(items.map(({ id, km }: { id: string; km: number }) => [id, km]));
  for (const [id, value] of written) assert.equal(stored.get(id), value, id);
});

test("what was written before a kind is deleted comes back with it, and nothing is answered with a fault", async () => {
  await done(callers[0]!, "POST", "/kinds", { name: "bike", fields: { name: "text" } });
  let over = false;
  const made: string[] = [];
  const statuses = new Set<number>();
  const writing = callers.map(async (send, i) => {
    for (let n = 0; !over; n++) {
      const reply = await send("POST", "/bikes?format=json", { name: `b${i}.${n}` });
      statuses.add(reply.status);
      if (reply.status === 201) made.push(reply.json().id);
      await sleep(100);
    }
  });
  for (let turn = 0; turn < 2; turn++) {
    const send = callers[turn]!;
    // What the token has promised to delete is more with each record.
    for (let deleted = false; !deleted; ) {
      const { confirm } = await done(send, "DELETE", "/kinds/bike", undefined, [409]);
      deleted = (await send("DELETE", `/kinds/bike?confirm=${confirm}`)).status === 200;
    }
    await sleep(100);
    await done(callers[3 - turn]!, "POST", "/kinds/bike/restore");
  }
  over = true;
  await Promise.all(writing);
  assert.deepEqual([...statuses].sort(), [201, 404]);
  const found = new Set<string>();
  for (let cursor = ""; ; ) {
    const page = await done(callers[1]!, "GET", `/bikes?limit=200${cursor && `&cursor=${cursor}`}`);
    for (const { id } of page.items) found.add(id);
    if (page.next_cursor === null) break;
    cursor = page.next_cursor;
  }
  assert.deepEqual(found, new Set(made));
});
