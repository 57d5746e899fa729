import assert from "node:assert/strict";
import { after, test } from "node:test";
import { definitions, leastOf, post, startWorld } from "../helpers/dictionary.ts";
import type { Json } from "../helpers/lines.ts";
import { valuesOf } from "../helpers/values.ts";

/** A list shows one moment: a record whose value comes and goes is at its place or at the end, never at both nor at neither. */

const { service, ann, world } = await startWorld();
after(() => service.close());

/** Of each kind; all kinds read in the same way. */
const READS = 12;

for (const kind of definitions) {
  const fields = kind.fields.filter(({ name, sort, required, readOnly }) => {
    return sort && !required && !readOnly && name !== kind.naturalKey;
  });
  if (fields.length === 0) continue;

  test(`${kind.plural} sorted by a field that is set and cleared meanwhile`, async () => {
    const path = `/${kind.plural}`;
    const field = fields[0]!;
    for (let row = 0; row < 10; row++) await post(ann, kind, leastOf(kind, world));
    const list = async () => {
      const reply = await ann.send("GET", `${path}?format=json&limit=200&sort=${field.name}`);
      assert.equal(reply.status, 200, reply.text);
      return reply.json().items.map(({ id }: Json) => id as string) as string[];
    };
    const all = await list();
    const value = valuesOf(field, world).ladder[1]!;
    let over = false;
    const flips = all.slice(0, 3).map(async (id) => {
      for (let turn = 1; !over; turn++) {
        const { status, text } = await ann.send("PATCH", `${path}/${id}`, { [field.name]: turn % 2 ? value : null });
        assert.equal(status, 200, text);
      }
    });
    for (let read = 0; read < READS; read++) assert.deepEqual((await list()).toSorted(), all.toSorted());
    over = true;
    await Promise.all(flips);
  });
}
