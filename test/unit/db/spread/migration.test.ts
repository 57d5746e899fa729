import assert from "node:assert/strict";
import test from "node:test";
import { readMigrations } from "../../../../src/db/migrate.ts";
import { forShards, statementsIn } from "../../../../src/db/spread/migration.ts";

test("what Citus refuses of a migration is done on the shards of tables that are spread already", () => {
  const text = `create table notes (a text);
alter table notes alter column a set (n_distinct = -0.1);
alter table deals alter column search set statistics 200;
alter table deals add column b text;
drop index if exists a_idx, b_idx;`;
  const { here, onShards } = forShards(text, new Set(["deals"]));
  assert.deepEqual(onShards, [{ table: "deals", command: "alter table %s alter column search set statistics 200" }]);
  assert.deepEqual(here, [
    "create table notes (a text);",
    "alter table notes alter column a set (n_distinct = -0.1);",
    "alter table deals add column b text;",
    "drop index if exists a_idx;",
    "drop index if exists b_idx;",
  ]);
});

test("no migration tunes a column, or drops several indexes, in words that are not understood", () => {
  for (const { name, text } of readMigrations()) {
    const tables = new Set([...text.matchAll(/alter table (\w+)/g)].map(([, table]) => table!));
    const { here } = forShards(text, tables);
    assert.match(text.trimEnd(), /;(\s*--[^\n]*)*$/, `${name} ends with a statement that has an end`);
    for (const statement of here) {
      assert.doesNotMatch(statement, /alter table \w+ alter column \w+ set (\(|statistics)/, name);
      assert.doesNotMatch(statement, /drop index [^;]*,/, name);
    }
  }
});

test("a semicolon in a body, a text, a name or a comment ends no statement", () => {
  const parts = [
    "-- one; two\ncreate function f() language sql as $$ select 1; $$;",
    "do $x$ begin; $$;$$ end $x$;",
    `select 'a;''b', "c;d";`,
  ];
  assert.deepEqual(statementsIn(parts.join("\n\n")), parts);
});
