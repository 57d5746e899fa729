import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { figureNames, groupNames, UNITS } from "../../src/derive/grouping.ts";
import { parseLine } from "../../src/kit/line.ts";
import { sql } from "../../src/postgres/sql.ts";
import { currencyOf, type Kind } from "../../src/records/kind.ts";
import { FIGURES } from "../../src/records/reserved.ts";
import { createWorld, definitions, inTurns, leastOf, post, settable } from "../helpers/dictionary.ts";
import { assertRefused, type Json } from "../helpers/lines.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";
import { valuesOf, type World } from "../helpers/values.ts";

/** Groups of a list come to what plain code makes of the list itself. */

const ZONE = "America/New_York";

let service: Service;
let ann: Client;
let world: World;
before(async () => {
  service = await startService({ now: () => Date.parse("2026-06-10T12:00:00Z") });
  ann = await service.signIn();
  world = await createWorld(ann);
  const me = (await ann.send("GET", "/whoami?format=json")).json();
  const moved = await ann.send("PATCH", `/workspaces/${String(me.workspace).split("/").at(-1)}`, { timezone: ZONE });
  assert.equal(moved.status, 200, moved.text);
  for (const kind of definitions) {
    for (let row = 0; row < 9; row++) {
      const body = leastOf(kind, world);
      for (const [at, field] of settable(kind).entries()) {
        const rung = field.name === kind.naturalKey ? row : ((row * 7 + at) % 5) % 4;
        if (rung < 3 && field.name !== kind.title) body[field.name] = valuesOf(field, world).ladder[rung];
      }
      const reply = await ann.send("POST", `/${kind.plural}`, body);
      assert.ok(reply.status < 300, reply.text);
    }
  }
});
after(() => service.close());

async function items(path: string): Promise<Json[]> {
  const reply = await ann.send("GET", `${path}${path.includes("?") ? "&" : "?"}format=json`);
  assert.equal(reply.status, 200, `${path} ${reply.text}`);
  return reply.json().items;
}

/** A time of the answer, which is in the workspace's zone, by the span it falls into. */
function spanOf(text: string, unit: string): string {
  const [day] = text.split("T") as [string];
  const [year, month] = day.split("-") as [string, string];
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
  const quarter = `${year}-Q${Math.ceil(Number(month) / 3)}`;
  return { day, week: date.toISOString().slice(0, 10), month: `${year}-${month}`, quarter, year }[unit]!;
}

/** What plain code makes of rows: how many there are of each value, and what a field comes to. */
function expected(rows: readonly Json[], keyOf: (row: Json) => unknown, per: string | undefined, amount: string | undefined) {
  const groups = new Map<string, { count: number; values: number[] }>();
  for (const row of rows) {
    const key = JSON.stringify([keyOf(row) ?? null, per ? (row[per] ?? null) : null]);
    const group = groups.get(key) ?? { count: 0, values: [] };
    group.count += 1;
    const value = amount ? row[amount] : null;
    if (typeof value === "number") group.values.push(value);
    groups.set(key, group);
  }
  return groups;
}

function keysOf(kind: Kind): { asked: string; shown: string; keyOf: (row: Json) => unknown }[] {
  return groupNames(kind).flatMap((name) => {
    if (name.endsWith(".<key>")) return [];
    const [field, unit] = name.split(":") as [string, string | undefined];
    if (!unit) return [{ asked: field, shown: field, keyOf: (row: Json) => row[field] }];
    return UNITS.map((each) => ({
      asked: `${field}:${each}`,
      shown: field,
      keyOf: (row: Json) => (row[field] === null ? null : spanOf(row[field] as string, each)),
    }));
  });
}

