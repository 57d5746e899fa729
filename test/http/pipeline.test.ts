import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barOf, pipelineOf } from "../../src/derive/pipeline.ts";
import { parseLine } from "../../src/kit/line.ts";
import { definitions } from "../helpers/dictionary.ts";
import { assertRefused, type Json } from "../helpers/lines.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** The pipeline draws what is open, by stage and currency. */

const kind = definitions.find(({ pipeline }) => pipeline)!;
const probability = kind.field(kind.pipeline!.probability ?? "");

let service: Service;
let ann: Client;
before(async () => {
  service = await startService();
  ann = await service.signIn();
  const company = { name: "Windworks", industry: "energy" };
  assert.equal((await ann.send("POST", "/companies", company)).status, 201);
  for (const [stage, amount_cents, currency, status, chance] of [
    ["demo", 1000, "USD", "open", 20],
    ["demo", 3000, "USD", "open", 50],
    ["proposal", 2000, "USD", "open", null],
    ["proposal", 900, "USD", "won", 100],
    ["proposal", 700, "EUR", "open", 80],
    [null, null, "USD", "open", null],
  ] as const) {
    const weight = probability && chance !== null ? { [probability.name]: chance } : {};
    const linked = stage === "demo" ? { company: "Windworks" } : {};
    const body = { title: "t", stage, amount_cents, currency, status, ...weight, ...linked };
    const reply = await ann.send("POST", `/${kind.plural}`, body);
    assert.equal(reply.status, 201, reply.text);
  }
});
after(() => service.close());

const plain = (line: string) => {
  const { head, pairs } = parseLine(line);
  return [head, ...pairs.filter(([key]) => !/^(weighted|avg)_/.test(key)).map(([key, value]) => `${key}=${value}`)].join(" ");
};

test("a line for each stage and currency, with what is open in it; won and lost are left out", async () => {
  const { text, lines } = await ann.send("GET", "/pipeline");
  const bars = lines.map((line) => /bar=([#\-.]{20}) /.exec(line)?.[1]);
  assert.ok(bars.every(Boolean), text);
  assert.deepEqual(lines.map((line) => plain(line).replace(/ bar=\S+/, "")).sort(), [
    "pipeline deals=1 currency=USD",
    "pipeline stage=demo deals=2 sum_amount_cents=4000 currency=USD",
    "pipeline stage=proposal deals=1 sum_amount_cents=2000 currency=USD",
    "pipeline stage=proposal deals=1 sum_amount_cents=700 currency=EUR",
  ]);
  assert.match(text, /# 5 open deals\n$/);
  const filled = (amount: string) => /bar=([#-]*)/.exec(lines.find((line) => line.includes(`cents=${amount} `))!)![1]!.length;
  assert.deepEqual(["4000", "2000", "700"].map(filled), [20, 10, 20], "the largest of a currency is full");
});

test("JSON has the same values, and filters hold", async () => {
  const { items } = (await ann.send("GET", "/pipeline?format=json")).json() as { items: Json[] };
  const demo = items.find(({ stage }) => stage === "demo")!;
  assert.deepEqual([demo.deals, demo.sum_amount_cents, demo.currency], [2, 4000, "USD"]);
  assert.equal(items.find(({ stage }) => stage === null)!.sum_amount_cents, null);
  const filtered = await ann.send("GET", "/pipeline?company.industry=energy");
  assert.deepEqual(filtered.lines.length, 1);
  assert.match(filtered.text, /stage=demo .*\n# 2 open deals\n$/);
  assert.match((await ann.send("GET", "/pipeline?amount_cents=gt:2500")).text, /# 1 open deal\n$/);
  assert.match((await ann.send("GET", "/pipeline?status=won")).text, /^# 0 open deals\n$/);
});

test("what pages lists is refused, and so is an unknown filter", async () => {
  for (const name of [
    "sort=stage",
    "limit=5",
    "cursor=x",
    "offset=1",
    "fields=id",
    "count=true",
    "group_by=owner",
    "sum=amount_cents",
  ])
    assertRefused(await ann.send("GET", `/pipeline?${name}`), 400, "invalid_filter", name);
  assertRefused(await ann.send("GET", "/pipeline?stag=demo"), 400, "invalid_filter", "stag");
});

test("a token that reads only these records sees the pipeline; one for other kinds does not", async () => {
  const ask = async (scope: string) => {
    const { token } = (await ann.send("POST", "/tokens?format=json", { name: "narrow", scopes: [scope] })).json();
    return (await service.send("GET", "/pipeline", undefined, { authorization: `Bearer ${token}` })).status;
  };
  assert.deepEqual([await ask(`${kind.plural}.read`), await ask("contacts.read")], [200, 403]);
});

test("where probabilities are kept, amounts are weighted by them and the likely stages come last", {
  skip: !probability,
}, async () => {
  const { weighted, likely } = pipelineOf(kind);
  const { items } = (await ann.send("GET", "/pipeline?currency=USD&format=json")).json() as { items: Json[] };
  const demo = items.find(({ stage }) => stage === "demo")!;
  assert.deepEqual([demo[weighted!.name], demo[likely!.name]], [1700, 35]);
  assert.equal(demo.bar, barOf(4000, 1700, 4000));
  assert.equal(items[0]!.stage, "demo");
});

test("a bar shows what is likely before the rest of the amount, and something wherever there is something", () => {
  assert.equal(barOf(4000, 2000, 4000), "##########----------");
  assert.equal(barOf(1000, 1000, 4000), "#####...............");
  assert.equal(barOf(1, 1, 4000), "#...................");
  assert.equal(barOf(0, 0, 4000), "....................");
  assert.equal(barOf(0, 0, 0), "....................");
});
