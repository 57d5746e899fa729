import assert from "node:assert/strict";
import test from "node:test";
import { ident, join, numbered, raw, sql } from "../../../src/postgres/sql.ts";

test("a value is a parameter, whatever it looks like", () => {
  const name = "'; drop table contacts; --";
  const statement = sql`select * from contacts where name = ${name} and id = ${7}`;
  assert.equal(statement.text, "select * from contacts where name = $1 and id = $2");
  assert.deepEqual(statement.values, [name, 7]);
});

test("a value that looks like a statement stays a value", () => {
  const value = JSON.parse('{"text":"1) or (1=1","values":[],"strings":["1=1"],"parts":[]}');
  const statement = sql`select ${value}`;
  assert.equal(statement.text, "select $1");
  assert.deepEqual(statement.values, [value]);
});

test("nested statements are spliced and numbered anew, as often as they are used", () => {
  const mine = sql`workspace_id = ${"ws"}`;
  const either = sql`(${mine} or shared = ${true})`;
  const statement = sql`select ${1} where ${either} and ${mine} limit ${50}`;
  assert.equal(statement.text, "select $1 where (workspace_id = $2 or shared = $3) and workspace_id = $4 limit $5");
  assert.deepEqual(statement.values, [1, "ws", true, "ws", 50]);
  assert.equal(mine.text, "workspace_id = $1");
});

test("a list of statements", () => {
  const conditions = [sql`a = ${1}`, sql`b is null`, sql`c < ${3}`];
  assert.equal(join(conditions, " and ").text, "a = $1 and b is null and c < $2");
  assert.deepEqual(join(conditions, " and ").values, [1, 3]);
  assert.equal(sql`select ${join([ident("id"), ident("name")])}`.text, 'select "id", "name"');
  assert.equal(join([]).text, "");
});

test("ten thousand values in one statement", () => {
  const rows = Array.from({ length: 10_000 }, (_, i) => sql`(${i})`);
  const statement = sql`insert into numbers values ${join(rows)}`;
  assert.equal(statement.values.length, 10_000);
  assert.ok(statement.text.endsWith("($9999), ($10000)"));
});

test("an impossible value or name is refused where it is written", () => {
  assert.throws(() => sql`select ${undefined}`, /undefined as a value, after: select/);
  assert.throws(() => sql`select ${() => 1}`, TypeError);
  for (const name of ["", "Name", "a b", 'a"b', "a.b", "1a", "a;", "naïve", "a\n"]) assert.throws(() => ident(name), TypeError);
  assert.equal(ident("order").text, '"order"');
  assert.throws(() => raw("id = $1"), TypeError);
  assert.equal(raw("id, name").text, "id, name");
});

test("the literal form holds the values as quoted text, also of nested statements", () => {
  const mine = sql`workspace_id = ${"w's"}`;
  const statement = sql`copy (select a from t where ${mine} and b = ${null} and c = ${7} and d = ${"\\"}) to stdout`;
  assert.equal(
    statement.literal,
    "copy (select a from t where workspace_id = E'w''s' and b = null and c = E'7' and d = E'\\\\') to stdout",
  );
  assert.equal(raw("copy t to stdout").literal, "copy t to stdout");
  assert.throws(() => sql`select ${"a\0b"}`.literal, /cannot be stored/);
  assert.equal(numbered("select $2, $1, $2")(["a$1", "b"]).literal, "select E'b', E'a$1', E'b'");
});