for (const kind of definitions) {
  describe(kind.plural, () => {
    test("every field groups the records as plain code does, with every figure", async () => {
      const rows = await items(`/${kind.plural}?limit=200&fields=${kind.fields.map(({ name }) => name).join(",")}`);
      await inTurns(keysOf(kind), async ({ asked, shown, keyOf }) => {
        const [amount] = figureNames(kind, "sum");
        const figures = amount ? FIGURES.map((is) => `&${is}=${amount}`).join("") : "";
        const groups = await items(`/${kind.plural}?group_by=${asked}${figures}`);
        const per =
          amount && kind.field(amount)!.type.money && currencyOf(kind)!.name !== shown ? currencyOf(kind)!.name : undefined;
        const wanted = expected(rows, keyOf, per, amount);
        assert.equal(groups.length, wanted.size, asked);
        for (const group of groups) {
          const key = JSON.stringify([group[shown] ?? null, per ? group[per] : null]);
          const found = wanted.get(key);
          assert.ok(found, `${asked} ${JSON.stringify(group)}`);
          assert.equal(group[kind.plural], found.count, asked);
          if (!amount) continue;
          const { values } = found;
          const sum = values.reduce((a, b) => a + b, 0);
          const figure = (is: string) => group[`${is}_${amount}`];
          assert.equal(figure("sum"), values.length > 0 ? sum : null, asked);
          assert.equal(figure("avg"), values.length > 0 ? Math.round((sum / values.length) * 100) / 100 : null, asked);
          assert.equal(figure("min"), values.length > 0 ? Math.min(...values) : null, asked);
          assert.equal(figure("max"), values.length > 0 ? Math.max(...values) : null, asked);
        }
      });
    });

    test("lines say what JSON says, without what is null; groups without a value come last", async () => {
      const names = groupNames(kind);
      const name = names.find((each) => kind.field(each)?.label || kind.field(each)?.paged) ?? names[0]!;
      const lines = (await ann.send("GET", `/${kind.plural}?group_by=${name}`)).lines;
      const groups = await items(`/${kind.plural}?group_by=${name}`);
      const told = groups.map((group) => Object.entries(group).filter(([, value]) => value !== null));
      assert.deepEqual(
        lines.map((line) => parseLine(line)),
        told.map((pairs) => ({ head: "group", pairs: pairs.map(([key, value]) => [key, String(value)]) })),
      );
      const values = groups.map((group) => group[name]).filter((value) => value !== null) as string[];
      assert.deepEqual(
        groups.slice(0, values.length).map((group) => group[name]),
        values,
      );
      assert.deepEqual(
        values,
        values.toSorted((a, b) => (String(a).toLowerCase() < String(b).toLowerCase() ? -1 : 1)),
      );
    });

    test("what cannot be grouped or added up is refused by name, with what can", async () => {
      const refused = async (query: string, code: string, hint: RegExp) => {
        const reply = await ann.send("GET", `/${kind.plural}?${query}`);
        assertRefused(reply, 400, code, query);
        assert.match(reply.text, hint);
      };
      const label = groupNames(kind).find((name) => !name.includes(":"))!;
      await refused(`group_by=${label}x`, "invalid_filter", new RegExp(`did you mean .*${label}`));
      await refused("group_by=id", "invalid_filter", /group by: /);
      await refused("group_by=updated_at", "invalid_value", /updated_at:month/);
      await refused("group_by=updated_at:fortnight", "invalid_value", /updated_at:quarter/);
      await refused(`group_by=${label}:month`, "invalid_value", new RegExp(`group_by=${label}`));
      await refused(`group_by=${label}&sum=${kind.title}`, "invalid_filter", /HINT/);
      await refused(`group_by=${label}&avg=nonsense`, "invalid_filter", /HINT/);
      await refused(`group_by=${label}&sort=nonsense`, "invalid_sort", new RegExp(kind.plural));
      await refused(`group_by=${label}&limit=1001`, "invalid_value", /1 to 1000/);
      for (const name of ["cursor=x", "offset=1", "fields=id", "count=true"])
        await refused(`group_by=${label}&${name}`, "invalid_filter", /leave/);
      await refused(`group_by=created_at:day,updated_at:day,${label}`, "invalid_value", /at most 2/);
      await refused(`group_by=${label}&nonsense=1`, "invalid_filter", /HINT/);
    });
  });
}

const deal = definitions.find(({ sums }) => sums)!;

async function workspaceOf(email: string): Promise<Client> {
  return service.signIn(email);
}

