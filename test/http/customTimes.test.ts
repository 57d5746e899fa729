import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { conditionSql } from "../../src/db/records/condition.ts";
import { tableOf } from "../../src/db/records/table.ts";
import { customPredicate } from "../../src/fields/custom.ts";
import { readMoment } from "../../src/kit/moments.ts";
import { zone } from "../../src/kit/time.ts";
import { sql } from "../../src/postgres/sql.ts";
import { catalog } from "../../src/records/all.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** Times under `custom` are text, and compare as times do: in the workspace's zone, and whichever zone they were written in. */

const NOW = Date.parse("2026-11-01T12:00:00Z");

let service: Service;
before(async () => {
  service = await startService({ now: () => NOW });
});
after(() => service.close());

let people = 0;

async function workspaceIn(timezone: string): Promise<Client> {
  people += 1;
  const client = await service.signIn(`p${people}@example.com`);
  const { workspace } = (await client.send("GET", "/whoami?format=json")).json();
  assert.equal((await client.send("PATCH", `/${workspace}`, { timezone })).status, 200);
  return client;
}

async function make(client: Client, custom: object): Promise<void> {
  const reply = await client.send("POST", "/contacts", { name: JSON.stringify(custom), custom });
  assert.equal(reply.status, 201, reply.text);
}

async function found(client: Client, filter: string): Promise<string[]> {
  const [, name = "", value = ""] = /^([^=]+)=(.*)$/.exec(filter)!;
  const reply = await client.send("GET", `/contacts?${new URLSearchParams({ [name]: value })}&format=json&limit=200`);
  assert.equal(reply.status, 200, reply.text);
  return (reply.json().items as { custom: { t?: unknown } }[]).map(({ custom }) => JSON.stringify(custom.t ?? null)).sort();
}

test("a date is a day of the workspace, and an instant is found in any zone and by its day", async () => {
  const ann = await workspaceIn("America/New_York");
  for (const t of ["2026-06-10", "2026-06-10T10:00:00+02:00", "2026-06-10T23:30", ["2026-06-10T08:00:00Z", "x"]])
    await make(ann, { t });
  const [day, instant, late, list] = [
    '"2026-06-10"',
    '"2026-06-10T10:00:00+02:00"',
    '"2026-06-10T23:30"',
    '["2026-06-10T08:00:00Z","x"]',
  ];
  const finds: Record<string, (string | undefined)[]> = {
    "custom.t=gte:2026-06-10": [day, instant, late],
    "custom.t=lte:2026-06-09": [],
    "custom.t=lt:2026-06-10": [],
    "custom.t=gt:2026-06-10": [],
    "custom.t=2026-06-10": [day, instant, late],
    "custom.t=2026-06-10T00:00:00-04:00": [day],
    "custom.t=2026-06-10T08:00:00Z": [instant],
    "custom.t=eq:2026-06-10T04:00": [instant],
    "custom.t=in:2026-06-10T03:30:00Z,2026-06-11T03:30:00Z,2026-06-10T04:00:00-04:00": [instant, late],
    "custom.t=ne:2026-06-10T08:00:00Z": [day, late, list],
    "custom.t=ne:2026-06-10": [list],
    "custom.t=has:2026-06-10T04:00": [list],
    "custom.t=has:2026-06-10": [list],
    "custom.t=has:2026-06-11": [],
    "custom.t=2026-06-11": [],
  };
  for (const [filter, expected] of Object.entries(finds))
    assert.deepEqual(await found(ann, filter), expected.toSorted(), filter);
});

test("the history shows such a text as it is stored", async () => {
  const ann = await workspaceIn("America/New_York");
  const t = "2026-06-10T10:00:00+02:00";
  const made = await ann.send("POST", "/contacts?format=json", { name: "Told", custom: { t } });
  const { items } = (await ann.send("GET", `/contacts/${made.json().id}/history?format=json`)).json();
  assert.deepEqual(items[0].changes["custom.t"], { from: null, to: t });
});

