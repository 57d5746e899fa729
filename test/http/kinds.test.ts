import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ident, sql } from "../../src/postgres/sql.ts";
import { settled } from "../helpers/feed.ts";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

/** Kinds that a workspace makes for itself: whatever the built-in ones can do, they can. */

let service: Service;
let ann: Client;
let bob: Client;
let jane: string;
before(async () => {
  service = await startService();
  ann = await service.signIn();
  bob = await service.signIn("bob@example.com");
  jane = (await json(ann, "POST", "/contacts", { name: "Jane Doe", email: "jane@acme.com" })).id;
  await ok(ann, "POST", "/kinds", VEHICLE, 201);
});
after(() => service.close());

/** A field of each type. */
const VEHICLE = {
  name: "vehicle",
  natural_key: "plate",
  reminder: { at: "inspection_at", note: "remark", owner: "keeper", done: "retired" },
  fields: {
    plate: { type: "text", required: true },
    model: "text",
    remark: "long_text",
    rate: "number",
    km: "integer",
    price: { type: "cents", currency: "EUR" },
    retired: "boolean",
    bought_on: "date",
    inspection_at: "time",
    color: { choices: ["red", "blue"] },
    labels: "tags",
    mail: "email",
    tel: "phone",
    host: "domain",
    site: "url",
    extra: "json",
    share: "percent",
    keeper: "person",
    land: "country",
    owner_id: { link: "contact" },
  },
};

const WHOLE = {
  plate: "B-CK 1",
  model: 'Golf "GTI"\n',
  remark: "a long story",
  rate: 7.25,
  km: 12_000,
  price: 500_000,
  retired: false,
  bought_on: "2024-02-29",
  inspection_at: "2026-12-01T09:00:00Z",
  color: "red",
  labels: ["a", "b"],
  mail: "jane@acme.com",
  tel: "+49 30 12345",
  host: "acme.com",
  site: "https://acme.com/x?y=1",
  extra: { size: "L", deep: { a: [1, null] } },
  share: 12.5,
  keeper: "Sam",
  land: "DE",
};

async function ok(client: Client, method: string, path: string, body?: unknown, status = 200): Promise<Reply> {
  const reply = await client.send(method, path, body);
  assert.equal(reply.status, status, `${method} ${path} ${reply.text}`);
  return reply;
}

async function json(client: Client, method: string, path: string, body?: unknown) {
  const reply = await client.send(method, `${path}${path.includes("?") ? "&" : "?"}format=json`, body);
  assert.ok(reply.status < 300, `${method} ${path} ${reply.text}`);
  return reply.json();
}

async function refused(client: Client, code: string, method: string, path: string, body?: unknown): Promise<string> {
  const reply = await client.send(method, path, body);
  assert.match(reply.text, new RegExp(`^ERROR ${code} `), `${method} ${path} ${reply.text}`);
  return reply.text;
}

async function twice(client: Client, method: string, path: string, body?: unknown): Promise<Reply> {
  const first = await client.send(method, path, body);
  assert.equal(first.status, 409, first.text);
  const confirm = /confirm=(\S+)/.exec(first.lines.at(-1)!)![1];
  return ok(client, method, `${path}${path.includes("?") ? "&" : "?"}confirm=${confirm}`, body);
}

let plates = 0;
const made = (more: object = {}) =>
  json(ann, "POST", "/vehicles", { ...WHOLE, plate: `P ${++plates}`, owner_id: jane, ...more });

test("a record reads back as it was sent, in every type", async () => {
  const sent = { ...WHOLE, owner_id: jane };
  const record = await json(ann, "POST", "/vehicles", sent);
  const { id, handle, owner, currency, custom, version, created_at, created_by, updated_at, hint, ...read } = record;
  assert.deepEqual(read, sent);
  assert.deepEqual(
    { owner, currency, custom, version, created_by },
    { owner: "Jane Doe", currency: "EUR", custom: {}, version: 1, created_by: ann.email },
  );
  assert.ok(created_at && updated_at);
  assert.match(hint, /no member/);
  assert.match(id, /^zv_/);
  assert.equal(handle, `vehicle/zv_${id.slice(-8)}`);
  assert.deepEqual({ ...(await json(ann, "GET", `/${handle}`)), hint }, record);
  assert.match((await ok(ann, "GET", `/${handle}`)).text, /^vehicle\/zv_\w+ plate="B-CK 1" model="Golf \\"GTI\\"\\n" /);
});