test("the contract's line: one for each stage and currency, sums exact beyond a double", async () => {
  const bob = await workspaceOf("bob@example.com");
  const big = 9_007_199_254_740_991;
  for (const [stage, amount_cents, currency] of [
    ...[1, 2, 3].map(() => ["demo", big, "USD"] as const),
    ["demo", 4, "EUR"],
    [null, 5, "USD"],
    ["lead", null, "USD"],
  ] as const)
    await post(bob, deal, { title: "t", stage, amount_cents, currency });
  assert.equal(
    (await bob.send("GET", "/deals?group_by=stage&sum=amount_cents")).text,
    [
      "group stage=demo deals=1 sum_amount_cents=4 currency=EUR",
      "group stage=demo deals=3 sum_amount_cents=27021597764222973 currency=USD",
      "group stage=lead deals=1 currency=USD",
      "group deals=1 sum_amount_cents=5 currency=USD",
      "# 4 groups of 6 deals\n",
    ].join("\n"),
  );
  const { items: groups } = (await bob.send("GET", "/deals?group_by=stage&sum=amount_cents&format=json")).json();
  assert.deepEqual(groups[1], { stage: "demo", deals: 3, sum_amount_cents: "27021597764222973", currency: "USD" });
  const filtered = await bob.send("GET", "/deals?sum=amount_cents&stage=demo&currency=EUR");
  assert.equal(filtered.text, "group deals=1 sum_amount_cents=4 currency=EUR\n# 1 group of 1 deal\n");
  const largest = await bob.send("GET", "/deals?group_by=stage,currency&sum=amount_cents&sort=-sum_amount_cents&limit=1");
  assert.match(largest.text, /^group stage=demo currency=USD deals=3 .*\n# there are more groups: .*\n# 1 group\n$/);
  const csv = await bob.send("GET", "/deals.csv?group_by=stage");
  assert.equal(csv.text, "stage,deals\r\ndemo,4\r\nlead,1\r\n,1\r\n");
  assert.equal((await bob.send("GET", "/contacts.vcf?group_by=stage")).status, 406);
});

test("links group by id and name, also under another record and one step further", async () => {
  const eve = await workspaceOf("eve@example.com");
  const made = [];
  for (const [name, industry] of [
    ["b", "energy"],
    ["A", "energy"],
    ["c", null],
  ])
    made.push((await eve.send("POST", "/companies?format=json", { name, industry })).json().id as string);
  for (const company_id of [...made, made[0], null]) await eve.send("POST", "/deals", { title: "x", company_id });
  const short = (id: string) => `co_${id.slice(-8)}`;
  const [b, a, c] = made as [string, string, string];
  const byName = `group company_id=${short(a)} company=A deals=1\ngroup company_id=${short(b)} company=b deals=2\ngroup company_id=${short(c)} company=c deals=1\ngroup deals=1\n# 4 groups of 5 deals\n`;
  assert.equal((await eve.send("GET", "/deals?group_by=company")).text, byName);
  assert.equal((await eve.send("GET", "/deals?group_by=company_id")).text, byName);
  assert.equal(
    (await eve.send("GET", "/deals?group_by=company.industry")).text,
    "group company.industry=energy deals=3\ngroup deals=2\n# 2 groups of 5 deals\n",
  );
  assert.equal(
    (await eve.send("GET", `/companies/${b}/deals?group_by=status`)).text,
    "group status=open deals=2\n# 1 group of 2 deals\n",
  );
  assert.equal(
    (await eve.send("GET", "/deals?group_by=status&company.industry=energy&search=x")).text,
    "group status=open deals=3\n# 1 group of 3 deals\n",
  );
  const { token } = (await eve.send("POST", "/tokens?format=json", { name: "narrow", scopes: ["deals.read"] })).json();
  const narrow = (path: string) => service.send("GET", path, undefined, { authorization: `Bearer ${token}` });
  assert.equal((await narrow("/deals?group_by=company")).status, 403);
  assert.equal((await narrow("/deals?group_by=company.industry")).status, 403);
  assert.equal((await narrow("/deals?group_by=company_id")).text.includes("company="), false);
});

test("members of custom group too, and a time falls into the month of the workspace's clocks", async () => {
  for (const at of ["2026-03-31T23:30:00-04:00", "2026-04-01T03:30:00Z", "2026-04-01T04:30:00Z"])
    await post(ann, deal, { title: "tz", stage: "tz", closed_at: at, custom: { segment: at.slice(0, 7) } });
  assert.equal(
    (await ann.send("GET", "/deals?stage=tz&group_by=closed_at:month")).text,
    "group closed_at=2026-03 deals=2\ngroup closed_at=2026-04 deals=1\n# 2 groups of 3 deals\n",
  );
  assert.equal(
    (await ann.send("GET", "/deals?stage=tz&group_by=custom.segment,status")).text,
    "group custom.segment=2026-03 status=open deals=1\ngroup custom.segment=2026-04 status=open deals=2\n# 2 groups of 3 deals\n",
  );
  assertRefused(await ann.send("GET", "/audit?group_by=actor"), 400, "invalid_filter", "/audit");
});

test("adding up is given up after a while, and says what would be less", async () => {
  await service.pool.transaction(async (tx) => {
    await tx.rows(sql`lock table deals in access exclusive mode`);
    const reply = await ann.send("GET", "/deals?group_by=stage");
    assertRefused(reply, 503, "busy", reply.text);
    assert.match(reply.text, /updated_at=gte:-30d/);
  });
});