const OFFSETS = ["", "Z", "+02:00", "-0930", " +14:00"];
const WRONG = [
  "2026-02-29",
  "2026-13-01",
  "2026-11-01T24:00",
  "2026-11-01T10:60",
  "0000-01-01",
  "2026-11-01x",
  "x2026-11-01",
  "2026-11-01T10:00:60Z",
];

for (const [timezone, days] of Object.entries({
  "America/New_York": ["2026-03-08", "2026-11-01"],
  "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"],
  "Pacific/Apia": ["2011-12-29", "2011-12-31"],
  CET: ["2026-03-29", "2026-10-25"],
})) {
  describe(timezone, () => {
    let ann: Client;
    const stored: string[] = [...WRONG, ...days, "0001-01-03", "9999-12-29", "2024-02-29"];
    before(async () => {
      ann = await workspaceIn(timezone);
      for (const day of days)
        for (let half = 0; half < 10; half++) {
          const clock = `0${Math.floor(half / 2)}:${half % 2 ? "30" : "00"}${half % 3 ? ":15" : ""}`;
          stored.push(`${day}T${clock}${half % 3 === 0 && half % 2 ? "" : OFFSETS[half % OFFSETS.length]}`, `${day} ${clock}`);
        }
      for (const t of stored) await make(ann, { t });
    });

    test("every operator finds what plain code finds, also where the clocks change", async () => {
      const context = { now: NOW, zone: zone(timezone) };
      const operands = [
        ...days,
        ...days.flatMap((day) => ["00:30", "01:00", "01:30", "02:00:15", "02:30", "03:00"].map((clock) => `${day}T${clock}`)),
        `${days[1]}T06:30:00Z`,
        "today",
      ];
      for (const operand of operands) {
        const { from, to } = readMoment(operand, context)!;
        const meaning: Record<string, (at: number) => boolean> = {
          eq: (at) => at >= from && at < to,
          gt: (at) => at >= to,
          gte: (at) => at >= from,
          lt: (at) => at < from,
          lte: (at) => at < to,
        };
        for (const [operator, holds] of Object.entries(meaning)) {
          const expected = stored.filter((t) => {
            const moment = readMoment(t, context);
            return moment ? holds(moment.from) : false;
          });
          assert.deepEqual(
            await found(ann, `custom.t=${operator}:${operand}`),
            expected.map((t) => JSON.stringify(t)).sort(),
            `${operator}:${operand}`,
          );
        }
      }
    });
  });
}

test("an index finds a time or a day among other records, however it was written", async () => {
  await service.pool.rows(sql`insert into contacts (workspace_id, id, name, custom, version, created_at, created_by, updated_at)
    select 'ws_many', 'c_' || n, 'n', jsonb_build_object('t', (date '2000-01-01' + n % 10000)::text, 'n', n), 1, now(), 'me', now() from generate_series(10000000, 10005000) n`);
  await service.pool.rows(sql`insert into contacts (workspace_id, id, name, version, created_at, created_by, updated_at)
    select 'ws_many', 'c_' || n, 'n', 1, now(), 'me', now() from generate_series(20000000, 20020000) n`);
  await service.pool.rows(sql`analyze contacts`);
  const contact = catalog.get("contact")!;
  const reading = { now: NOW, zone: zone("America/New_York"), me: "" };
  const asked = [
    ["eq", ["2026-06-10"]],
    ["in", ["2026-06-10T08:00:00Z", "lead", "today"]],
    ["has", ["today"]],
  ] as const;
  for (const [operator, operands] of asked) {
    const predicate = customPredicate("t", operator, operands, reading)!;
    const condition = conditionSql(tableOf(contact), { field: contact.field("custom")!, predicate }, "ws_many");
    const plan = await service.pool.rows(
      sql`explain select id from contacts r where r.workspace_id = ${"ws_many"} and r.deleted_at is null and ${condition}`,
      { plan: "custom" },
    );
    const text = plan.map(([line]) => line).join("\n");
    assert.match(text, /contacts_custom_idx/, text);
    assert.match(text, /contacts_custom_days_idx/, text);
  }
});
