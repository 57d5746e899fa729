import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createWorld, definitions, leastOf, post } from "../helpers/dictionary.ts";
import { type Client, type Service, startService } from "../helpers/service.ts";
import type { World } from "../helpers/values.ts";

/** A list that finds nothing says why. */

let service: Service;
let ann: Client;
let world: World;
before(async () => {
  service = await startService();
  ann = await service.signIn();
  world = await createWorld(ann);
});
after(() => service.close());

const text = async (path: string) => (await ann.send("GET", path)).text;

test("a linked record that is not there is told apart from one that nothing links to, of every kind", async () => {
  for (const kind of definitions) {
    for (const { name, target } of kind.links) {
      const lonely = `Lonely ${kind.name} ${name}`;
      await post(ann, target, { ...leastOf(target, world), [target.title]: lonely });
      const ask = (value: string) => text(`/${kind.plural}?${name}=${encodeURIComponent(value)}`);
      assert.match(await ask("Nobody At All"), new RegExp(`^# there is no ${target.name} "Nobody At All"$`, "m"));
      assert.match(
        await ask(lonely),
        new RegExp(`^# ${target.name} "${lonely}" is there, and no ${kind.name} links to it$`, "m"),
      );
      assert.match(await ask(lonely.slice(0, -1)), new RegExp(`did you mean ${target.name}/\\w+ "${lonely}"\\?$`, "m"));
      const like = (value: string) => text(`/${kind.plural}?${name}.${target.title}=like:${encodeURIComponent(value)}`);
      assert.match(await like("zzzz"), new RegExp(`^# no ${target.name} has ${target.title}="like:zzzz"$`, "m"));
      assert.match(await like(lonely), new RegExp(`^# 1 ${target.name} has .*, and no ${kind.name} links to it$`, "m"));
    }
  }
});

test("words that nothing has together are counted one by one", async () => {
  for (const name of ["Jan Kowalski", "Ewa Kowalski", "Katja Berg"])
    await ann.send("POST", "/contacts", { name, stage: "lead" });
  assert.match(await text("/contacts?search=kowalski+katja"), /^# no contact has both: 2 have "kowalski", 1 has "katja"$/m);
  assert.match(
    await text("/contacts?search=kowalski+katja+qqq&sort=name"),
    /^# no contact has all of them: 2 have "kowalski", 1 has "katja", none have "qqq"$/m,
  );
  assert.match(
    await text("/contacts?search=kowalski+katja&name=starts:jan"),
    /^# no contact has both: 1 has "kowalski", none have "katja"$/m,
  );
  assert.doesNotMatch(await text("/contacts?search=kowalski"), /no contact has/);
  assert.doesNotMatch(await text("/contacts?search=kowalski+ewa"), /no contact has/);
});

test("a filter that is fulfilled by nothing, and one of several, is not blamed on links", async () => {
  assert.doesNotMatch(await text("/deals?company=is:null&title=none"), /there is no company|links to/);
  assert.doesNotMatch(await text("/contacts?company=ne:Nobody&stage=none"), /there is no company/);
  const both = await text("/contacts?company=Nobody&stage=none");
  assert.match(both, /^# there is no company "Nobody"$/m);
});
