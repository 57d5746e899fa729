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

test("near misses are found by sound, in each word of several, and before what only looks alike", async () => {
  const eve = await service.signIn("eve@example.com");
  for (const name of ["Katja Jankowski", "Stephan Hoffmann", "Filip Mueller", "Katinka Jansen", "Stefanie Hoffner"])
    await eve.send("POST", "/contacts", { name });
  const finds: [string, string][] = [
    ["katya yankowsky", "Katja Jankowski"],
    ["cathya", "Katja Jankowski"],
    ["stefan hofmann", "Stephan Hoffmann"],
    ["philip muller", "Filip Mueller"],
    ["hofman stephan", "Stephan Hoffmann"],
  ];
  for (const [search, name] of finds) {
    const query = `search=${encodeURIComponent(search)}&fields=name&format=json`;
    const found = (await eve.send("GET", `/contacts?${query}`)).json();
    assert.deepEqual([found.near, found.items.map((each: { name: string }) => each.name)], [true, [name]], search);
    const all = (await eve.send("GET", `/search?q=${encodeURIComponent(search)}&format=json`)).json();
    assert.equal(all.items[0].name, name, search);
  }
});

test("near misses of several words say which word they miss", async () => {
  const ids = new Map<string, string>();
  const fay = await service.signIn("fay@example.com");
  for (const name of ["Jan Kowalski", "Ewa Kowalski", "Katja Berg"])
    ids.set(name, (await fay.send("POST", "/contacts?format=json", { name })).json().handle.slice("contact/".length));
  for (const path of ["/contacts?search=kowalski+katja", "/search?q=kowalski+katja"]) {
    const { text } = await fay.send("GET", path);
    assert.match(text, /^# nothing has all these words: these are near misses\n/, path);
    assert.equal(text.match(/^contact\//gm)?.length, 3, path);
    const jan = `${ids.get("Jan Kowalski")}, ${ids.get("Ewa Kowalski")}|${ids.get("Ewa Kowalski")}, ${ids.get("Jan Kowalski")}`;
    assert.match(text, new RegExp(`^# (${jan}) have no "katja"$`, "m"), path);
    assert.match(text, new RegExp(`^# ${ids.get("Katja Berg")} has no "kowalski"$`, "m"), path);
    assert.match(text, /^# no (contact|record) has both: 2 have "kowalski", 1 has "katja"$/m, path);
  }
  assert.doesNotMatch((await fay.send("GET", "/contacts?search=kowalskii")).text, / no "kowalskii"/);
  const none = await fay.send("GET", "/search?q=qqq+zzz");
  assert.match(none.text, /^# no record has both: none have "qqq", none have "zzz"$/m);
});

test("a company that is not there is told with those that sound or look like it", async () => {
  const gus = await service.signIn("gus@example.com");
  for (const name of ["Akme Philters", "Nordwind Logistik"]) await gus.send("POST", "/companies", { name });
  const ask = async (name: string) => (await gus.send("GET", `/contacts?company=${encodeURIComponent(name)}`)).text;
  assert.match(await ask("Acme Filters"), /there is no company "Acme Filters"; did you mean company\/\w+ "Akme Philters"\?/);
  assert.match(await ask("Nordwnd Logistk"), /did you mean company\/\w+ "Nordwind Logistik"\?/);
  assert.match(await ask("Zzyzx"), /^# there is no company "Zzyzx"$/m);
  const hal = await service.signIn("hal@example.com");
  assert.doesNotMatch((await hal.send("GET", "/contacts?company=Acme+Filters")).text, /Akme/);
  assert.doesNotMatch((await hal.send("GET", "/contacts?search=acme+filters")).text, /Akme/);
});

test("hostile words and very many are answered, and break nothing", async () => {
  for (const search of [
    "jyckphjyckphjyckph ".repeat(20).slice(0, 400),
    "a' || b:* & !c | (d <-> e)",
    "\\ \\' x",

    "ß ﬁ ſ",
    "c++ katja",
  ]) {
    const reply = await ann.send("GET", `/contacts?search=${encodeURIComponent(search)}`);
    assert.equal(reply.status, 200, `${search} ${reply.text}`);
  }
});