test("a known natural key updates, in any letter case, and unchanged is unchanged", async () => {
  await made({ plate: "Key 1" });
  assert.match(
    (await ok(ann, "POST", "/vehicles", { plate: "KEY 1", km: 5 })).text,
    /plate="Key 1".* km=5 [\s\S]*# updated ch_/,
  );
  assert.match((await ok(ann, "POST", "/vehicles", { plate: "key 1", km: 5 })).text, /# updated \(unchanged\)/);
  const racing = await Promise.all(
    Array.from({ length: 6 }, (_, i) => ann.send("POST", "/vehicles", { plate: "race", km: i })),
  );
  assert.deepEqual(racing.map(({ status }) => status).sort(), [200, 200, 200, 200, 200, 201]);
  assert.equal((await json(ann, "GET", "/vehicles?plate=RACE")).items.length, 1);
  const other = await made();
  await refused(ann, "already_exists", "PATCH", `/vehicles/${other.id}`, { plate: "race" });
});

test("every field filters with each of its operators, or refuses the operator by name", async () => {
  const { id } = await made({ plate: "Filter 1", model: "Golf" });
  const { items } = await json(ann, "GET", "/vehicles?plate=filter 1");
  assert.deepEqual(
    items.map((each: { id: string }) => each.id),
    [id],
  );
  const sent: Record<string, unknown> = { ...WHOLE, plate: "Filter 1", model: "Golf", owner_id: jane };
  for (const [name, value] of Object.entries(sent)) {
    if (name === "extra") continue;
    const text = encodeURIComponent(Array.isArray(value) ? value[0] : String(value));
    for (const operator of ["eq", "ne", "gt", "gte", "lt", "lte", "like", "starts", "in", "has"]) {
      const reply = await ann.send("GET", `/vehicles?id=${id}&${name}=${operator}:${text}&format=json`);
      if (reply.status === 400) assert.match(reply.text, /invalid_(op|value)/, `${name} ${operator} ${reply.text}`);
      else {
        const found = ["eq", "gte", "lte", "like", "starts", "in", "has"].includes(operator);
        assert.equal(reply.json().items.length, found ? 1 : 0, `${name}=${operator}:${text}`);
      }
    }
    assert.equal((await json(ann, "GET", `/vehicles?id=${id}&${name}=is:null`)).items.length, 0, name);
    assert.equal((await json(ann, "GET", `/vehicles?id=${id}&${name}=not:null`)).items.length, 1, name);
  }
  for (const filter of [
    "extra.size=L",
    "extra.deep=not:null",
    "owner=Jane Doe",
    "owner.email=jane@acme.com",
    "owner=like:jane",
  ])
    assert.equal((await json(ann, "GET", `/vehicles?id=${id}&${filter}`)).items.length, 1, filter);
  assert.match(
    await refused(ann, "invalid_filter", "GET", "/vehicles?kilometres=5"),
    /there is no field "kilometres" on vehicles/,
  );
});

test("every sortable field orders a walk in which each record comes once", async () => {
  for (const km of [3, 1, 2]) await made({ km, color: null, model: `m${km}`, rate: km, bought_on: `2020-01-0${km}` });
  await json(ann, "POST", "/vehicles", { plate: "bare" });
  const all = (await json(ann, "GET", "/vehicles?limit=200")).items.map(({ id }: { id: string }) => id).sort();
  for (const sort of [
    "plate",
    "model",
    "rate",
    "km",
    "price",
    "bought_on",
    "inspection_at",
    "mail",
    "tel",
    "host",
    "site",
    "created_at",
  ]) {
    for (const direction of ["", "-"]) {
      const walked: string[] = [];
      for (let cursor = ""; ; ) {
        const page = await json(ann, "GET", `/vehicles?sort=${direction}${sort}&limit=3${cursor && `&cursor=${cursor}`}`);
        walked.push(...page.items.map(({ id }: { id: string }) => id));
        cursor = page.next_cursor;
        if (cursor === null) break;
      }
      assert.deepEqual(walked.toSorted(), all, `${direction}${sort}`);
    }
  }
  const sorted = (await json(ann, "GET", "/vehicles?sort=-km&limit=200")).items.map(({ km }: { km: number | null }) => km);
  const valued = sorted.filter((km: number | null) => km !== null);
  assert.deepEqual(
    valued,
    valued.toSorted((a: number, b: number) => b - a),
  );
  assert.equal(sorted.at(-1), null);
});

test("search finds it, by itself and among all kinds; groups and reminders know it", async () => {
  const { id } = await made({ plate: "Needle 77", remark: "haystack story", tel: "+49 (0)40 555 777", labels: ["quaint"] });
  for (const words of ["needle", "haystack", "quaint", "040555777", "needel"])
    assert.equal((await json(ann, "GET", `/vehicles?search=${words}`)).items[0]?.id, id, words);
  assert.equal((await json(ann, "GET", "/search?q=needle 77")).items[0].id, id);
  const groups = (await json(ann, "GET", `/vehicles?id=${id}&group_by=color&sum=price`)).items;
  assert.deepEqual(groups, [{ color: "red", vehicles: 1, sum_price: 500_000, currency: "EUR" }]);
  const due = await made({ inspection_at: "-1d", keeper: "Kim" });
  const [reminder] = (await json(ann, "GET", "/reminders?owner=Kim")).items;
  assert.deepEqual(
    [reminder.id, reminder.name, reminder.note, reminder.email],
    [due.id, due.plate, "a long story", "jane@acme.com"],
  );
  await ok(ann, "PATCH", `/vehicles/${due.id}`, { retired: true });
  assert.deepEqual((await json(ann, "GET", "/reminders?owner=Kim")).items, []);
});

test("a counted list adds up its money, under the name that the field has now", async () => {
  await ok(bob, "POST", "/kinds", { name: "gadget", fields: { name: "text" } }, 201);
  await ok(bob, "POST", "/kinds/gadget/fields", { name: "price", type: "cents" });
  await ok(bob, "PATCH", "/kinds/gadget", { fields: { price: { name: "cost" } } });
  for (const [name, cost, currency] of [
    ["drill one", 1200, "EUR"],
    ["drill two", 300, "EUR"],
    ["saw", 500, "JPY"],
    ["drill free", null, "EUR"],
  ] as const)
    await ok(bob, "POST", "/gadgets", { name, cost, currency }, 201);
  const trailers = async (path: string) => (await ok(bob, "GET", path)).text.match(/(?<=^# )sum .*/gm);
  assert.deepEqual(await trailers("/gadgets?count=true&limit=1"), [
    "sum cost=1500 currency=EUR gadgets=2",
    "sum cost=500 currency=JPY gadgets=1",
  ]);
  assert.deepEqual(await trailers("/gadgets?count=true&search=drill"), ["sum cost=1500 currency=EUR gadgets=2"]);
});

test("undo, a former version and a restore give the former record", async () => {
  const record = await made({ labels: ["x"], extra: { a: 1 } });
  const path = `/vehicles/${record.id}`;
  const state = async () => {
    const { version, updated_at, ...rest } = await json(ann, "GET", path);
    return rest;
  };
  const { version: _, updated_at: __, hint: ___, ...former } = record;
  const wild = {
    model: null,
    km: 1,
    color: "blue",
    labels: { add: ["y"], remove: ["x"] },
    extra: { a: null, b: 2 },
    owner_id: null,
    custom: { z: 1 },
  };
  const changed = await ok(ann, "PATCH", path, wild);
  const now = await json(ann, "GET", path);
  assert.deepEqual(
    [now.model, now.km, now.labels, now.extra, now.owner, now.custom],
    [null, 1, ["y"], { b: 2 }, null, { z: 1 }],
  );
  assert.match((await ok(ann, "GET", `${path}/history`)).text, /changes="[^\n]*km: 12000 -> 1/);
  await ok(ann, "POST", "/undo", { change: changed.headers.get("x-change") });
  assert.deepEqual(await state(), former);
  await ok(ann, "PATCH", path, wild);
  await ok(ann, "POST", "/undo", { record: record.id, version: 1 });
  assert.deepEqual(await state(), former);
  await twice(ann, "DELETE", path);
  await refused(ann, "not_found", "GET", path);
  assert.equal((await json(ann, "GET", `${path}?deleted=include`)).plate, record.plate);
  await ok(ann, "POST", `${path}/restore`);
  assert.deepEqual(await state(), former);
});

test("deleting what it links to clears the link, and a restore brings it back", async () => {
  const tom = await json(ann, "POST", "/contacts", { name: "Tom" });
  const { id } = await made({ owner_id: tom.id });
  await ok(
    ann,
    "POST",
    "/kinds",
    { name: "trip", title: "goal", fields: { goal: "text", car_id: { link: "vehicle", required: true } } },
    201,
  );
  const trip = await json(ann, "POST", "/trips", { goal: "Rome", car_id: id });
  assert.equal((await json(ann, "GET", `/vehicles/${id}/trips`)).items[0].id, trip.id);
  assert.match((await ann.send("DELETE", `/contacts/${tom.id}`)).text, /clearing its link on 1 vehicle/);
  await twice(ann, "DELETE", `/contacts/${tom.id}`);
  assert.equal((await json(ann, "GET", `/vehicles/${id}`)).owner_id, null);
  await refused(ann, "unprocessable", "PATCH", `/vehicles/${id}`, { owner_id: tom.id });
  await ok(ann, "POST", `/contacts/${tom.id}/restore`);
  assert.equal((await json(ann, "GET", `/vehicles/${id}`)).owner_id, tom.id);
  await twice(ann, "DELETE", `/vehicles/${id}`);
  await refused(ann, "not_found", "GET", `/trips/${trip.id}`);
  await ok(ann, "POST", `/vehicles/${id}/restore`);
  assert.equal((await json(ann, "GET", `/trips/${trip.id}`)).car_id, id);
});

test("merging takes what is missing and moves the links", async () => {
  const [kept, other] = [await made({ model: null, labels: ["a"] }), await made({ model: "Polo", labels: ["b"], km: 9 })];
  const trip = await json(ann, "POST", "/trips", { goal: "Oslo", car_id: other.id });
  await twice(ann, "POST", `/vehicles/${kept.id}/merge`, { from: other.id });
  const merged = await json(ann, "GET", `/vehicles/${kept.id}`);
  assert.deepEqual([merged.model, merged.labels, merged.km], ["Polo", ["a", "b"], 12_000]);
  assert.equal((await json(ann, "GET", `/trips/${trip.id}`)).car_id, kept.id);
  assert.equal((await json(ann, "GET", `/vehicles/${other.id}`)).id, kept.id);
});

test("bulk changes, dry runs, proposals, keys and purges", async () => {
  const [a, b] = [await made({ model: "bulk" }), await made({ model: "bulk" })];
  await twice(ann, "PATCH", "/vehicles?model=bulk", { color: "blue", labels: { add: ["many"] } });
  for (const { id } of [a, b]) {
    const { color, labels } = await json(ann, "GET", `/vehicles/${id}`);
    assert.deepEqual([color, labels], ["blue", ["a", "b", "many"]]);
  }
  assert.match((await ok(ann, "POST", "/vehicles?dry_run=true", { plate: "dry" })).text, /# would be created/);
  assert.deepEqual((await json(ann, "GET", "/vehicles?plate=dry")).items, []);
  const proposed = await ok(ann, "PATCH", `/vehicles/${a.id}?propose=true`, { km: 77 }, 202);
  assert.match(proposed.text, /km: "?12000"? -> "?77"?/);
  const [, id, mark] = /proposal\/(\S+) .* mark=(\S+)/.exec(proposed.text)!;
  await ok(ann, "POST", `/proposals/${id}/approve`, { mark });
  assert.equal((await json(ann, "GET", `/vehicles/${a.id}`)).km, 77);
  const once = () => ann.send("POST", "/vehicles", { plate: "once", km: 1 }, { "idempotency-key": "vehicle-once" });
  assert.deepEqual([(await once()).status, (await once()).status], [201, 200]);
  assert.equal((await json(ann, "GET", "/vehicles?plate=once")).items[0].version, 1);
  await twice(ann, "DELETE", `/vehicles/${b.id}?purge=true`);
  assert.equal((await ann.send("GET", `/vehicles/${b.id}?deleted=include`)).status, 410);
  await settled(service.pool);
  const [row] = (await json(ann, "GET", `/changes?since=-1h&record=${a.id}&touched=km`)).items.slice(-1);
  assert.deepEqual(row.changes.km, { from: 12_000, to: 77 });
});

test("a file goes in and comes out", async () => {
  const csv = 'plate,model,km,labels,owner\nFile 1,Polo,5,"a,b",jane@acme.com\nFile 2,,x,,\n';
  const report = await ann.send("POST", "/vehicles/import", csv, { "content-type": "text/csv" });
  assert.match(report.text, /row=2 created vehicle\/zv_/);
  assert.match(report.text, /row=3 ERROR invalid_value/);
  const [first] = (await json(ann, "GET", "/vehicles?plate=file 1")).items;
  assert.deepEqual([first.model, first.km, first.labels, first.owner_id], ["Polo", 5, ["a", "b"], jane]);
  const out = (await ok(ann, "GET", "/vehicles?plate=file 1&format=csv")).text;
  const again = await ann.send("POST", "/vehicles/import", out.replace("Polo", "Lupo"), { "content-type": "text/csv" });
  assert.match(again.text, /row=2 updated vehicle\/zv_/);
  assert.equal((await json(ann, "GET", `/vehicles/${first.id}`)).model, "Lupo");
  const whole = (await ok(ann, "GET", "/export")).text.split("\n");
  assert.ok(JSON.parse(whole[0]!).kinds.some(({ name }: { name: string }) => name === "vehicle"));
  assert.ok(whole.some((line) => line.includes(`"kind":"vehicle","row":{"id":"${first.id}"`)));
});

test("a record with an address or a phone makes a card, and a list of what is due a calendar", async () => {
  const { id } = await json(ann, "POST", "/vehicles", { ...WHOLE, plate: "CARD 1", owner_id: jane });
  const card = (await ok(ann, "GET", `/vehicles/${id}.vcf`)).text.replaceAll("\r\n ", "");
  for (const line of ["FN:CARD 1", "jane@acme.com", "+49 30 12345", "https://acme.com", "a long story"])
    assert.ok(card.includes(line), `${line}\n${card}`);
  assert.equal((await ok(ann, "GET", "/vehicles.vcf?plate=card 1")).text.replaceAll("\r\n ", ""), card);
  assert.match((await ok(ann, "GET", "/vehicles.ics?plate=card 1")).text, /^DTSTART:20261201T090000Z/m);
  const kim = await service.signIn("kim@example.com");
  await ok(kim, "POST", "/kinds", { name: "plain", fields: { name: "text" } }, 201);
  await ok(kim, "GET", "/plains.vcf", undefined, 406);
});

test("another workspace sees nothing of it, and may call its own kind so", async () => {
  const mine = await made();
  for (const path of ["/vehicles", `/vehicles/${mine.id}`, "/kinds/vehicle", "/help/vehicles"])
    await refused(bob, "not_found", "GET", path);
  await ok(bob, "POST", "/kinds", { name: "vehicle", fields: { name: "text", km: "text" } }, 201);
  await refused(bob, "not_found", "GET", `/vehicles/${mine.id}`);
  assert.deepEqual((await json(bob, "GET", "/vehicles")).items, []);
  await ok(bob, "POST", "/vehicles", { name: "Bob's", km: "many" }, 201);
  await refused(bob, "unprocessable", "POST", "/tasks", { title: "x", contact_id: jane });
  await ok(bob, "POST", "/kinds/vehicle/fields", { name: "friend_id", link: "contact" });
  await refused(bob, "unprocessable", "POST", "/vehicles", { name: "y", friend_id: jane });
  assert.equal((await json(ann, "GET", "/vehicles?search=Bob")).items.length, 0);
});

test("a workspace that ends takes its kinds and their records along", async () => {
  const carl = await service.signIn("carl@example.com");
  await ok(carl, "POST", "/kinds", { name: "relic", fields: { name: "text" } }, 201);
  await ok(carl, "POST", "/relics", { name: "Grail" }, 201);
  const [, workspace] = /workspace\/(ws_\w+)/.exec((await ok(carl, "GET", "/whoami")).text)!;
  const asked = await carl.send("DELETE", `/workspaces/${workspace}?format=json`);
  assert.match(asked.text, /1 relic/);
  await ok(carl, "DELETE", `/workspaces/${workspace}?code=${asked.json().code}`);
  for (const table of ["kinds", "own_records"]) {
    const rows = await service.pool.rows(
      sql`select 1 from ${ident(table)} t where right(t.workspace_id, 8) = ${workspace!.slice(-8)}`,
    );
    assert.deepEqual(rows, [], table);
  }
});

test("scopes and roles hold for it as for any kind, and only an admin declares", async () => {
  const token = async (scopes: string[]) => {
    const { token } = await json(ann, "POST", "/tokens", { name: "narrow", scopes });
    return (method: string, path: string, body?: unknown) => ann.send(method, path, body, { authorization: `Bearer ${token}` });
  };
  const { id } = await made();
  const reads = await token(["vehicles.read"]);
  assert.equal((await reads("GET", `/vehicles/${id}`)).status, 200);
  assert.doesNotMatch((await reads("GET", `/vehicles/${id}`)).text, /Jane Doe/);
  assert.match((await reads("PATCH", `/vehicles/${id}`, { km: 1 })).text, /^ERROR scope_required/);
  assert.match((await reads("GET", "/contacts")).text, /^ERROR scope_required/);
  const writes = await token(["read", "write"]);
  assert.match((await writes("POST", "/kinds", { name: "boat", fields: { name: "text" } })).text, /^ERROR scope_required/);
  assert.match((await writes("DELETE", "/kinds/vehicle")).text, /^ERROR scope_required/);
  assert.equal((await writes("PATCH", `/vehicles/${id}`, { km: 2 })).status, 200);
  const proposes = await token(["read", "propose"]);
  assert.equal((await proposes("PATCH", `/vehicles/${id}`, { km: 3 })).status, 202);
});

test("of callers at once one makes the kind, and the next request of a batch uses it", async () => {
  const canoe = { name: "canoe", fields: { name: "text" } };
  const replies = await Promise.all(Array.from({ length: 5 }, () => ann.send("POST", "/kinds", canoe)));
  assert.deepEqual(replies.map(({ status }) => status).sort(), [201, 409, 409, 409, 409]);
  const batch = [
    { method: "POST", path: "/kinds", body: { name: "kayak", fields: { name: "text" } } },
    { method: "POST", path: "/kayaks", body: { name: "First" } },
  ];
  await ok(ann, "POST", "/batch", batch);
  assert.equal((await json(ann, "GET", "/kayaks")).items[0].name, "First");
  const atomic = await ann.send("POST", "/batch?atomic=true", [
    { method: "POST", path: "/kinds", body: { name: "raft", fields: { name: "text" } } },
  ]);
  assert.match(atomic.text, /cannot be taken back/);
  const confirm = /confirm=(\S+)/.exec((await ann.send("DELETE", "/kinds/kayak")).lines.at(-1)!)![1];
  const racing = await Promise.all([
    ...Array.from({ length: 4 }, (_, i) => ann.send("POST", "/kayaks", { name: `n${i}` })),
    ann.send("DELETE", `/kinds/kayak?confirm=${confirm}`),
  ]);
  for (const { status, text } of racing) assert.ok([200, 201, 404, 409].includes(status), text);
});

test("hostile declarations make nothing but refusals", async () => {
  const HOSTILE = [
    "'; drop table kinds; --",
    "a'b",
    'a"b',
    "\u0000",
    "x".repeat(5_000),
    "$1",

    "__proto__",
    "r.own",
    "%",
  ];
  for (const text of HOSTILE) {
    for (const body of [
      { name: text, fields: { name: "text" } },
      { name: "raft", plural: text, fields: { name: "text" } },
      { name: "raft", title: text, fields: { name: "text" } },
      { name: "raft", natural_key: text, fields: { name: "text" } },
      { name: "raft", reminder: text, fields: { name: "text" } },
      { name: "raft", fields: { name: "text", x: text } },
      { name: "raft", fields: { name: "text", x: { type: "text", [text]: 1 } } },
      { name: "raft", fields: { name: "text", [text]: "text" } },
      { name: "raft", fields: { name: "text", x_id: { link: text } } },
    ]) {
      const reply = await ann.send("POST", "/kinds", body);
      assert.ok(reply.status >= 400 && reply.status < 500, `${JSON.stringify(body).slice(0, 200)} ${reply.text}`);
    }
  }
  await ok(
    ann,
    "POST",
    "/kinds",
    { name: "raft", about: 'it\'s a "raft" $1', fields: { name: "text", mood: { choices: ["it's", "$1"] } } },
    201,
  );
  const { id } = await json(ann, "POST", "/rafts", { name: "R'1 $2", mood: "it's" });
  assert.equal((await json(ann, "GET", "/rafts?mood=it's")).items[0].id, id);
  for (const path of ["/help", "/help/rafts", "/openapi.json", "/rafts?group_by=mood", "/audit", "/search?q=R'1"])
    await ok(ann, "GET", path);
});

test("names that mean something already are refused with the reason", async () => {
  const field = (name: string, spec: unknown = "text") => ({ name: "boat", fields: { name: "text", [name]: spec } });
  for (const name of [
    "sort",
    "limit",
    "custom",
    "handle",
    "version",
    "dry_run",
    "created_at",
    "constructor",
    "t1",
    "a__b",
    "Größe",
    "_x",
    "owner_id",
  ])
    assert.match(await refused(ann, "invalid_value", "POST", "/kinds", field(name)), /cannot be called/, name);
  assert.match(await refused(ann, "invalid_value", "POST", "/kinds", field("owner", { link: "contact" })), /owner_id/);
  assert.match(await refused(ann, "invalid_value", "POST", "/kinds", field("x", "intger")), /did you mean/);
  assert.match(await refused(ann, "invalid_value", "POST", "/kinds", field("x", "contact")), /"x_id":\{"link":"contact"\}/);
  for (const name of ["search", "kind", "v1", "pg_class", "help", "invoice", "email", "x", "Boat", "a;b"])
    await refused(ann, "invalid_value", "POST", "/kinds", { name, fields: { name: "text" } });
  for (const name of ["contact", "vehicle", "vehicles"])
    await refused(ann, "already_exists", "POST", "/kinds", { name, plural: `${name}s`, fields: { name: "text" } });
  await refused(ann, "missing_field", "POST", "/kinds", { name: "boat", fields: { km: "integer" } });
  await refused(ann, "invalid_value", "POST", "/kinds", {
    name: "boat",
    natural_key: "km",
    fields: { name: "text", km: "integer" },
  });
  const many = Object.fromEntries(Array.from({ length: 201 }, (_, i) => [`f_${i}`, "text"]));
  await refused(ann, "plan_limit_reached", "POST", "/kinds/vehicle/fields", {
    fields: Object.fromEntries(Object.entries(many).slice(0, 190)),
  });
});

test("fields are added, renamed and hidden; old records and their history stay readable", async () => {
  await ok(ann, "POST", "/kinds", { name: "boat", fields: { name: "text", length: "number" } }, 201);
  const old = await json(ann, "POST", "/boats", { name: "Titanic", length: 269.1 });
  await ok(ann, "PATCH", `/boats/${old.id}`, { length: 269 });
  await ok(ann, "POST", "/kinds/boat/fields", { name: "berths", type: "integer" });
  await ok(ann, "PATCH", `/boats/${old.id}`, { berths: 2435 });
  await ok(ann, "PATCH", "/kinds/boat", { fields: { length: { name: "metres" } } });
  const now = await json(ann, "GET", `/boats/${old.id}`);
  assert.deepEqual([now.metres, now.length, now.berths], [269, undefined, 2435]);
  assert.match((await ok(ann, "GET", `/boats/${old.id}/history`)).text, /metres: 269.1 -> 269/);
  await refused(ann, "invalid_field", "PATCH", `/boats/${old.id}`, { length: 1 });
  await ok(ann, "POST", "/undo", { record: old.id, version: 1 });
  assert.equal((await json(ann, "GET", `/boats/${old.id}`)).metres, 269.1);
  await ok(ann, "PATCH", "/kinds/boat", { fields: { metres: { hidden: true } } });
  assert.equal((await json(ann, "GET", `/boats/${old.id}`)).metres, undefined);
  assert.equal((await json(ann, "GET", `/boats/${old.id}?fields=metres`)).metres, 269.1);
  // The name is free for another field, which has nothing of the former one.
  await ok(ann, "POST", "/kinds/boat/fields", { name: "length", type: "text" });
  assert.equal((await json(ann, "GET", `/boats/${old.id}`)).length, null);
  assert.match(
    await refused(ann, "invalid_value", "PATCH", "/kinds/boat", { fields: { berths: { type: "text" } } }),
    /does not change/,
  );
  await refused(ann, "invalid_value", "PATCH", "/kinds/boat", { fields: { length: { name: "berths" } } });
});

test("built-in kinds take fields too: typed, filtered, sorted, in the history", async () => {
  await ok(ann, "POST", "/kinds/contact/fields", {
    fields: {
      badge: "text",
      seats: "integer",
      met_on: "date",
      boss_id: { link: "contact" },
      skills: "tags",
      phone_at_sea: "phone",
    },
  });
  const boss = await json(ann, "POST", "/contacts", { name: "Boss", badge: "B-1", seats: 3 });
  const { id } = await json(ann, "POST", "/contacts", {
    name: "Worker",
    seats: 20,
    met_on: "2026-05-01",
    boss_id: boss.id,
    skills: ["saw"],
  });
  const found = async (filter: string) =>
    (await json(ann, "GET", `/contacts?${filter}`)).items.map((each: { name: string }) => each.name);
  assert.deepEqual(await found("seats=gt:1&sort=-seats"), ["Worker", "Boss"]);
  assert.deepEqual(await found("badge=b-1"), []);
  assert.deepEqual(await found("badge=like:b-"), ["Boss"]);
  assert.deepEqual(await found("met_on=2026-05-01&skills=has:saw&boss=Boss"), ["Worker"]);
  await ok(ann, "PATCH", `/contacts/${id}`, { badge: "Zürich Ötzi", phone_at_sea: "+49 30 987654" });
  assert.deepEqual(await found("search=zurich otz"), ["Worker"]);
  assert.deepEqual(await found("search=ürich"), ["Worker"], "inside a word");
  assert.deepEqual(await found("search=zuirch"), ["Worker"], "a near miss");
  assert.deepEqual(await found("search=030987654"), ["Worker"]);
  assert.deepEqual(await found("search=worker saw"), ["Worker"]);
  assert.deepEqual(await found("badge=like:ötzi"), ["Worker"]);
  assert.match((await ok(ann, "GET", "/search?q=zurich")).text, /^contact\/c_\w+ name=Worker /);
  await refused(ann, "invalid_value", "PATCH", `/contacts/${id}`, { seats: "many" });
  const changed = await ok(ann, "PATCH", `/contacts/${id}`, { seats: null, skills: { add: ["file"] } });
  assert.match((await ok(ann, "GET", `/contacts/${id}/history`)).text, /seats: 20 -> null/);
  await ok(ann, "POST", "/undo", { change: changed.headers.get("x-change") });
  const now = await json(ann, "GET", `/contacts/${id}`);
  assert.deepEqual([now.seats, now.skills, now.boss], [20, ["saw"], "Boss"]);
  await twice(ann, "PATCH", "/contacts?seats=gt:1", { badge: "all" });
  assert.deepEqual((await found("badge=all")).sort(), ["Boss", "Worker"]);
  const upserted = await ok(ann, "POST", "/contacts", { email: "jane@acme.com", seats: 5 });
  assert.match(upserted.text, /seats=5.*[\s\S]*# updated ch_/);
  await twice(ann, "DELETE", `/contacts/${boss.id}`);
  assert.equal((await json(ann, "GET", `/contacts/${id}`)).boss_id, null);
  await refused(ann, "invalid_filter", "GET", "/contacts?seats=1&badge_no=1");
  await refused(bob, "invalid_field", "POST", "/contacts", { name: "x", seats: 5 });
});

test("a kind is deleted with its records, and comes back with them", async () => {
  await ok(ann, "POST", "/kinds", { name: "plane", fields: { name: "text" } }, 201);
  await ok(ann, "POST", "/kinds", { name: "flight", fields: { name: "text", plane_id: { link: "plane" } } }, 201);
  const plane = await json(ann, "POST", "/planes", { name: "Spirit" });
  const flight = await json(ann, "POST", "/flights", { name: "Paris", plane_id: plane.id });
  assert.match((await ann.send("DELETE", "/kinds/plane")).text, /delete the kind plane with 1 plane; plane_id of flights/);
  await twice(ann, "DELETE", "/kinds/plane");
  await refused(ann, "not_found", "GET", "/planes");
  assert.match(await refused(ann, "not_found", "GET", "/kinds/plane"), /POST \/kinds\/plane\/restore/);
  assert.equal((await json(ann, "GET", `/flights/${flight.id}`)).plane_id, undefined);
  for (const path of [
    "/audit",
    "/changes?since=-1h",
    "/search?q=spirit",
    "/reminders",
    "/kinds",
    "/help",
    "/openapi.json",
    "/export",
  ])
    await ok(ann, "GET", path);
  await refused(ann, "already_exists", "POST", "/kinds", { name: "plane", fields: { name: "text" } });
  await ok(ann, "POST", "/kinds/plane/restore");
  assert.equal((await json(ann, "GET", `/planes/${plane.id}`)).name, "Spirit");
  assert.equal((await json(ann, "GET", `/flights/${flight.id}`)).plane, "Spirit");
  assert.match((await ann.send("DELETE", "/kinds/contact")).text, /^ERROR unprocessable/);
});

test("saved lists, batches, the manual, OpenAPI and MCP know it", async () => {
  const { id } = await made({ model: "listed" });
  await ok(ann, "POST", "/lists", { name: "listed cars", kind: "vehicle", query: "model=listed" }, 201);
  assert.equal((await json(ann, "GET", "/vehicles?list=listed-cars")).items[0].id, id);
  const [first, second] = (
    await ok(ann, "POST", "/batch", [
      { method: "POST", path: "/vehicles", body: { plate: "batch 1" } },
      { method: "PATCH", path: "/vehicles/$1.id", body: { km: 5 } },
    ])
  ).text.split("\n");
  assert.ok(first && second);
  assert.equal((await json(ann, "GET", "/vehicles?plate=batch 1")).items[0].km, 5);
  assert.match((await ok(ann, "GET", "/help")).text, /\/vehicles \(vehicle\/zv_…\)/);
  assert.match((await ok(ann, "GET", "/help/vehicles")).text, /^# vehicles/);
  const document = (await ok(ann, "GET", "/openapi.json")).json();
  assert.ok(document.paths["/vehicles"] && document.components.schemas.Vehicle);
  assert.equal((await service.send("GET", "/openapi.json")).json().paths["/vehicles"], undefined);
  const call = { jsonrpc: "2.0", id: 1, method: "tools/list", params: {} };
  const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
  assert.match((await ann.send("POST", "/mcp", call, headers)).text, /vehicle/);
});

test("another service on the database knows of a change with the next request", async () => {
  const other = await startService({ beside: service });
  try {
    const there = (method: string, path: string, body?: unknown) =>
      other.send(method, path, body, { authorization: `Bearer ${ann.token}` });
    assert.equal((await there("GET", "/contacts")).status, 200);
    await ok(ann, "POST", "/kinds", { name: "rocket", fields: { name: "text" } }, 201);
    const made = await there("POST", "/rockets?format=json", { name: "Saturn" });
    assert.equal(made.status, 201, made.text);
    await ok(ann, "POST", "/kinds/rocket/fields", { name: "stages", type: "integer" });
    const changed = await there("PATCH", `/rockets/${made.json().id}`, { stages: 3 });
    assert.match(changed.text, /stages=3/);
    assert.equal((await there("GET", "/rockets?stages=3&sort=stages")).status, 200);
    await twice(ann, "DELETE", "/kinds/rocket");
    const late = await there("POST", "/rockets", { name: "Late" });
    assert.match(late.text, /^ERROR not_found/);
  } finally {
    await other.close();
  }
});

test("fields may be a list, and their parts may be called as others call them", async () => {
  const fields = [
    { name: "hull", type: "string", required: true },
    { name: "rig", type: "enum", options: ["sloop", "ketch"], default: "sloop" },
    { name: "skipper_id", type: "link", to: "contact", description: "who sails it" },
  ];
  await ok(ann, "POST", "/kinds", { name: "yacht", fields }, 201);
  await ok(ann, "POST", "/kinds/yacht/fields", { fields: [{ name: "berths", type: "int" }] });
  await ok(ann, "POST", "/kinds/yacht/fields", { name: "flag", type: "select", options: "de,fr" });
  const yacht = await ok(ann, "POST", "/yachts", { hull: "Elsa", skipper: jane, berths: 4, flag: "fr" }, 201);
  assert.match(yacht.text, /hull=Elsa rig=sloop skipper_id=\S+ skipper="Jane Doe" berths=4 flag=fr/);
  for (const twice of [[fields[0], fields[0]], [{ type: "text" }], ["hull"]]) {
    const refused = await ann.send("POST", "/kinds", { name: "ferry", fields: twice });
    assert.equal(refused.status, 400);
    assert.match(refused.text, /ERROR invalid_value fields cannot be[^\n]*\nHINT {2}fields expects [^\n]*or a list/);
  }
  const both = await ann.send("POST", "/kinds/yacht/fields", { name: "x", type: "choice", choices: "a", options: "b" });
  assert.equal(both.status, 400);
});
