import assert from "node:assert/strict";
import { test } from "node:test";
import { fasterLists, isPaged } from "../../../src/derive/paging.ts";
import { readListQuery } from "../../../src/derive/query.ts";
import { zone } from "../../../src/kit/time.ts";
import { catalog } from "../../../src/records/all.ts";
import type { Kind } from "../../../src/records/kind.ts";
import { change } from "../../../src/views/change.ts";

const contact = catalog.get("contact")!;
const task = catalog.get("task")!;

const reading = { now: Date.parse("2026-06-10T12:00:00Z"), zone: zone("UTC"), me: "ann@example.com" };
const read = (kind: Kind, query: string) => readListQuery(kind, [...new URLSearchParams(query)], reading);

const paged = (kind: Kind, query: string) => isPaged(kind, read(kind, query));

test("an index pages every order, a range of it, and one value of a paged field in the order of lists", () => {
  for (const query of [
    "",
    "sort=name",
    "sort=-stage",
    "updated_at=gte:-30d",
    "updated_at=gte:-30d&updated_at=lt:-7d",
    "created_at=2026-06-01&sort=-created_at",
    "stage=lead",
    "stage=is:null",
    "stage=lead&updated_at=gte:-30d",
    "company_id=co_00000000",
    "company=co_00000000",
    "email=jane@acme.com&title=CTO&sort=name",
    "id=in:c_00000000,c_00000001",
    "handle=c_00000000&sort=name",
  ]) {
    assert.ok(paged(contact, query), query);
  }
  assert.ok(paged(task, "done=false"));
  assert.ok(paged(change, "record=c_00000000"));
});

test("no index pages what looks at more than it shows", () => {
  for (const query of [
    "search=acme",
    "title=CTO",
    "stage=lead&sort=name",
    "stage=lead&owner=ann@example.com",
    "stage=ne:lead",
    "stage=in:lead,customer",
    "company_id=in:co_00000000,co_00000001",
    "company_id=is:null",
    "created_at=gte:-30d",
    "name=gte:m&sort=name",
    "tags=has:vip",
    "custom.tier=gold",
    "id=ne:c_00000000",
  ]) {
    assert.ok(!paged(contact, query), query);
  }
  assert.ok(!paged(change, "actor=ann@example.com"));
});

test("what would be faster is told of the kind and of what was asked", () => {
  const told = (kind: Kind, query: string) => fasterLists(kind, read(kind, query));
  const filters = "filter by one of email=, company_id=, stage=, owner=, city=, country= without sort=";
  assert.deepEqual(told(contact, "title=CTO"), ["look at the newest only: updated_at=gte:-30d", filters]);
  assert.deepEqual(told(contact, "title=CTO&sort=name"), [filters]);
  assert.deepEqual(told(contact, "created_at=gte:-30d&sort=name"), [
    "an index finds this created_at in its own order: sort=created_at",
    filters,
  ]);
  const newest = "search the newest of one kind: GET /contacts?search=…&updated_at=gte:-30d";
  assert.deepEqual(told(contact, "search=acme"), [newest]);
  assert.deepEqual(told(change, "actor=ann@example.com"), ["look at the newest only: at=gte:-30d"]);
});
