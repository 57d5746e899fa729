import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { readKinds } from "../../src/db/kinds/kinds.ts";
import { rowsOf } from "../../src/db/records/table.ts";
import { keySql } from "../../src/db/records/twins.ts";
import { blocksOf } from "../../src/derive/blocks.ts";
import { sql } from "../../src/postgres/sql.ts";
import { declarations } from "../../src/records/all.ts";
import { compileOwn } from "../../src/records/own.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** Records of own kinds that may be one. */

let service: Service;
let count = 0;
before(async () => {
  service = await startService({ config: { CRM_RATE: "100000" } });
});
after(() => service.close());

/** In a workspace of their own. */
const someone = () => service.signIn(`ann${++count}@example.com`);

type Shown = { a_id: string; b_id: string; why: string[] };

async function pairs(ann: Client, path: string): Promise<Shown[]> {
  const reply = await ann.send("GET", `${path}?format=json`);
  assert.equal(reply.status, 200, reply.text);
  return reply.json().items;
}

/** Of an own kind: by its title, and the first address, domain and phone, wherever they are kept. */
const PLACE = {
  name: "berth",
  fields: {
    note_line: "text",
    name: "text",
    mail: "email",
    tel: "phone",
    host: "domain",
    keeper_id: { link: "contact" },
  },
  title: "name",
};

test("records of an own kind that may be one are found, dismissed and told to a file's analysis", async () => {
  const ann = await someone();
  assert.equal((await ann.send("POST", "/kinds", PLACE)).status, 201);
  const ids: string[] = [];
  for (const body of [
    { name: "North Quay GmbH" },
    { name: "Nord Pier", mail: "harbour.master@quay.example" },
    { name: "NORTHQUAY" },
    { name: "Somewhere else", mail: "harbourmaster+x@quay.example" },
    { name: "Far", tel: "+49 30 1234567" },
    { name: "Away", tel: "030 123 45 67", note_line: "a.example" },
    { name: "One", host: "quay.example" },
    { name: "Two", host: "shop.quay.example" },
    { name: "Alone", note_line: "a.example" },
  ]) {
    const reply = await ann.send("POST", "/berths?format=json", body);
    assert.equal(reply.status, 201, reply.text);
    ids.push(reply.json().id);
  }
  const found = await pairs(ann, "/berths/duplicates");
  assert.deepEqual(found.map(({ a_id, b_id, why }) => `${ids.indexOf(a_id)}${ids.indexOf(b_id)} ${why}`).sort(), [
    "02 same_name",
    "13 same_email",
    "45 same_phone",
    "67 same_domain",
  ]);
  for (const { a_id, b_id } of found)
    for (const id of [a_id, b_id])
      assert.deepEqual(
        (await pairs(ann, `/berths/${id}/duplicates`)).map((each) => [each.a_id, each.b_id]),
        [[a_id, b_id]],
      );
  const file = 'name,mail\n"North Quay, Inc.",\nNew,harbour.master+1@quay.example\nOther,\n';
  const told = await ann.send("POST", "/berths/import?analyze=true", file, { "content-type": "text/csv" });
  assert.match(told.text, /^row=2 likely berth\/\S+ .*same_/m);
  assert.match(told.text, /^row=3 likely berth\/\S+ .*same_mailbox/m);
  const [first] = found;
  const dismissed = await ann.send("POST", "/berths/duplicates/dismiss?format=json", { pair: [first!.a_id, first!.b_id] });
  assert.equal(dismissed.json().dismissed, true, dismissed.text);
  assert.equal((await pairs(ann, "/berths/duplicates")).length, 3);
  const merge = await ann.send("POST", `/berths/${ids[0]}/merge?format=json`, { from: ids[2] });
  assert.equal(merge.json().error, "confirmation_required", merge.text);
  assert.equal((await ann.send("GET", "/trips/duplicates")).status, 404);
});

test("own kinds with nothing but a title, or with an address for one, are compared by it", async () => {
  const ann = await someone();
  for (const [name, type, values, why] of [
    ["trip", "text", ["To work", "TO WORK!"], "same_name"],
    ["handler", "email", ["a.b@c.example", "ab+x@c.example"], "same_email"],
    ["site", "domain", ["acme.com", "shop.acme.de"], "same_domain"],
    ["extension", "phone", ["+49 30 1234567", "030 1234567"], "same_phone"],
  ] as const) {
    assert.equal((await ann.send("POST", "/kinds", { name, fields: { called: type }, title: "called" })).status, 201, name);
    const ids: string[] = [];
    for (const called of [...values, "other@else.example"].slice(0, type === "email" ? 3 : 2))
      ids.push((await ann.send("POST", `/${name}s?format=json`, { called })).json().id);
    const found = await pairs(ann, `/${name}s/duplicates`);
    assert.deepEqual(
      found.map((pair) => [pair.a_id, pair.b_id, pair.why.join()]),
      [[ids[0], ids[1], why]],
    );
  }
});

test("pairs of a large own kind are found by its indexes", async () => {
  const ann = await someone();
  assert.equal((await ann.send("POST", "/kinds", PLACE)).status, 201);
  const first = (
    await ann.send("POST", "/berths?format=json", { name: "First", mail: "a@b.example", tel: "030 1234567" })
  ).json();
  const { rows } = service.pool;
  const [[workspaceId]] = (await rows(
    sql`select workspace_id from own_records where right(id, 8) = ${first.id.slice(-8)}`,
  )) as [[string]];
  await rows(sql`insert into own_records (workspace_id, id, kind, own, version, created_at, created_by, updated_at)
    select ${workspaceId}, left(r.id, -8) || lpad(n::text, 8, '0'), r.kind,
      jsonb_build_object('a0', 'Berth number ' || n, 't1', 'note ' || n, 't2', 'mail' || n || '@b.example', 't3', 'b' || n || '.example', 'p1', '030 ' || 5000000 + n),
      1, r.created_at, r.created_by, r.updated_at from own_records r, generate_series(1, 4000) n where r.workspace_id = ${workspaceId}`);
  await rows(sql`analyze own_records`);
  const catalog = compileOwn(declarations, (await readKinds(service.pool, workspaceId)).kinds);
  for (const block of blocksOf(catalog.get("berth")!)) {
    const key = keySql(block);
    const plan = await rows(
      sql`explain select ${key} from ${rowsOf(catalog.get("berth")!)} r where r.workspace_id = ${workspaceId} and r.deleted_at is null
        and ${key} > ${""} order by ${key} limit 100`,
    );
    assert.match(plan.join("\n"), /Index Scan using own_records_\w+_same_idx/, block.name);
  }
});
