import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { listRows, type Page } from "../../src/db/records/rows.ts";
import { searchRows } from "../../src/db/search/search.ts";
import { readListQuery } from "../../src/derive/query.ts";
import { rowId, viewsOf } from "../../src/derive/view.ts";
import { silentLog } from "../../src/kit/log.ts";
import { createSeal } from "../../src/kit/seal.ts";
import { zone } from "../../src/kit/time.ts";
import { tooSlow } from "../../src/postgres/errors.ts";
import type { Pool } from "../../src/postgres/pool.ts";
import { numbered, sql } from "../../src/postgres/sql.ts";
import { catalog } from "../../src/records/all.ts";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

const contact = catalog.get("contact")!;

/** A list that takes too long is given up, says what would be faster, and keeps nobody else waiting. */

let service: Service;
let ann: Client;
before(async () => {
  service = await startService({ log: silentLog });
  ann = await service.signIn();
});
after(() => service.close());

/** While this runs every list of contacts takes for ever. */
async function whileStuck(work: () => Promise<void>): Promise<void> {
  await service.pool.transaction(async (tx) => {
    await tx.rows(sql`lock table contacts in access exclusive mode`);
    await work();
  });
}

test("a list that is given up names what an index finds", async () => {
  await whileStuck(async () => {
    const ask = async (query: string) => {
      const { status, text, headers } = await ann.send("GET", `/contacts?${query}`);
      assert.equal(status, 503);
      assert.match(text, /^ERROR busy the list took longer than 3 s\n/);
      assert.equal(headers.get("retry-after"), null, "it would take as long again");
      return text;
    };
    const [title, created, paged] = await Promise.all([ask("title=CTO"), ask("created_at=gte:2026-01-01"), ask("stage=lead")]);
    assert.match(title!, /^HINT {2}look at the newest only: updated_at=gte:-30d$/m);
    assert.match(title!, /^HINT {2}filter by one of email=, company_id=, stage=, owner=(, \w+=)* without sort=$/m);
    assert.match(created!, /^HINT {2}an index finds this created_at in its own order: sort=created_at$/m);
    assert.match(paged!, /^HINT {2}/m);
  });
});

test("lists that take long leave connections to the rest", async () => {
  let stuck: Promise<unknown> | undefined;
  await whileStuck(async () => {
    stuck = Promise.all(Array.from({ length: 8 }, () => ann.send("GET", "/contacts?search=acme")));
    const first = await Promise.race([stuck, ann.send("GET", "/companies")]);
    assert.equal((first as Reply).status, 200);
  });
  await stuck;
});

test("what the first way does not find in time, the second finds in the same order", async () => {
  for (let i = 0; i < 9; i++) {
    const body = {
      name: `Jane ${i % 3}`,
      stage: ["lead", null, "Lost"][i % 3],
      follow_up_at: i % 4 ? `2026-0${i}-01` : null,
      title: "CTO",
    };
    await ann.send("POST", "/contacts", body);
  }
  const [[workspaceId]] = (await service.pool.rows(sql`select id from workspaces`)) as [[string]];
  const pool = { ...service.pool, rows: service.pool.rows };
  let searched = 0;
  const hopeless: Pool = {
    ...pool,
    rows: async (statement, options) => {
      if (options?.deadlineMs === 500) throw tooSlow(500);
      // A search's first way, as if there were more matches than it gathers; the second then finds too few among the newest.
      const few = statement.text.replace("limit 10001", "limit 1").replace("count(*) <= 10000", "count(*) < 1");
      if (few !== statement.text) searched += 1;
      const { values } = statement;
      return pool.rows(numbered(few)(values), options);
    },
  };
  const seal = createSeal("a secret of the tests, long enough");
  const reading = { now: 0, zone: zone("UTC"), me: "" };
  const ways = contact.fields
    .flatMap(({ sort, name }) => (sort ? [name, `-${name}`] : []))
    .map((order) => `title=CTO&sort=${order}`);
  for (const way of [...ways, "search=jane"]) {
    const read = way.includes("sort") ? listRows : searchRows;
    const walk = async (through: Pool) => {
      const ids: unknown[] = [];
      let cursor: string | null = null;
      do {
        const query = readListQuery(contact, [...new URLSearchParams(`${way}&limit=2&cursor=${cursor ?? ""}`)], reading);
        const page: Page = await read({ pool: through, catalog }, workspaceId, viewsOf(contact).list, query, [], seal);
        ids.push(...page.rows.map(rowId));
        cursor = page.more ? page.cursorAfter!(page.rows.at(-1)!) : null;
      } while (cursor !== null);
      return ids;
    };
    const ids = await walk(pool);
    assert.equal(ids.length, 9, way);
    assert.deepEqual(await walk(hopeless), ids, way);
  }
  assert.ok(searched > 0, "the search was told that there are many");
});
