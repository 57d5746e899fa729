import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { catalog } from "../../src/records/all.ts";
import type { Kind } from "../../src/records/kind.ts";
import { dice } from "../helpers/dice.ts";
import { createWorld, leastOf, makeOwnKind, settable } from "../helpers/dictionary.ts";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";
import { valuesOf, type World } from "../helpers/values.ts";

/**
 * Whatever requests do to records of any kind, documents, members and answers too: taken back newest first, each leaves the workspace as it was
 * before it, and so does the undo of all of them at once. What is there is read from the export, so that no field is left out.
 */
let service: Service;
let ann: Client;
let world: World;
let kinds: Kind[];
before(async () => {
  service = await startService({ config: { CRM_RATE: "1000000" } });
  ann = await service.signIn();
  world = await createWorld(ann);
  kinds = [...catalog.kinds, await makeOwnKind(service, ann)];
});
after(() => service.close());

type State = Map<string, string>;
type Line = { line: string; kind: string; row: Record<string, unknown> & { id: string } };

/** The living records and the members of lists. Every write moves `version` and `updated_at` on. */
async function stateNow(): Promise<State> {
  const state: State = new Map();
  const text = (await ann.send("GET", "/export")).text;
  for (const { line, row } of text
    .trim()
    .split("\n")
    .map((each) => JSON.parse(each) as Line)) {
    if (line === "list_member") state.set(JSON.stringify(row), "");
    if (line !== "record" || row["deleted_at"] !== null) continue;
    const { version: _, updated_at: __, ...lasting } = row;
    state.set(row.id, JSON.stringify(lasting));
  }
  return state;
}

const isSame = (a: State, b: State) => a.size === b.size && [...a].every(([id, row]) => b.get(id) === row);

function assertSame(now: State, then: State, told: string): void {
  const differing = [...new Set([...now.keys(), ...then.keys()])].filter((id) => now.get(id) !== then.get(id));
  const shown = differing.slice(0, 5).map((id) => `was ${then.get(id)}\nis  ${now.get(id)}`);
  assert.equal(differing.length, 0, `${told}\n${shown.join("\n")}`);
}

class Hand {
  private readonly send: Client["send"];
  private readonly random: () => number;
  constructor(send: Client["send"], random: () => number) {
    this.send = send;
    this.random = random;
  }

  private below = (most: number) => Math.floor(this.random() * most);
  private pick = <T>(from: readonly T[]): T => from[this.below(from.length)]!;

  /** A request that was not refused, and what it was. */
  async act(): Promise<{ request: string; told: string }> {
    for (;;) {
      const kind = this.pick(kinds);
      const some = await this.some(kind);
      const [first, second] = some as [string | undefined, string | undefined];
      const ways: (() => [method: string, path: string, body?: unknown] | undefined)[] = [
        () => ["POST", `/${kind.plural}`, { ...leastOf(kind, world), ...this.sets(kind, 4) }],
        () => first && ["PATCH", `/${kind.plural}/${first}`, this.sets(kind, 3)],
        () => first && ["PATCH", `/${kind.plural}/${first}`, this.sets(kind, 3)],
        () => first && ["DELETE", `/${kind.plural}/${first}`],
        () => first && ["PATCH", `/${kind.plural}?id=in:${some.join(",")}`, this.sets(kind, 2)],
        () => first && ["DELETE", `/${kind.plural}?id=in:${some.slice(0, 2).join(",")}`],
        () => second && ["POST", `/${kind.plural}/${first}/merge`, { from: second }],
        () =>
          first &&
          kind.document &&
          kind.document.at !== kind.frozen!.when && ["POST", `/${kind.plural}/${first}/${kind.document.act}`],
        () => first && kind.joins && ["DELETE", `/campaigns/${this.linked("campaign")}/members?all=true`],
        () => ["POST", `/campaigns/${this.linked("campaign")}/members?all=true`, {}],
        () =>
          first && kind.document && ["POST", `/${kind.plural}/${first}/${kind.name === "quote" ? "send" : "issue"}?dry_run=1`],
      ] as never;
      const [method, path, body] = this.pick(ways)() || [];
      if (!method) continue;
      const reply = await this.twoSteps(method, path!, body);
      if (reply.status < 300)
        return { request: reply.headers.get("x-request-id")!, told: `${method} ${path} ${JSON.stringify(body)}` };
    }
  }

  private linked = (name: string): string => this.pick(world.linked.get(name)!).id;

  private async some(kind: Kind): Promise<string[]> {
    const sort = this.pick(["created_at", "-created_at", "updated_at"]);
    const { items } = (await this.send("GET", `/${kind.plural}?limit=3&fields=id&sort=${sort}&format=json`)).json();
    return items.map(({ id }: { id: string }) => id);
  }

  private sets(kind: Kind, most: number): Record<string, unknown> {
    const fields = settable(kind).filter((field) => field.link?.target !== kind && !kind.naturalKey?.includes(field.name));
    const chosen = Array.from({ length: 1 + this.below(most) }, () => this.pick(fields));
    return Object.fromEntries(
      chosen.map((field) => [
        field.name,
        this.below(4) === 0 && !field.required ? null : this.pick(valuesOf(field, world).ladder),
      ]),
    );
  }

  private async twoSteps(method: string, path: string, body?: unknown): Promise<Reply> {
    const sign = path.includes("?") ? "&" : "?";
    const reply = await this.send(method, `${path}${sign}format=json`, body);
    const confirm = reply.status === 409 && reply.json().confirm;
    return confirm ? this.send(method, `${path}${sign}confirm=${confirm}`, body) : reply;
  }
}

const SEEDS = (process.env["SEEDS"] ?? "1,2").split(",").map(Number);

/** Requests of one token, each with what was there after it. */
async function play(random: () => number, steps: number) {
  const { token, id } = (await ann.send("POST", "/tokens?format=json", { name: "bot" })).json();
  const bot = new Hand((method, path, body) => ann.send(method, path, body, { authorization: `Bearer ${token}` }), random);
  const states = [await stateNow()];
  const done: { request: string; told: string }[] = [];
  while (done.length < steps) {
    const act = await bot.act();
    const state = await stateNow();
    if (isSame(state, states.at(-1)!)) continue;
    done.push(act);
    states.push(state);
  }
  return { token: id as string, done, states, all: done.map(({ told }) => told).join("\n") };
}

async function undo(body: object, told: string): Promise<string> {
  const reply = await ann.send("POST", "/undo?format=json", body);
  assert.deepEqual([reply.status, reply.json().left], [200, 0], `${told}\n${reply.text}`);
  return reply.json().request;
}

const STEPS = 12;

for (const seed of SEEDS) {
  test(`requests of all kinds are taken back one by one (seed ${seed})`, async () => {
    const { done, states } = await play(dice(seed), STEPS);
    for (const [i, { request, told }] of [...done.entries()].reverse()) {
      await undo({ request }, told);
      assertSame(await stateNow(), states[i]!, told);
    }
  });

  test(`all that a token did to records of all kinds is taken back at once, and made again (seed ${seed})`, async () => {
    const { token, states, all } = await play(dice(-seed), STEPS);
    const undone = await undo({ token, since: "-1h" }, all);
    assertSame(await stateNow(), states[0]!, all);
    const again = await undo({ request: undone }, all);
    assertSame(await stateNow(), states.at(-1)!, all);
    await undo({ request: again }, all);
    assertSame(await stateNow(), states[0]!, all);
  });
}
