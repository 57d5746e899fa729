import assert from "node:assert/strict";
import test from "node:test";
import { createWatch } from "../../../../src/db/spread/watch.ts";
import { Problem } from "../../../../src/kit/problem.ts";
import type { Rows } from "../../../../src/postgres/driver.ts";
import type { RowsOptions } from "../../../../src/postgres/pool.ts";
import { type Statement, sql } from "../../../../src/postgres/sql.ts";

/** Workspace `ws_1` is on server 1, and so on. `says` stands for the servers; the coordinator tells where a workspace is. */
function watched(says: (server: number, statement: Statement) => Promise<Rows>) {
  const broken: number[] = [];
  const asked: string[] = [];
  const ask = async (statement: Statement, { near }: RowsOptions): Promise<Rows> => {
    if (near === undefined) return [[Number(String(statement.values[0]).slice(3))]];
    asked.push(`${near} ${statement.text}`);
    return says(Number(near), statement);
  };
  const watch = createWatch(ask, (server) => broken.push(server));
  return { watch, broken, asked, look: (id: number) => watch.ask({ id, near: String(id) }, sql`look`, {}) };
}

const notReady = (error: unknown) => error instanceof Problem && error.code === "not_ready";

test("a server that hangs is left out, with the statements about its workspaces, until it answers", async () => {
  const answers: (() => void)[] = [];
  let hangs = true;
  const { watch, broken, asked, look } = watched((server) =>
    server === 1 && hangs ? new Promise((resolve) => answers.push(() => resolve([[1]]))) : Promise.resolve([["here"]]),
  );
  assert.equal(watch.admit(sql`select ${"ws_1"}`), undefined);
  const begun = performance.now();
  assert.deepEqual(await Promise.all([look(1), look(2)]), [undefined, [["here"]]]);
  assert.ok(performance.now() - begun < 3_000);
  assert.deepEqual([watch.hangs(1), watch.hangs(2), broken], [true, false, [1]]);

  await assert.rejects(watch.admit(sql`select from contacts where workspace_id = ${"ws_1"}`)!, notReady);
  await watch.admit(sql`select from contacts where workspace_id = ${"ws_2"}`);
  await watch.admit(sql`select from workspaces where id = ${5}`);
  await assert.rejects(watch.admit(sql`update workspaces set name = ${"x"}`)!, notReady);

  const before = asked.length;
  assert.equal(await look(1), undefined);
  assert.equal(asked.length, before, "it is sent nothing more");
  hangs = false;
  for (const answer of answers) answer();
  await new Promise(setImmediate);
  assert.deepEqual([watch.hangs(1), watch.admit(sql`select ${"ws_1"}`), await look(1)], [false, undefined, [["here"]]]);
});

test("a server that is slow with one question and answers another does not hang", async () => {
  const { watch, look } = watched((_, { text }) =>
    text === "look" ? new Promise((resolve) => setTimeout(resolve, 1_500, [["slow"]])) : Promise.resolve([[1]]),
  );
  assert.deepEqual(await look(1), [["slow"]]);
  assert.equal(watch.hangs(1), false);
});

test("a server that hung and has ended refuses at once, and is asked again", async () => {
  let end: ((error: Error) => void) | undefined;
  const { watch, look } = watched(() =>
    end ? Promise.reject(new Error("refused")) : new Promise((_, reject) => (end ??= reject)),
  );
  const first = look(1);
  // The question whether it is there hangs too.
  end = undefined;
  assert.equal(await first, undefined);
  end!(new Error("connection lost"));
  for (let i = 0; i < 100 && watch.hangs(1); i++) await new Promise(setImmediate);
  assert.equal(watch.hangs(1), false);
  await assert.rejects(look(1), /refused/);
});
