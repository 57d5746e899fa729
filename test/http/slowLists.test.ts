import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sql } from "../../src/db/sql.ts";
import { silentLog } from "../../src/log.ts";
import { type Client, type Reply, type Service, startService } from "../helpers/service.ts";

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
    assert.match(title!, /^HINT {2}filter by one of email=, company_id=, stage=, owner= without sort=$/m);
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
