import assert from "node:assert/strict";
import { after, test } from "node:test";
import { catalog } from "../../src/records/all.ts";
import { definitions, leastOf, post, settable, startWorld } from "../helpers/dictionary.ts";

/** `expand=` and dotted `fields=` show what a linked record says of itself. */

const { service, ann, world } = await startWorld();
after(() => service.close());

const json = async (path: string) => (await ann.send("GET", `${path}${path.includes("?") ? "&" : "?"}format=json`)).json();

for (const kind of definitions.filter(({ links }) => links.length > 0)) {
  test(`${kind.plural} show the fields of each record that they link to`, async () => {
    const taken = settable(kind).map(({ name }) => name);
    const links = kind.links.filter(({ id }) => taken.includes(id.name));
    // Of one that leads through another, the links have to agree.
    const own = leastOf(kind, world);
    const linked = kind.joins || links.some(({ id }) => id.fixed) ? [] : links;
    const ids = linked.map(({ id, target }) => [id.name, world.linked.get(target.name)?.[0]?.id]);
    const { id } = await post(ann, kind, { ...own, ...Object.fromEntries(ids.filter(([, value]) => value)) });
    const names = kind.links.map(({ name }) => name).join(",");
    const one = await json(`/${kind.plural}/${id}?expand=${names}`);
    const [listed] = (await json(`/${kind.plural}?id=${id}&expand=${names}`)).items;
    for (const { name, id: idField, target } of kind.links) {
      const other = one[idField.name] ? await json(`/${target.plural}/${one[idField.name]}`) : undefined;
      const shown = target.fields.filter(
        ({ readOnly, type, shown }) => !readOnly && !type.borrowed && !type.rows && shown !== "asked",
      );
      assert.ok(
        shown.some((field) => `${name}.${field.name}` in one),
        name,
      );
      for (const field of shown) {
        const expected = other ? other[field.name] : (field.type.absent ?? null);
        if (!(`${name}.${field.name}` in one)) continue;
        if (other) assert.deepEqual(one[`${name}.${field.name}`], expected, `${name}.${field.name}`);
        assert.deepEqual(listed[`${name}.${field.name}`], one[`${name}.${field.name}`]);
      }
    }
  });
}

test("fields= picks one of them, in text, JSON and CSV, and a link that is not there leaves it out", async () => {
  const contact = catalog.get("contact")!;
  const send = (path: string) => ann.send("GET", path);
  await ann.send("POST", "/companies", { name: "Acme Inc", domain: "acme.example", industry: 'Energy, "clean"\nHINT  x' });
  await post(ann, contact, { name: "Zed With", email: "with@acme.example", company: "acme.example" });
  await post(ann, contact, { name: "Zed Without", email: "without@acme.example" });
  const list = await send("/contacts?name=starts:Zed&fields=name,company.industry,company.id&sort=name");
  assert.match(
    list.lines[0]!,
    /^contact\/c_\w{8} name="Zed With" company\.industry="Energy, \\"clean\\" HINT x" company\.id=co_\w{8}$/,
  );
  assert.match(list.lines[1]!, /^contact\/c_\w{8} name="Zed Without"$/);
  const csv = await send("/contacts.csv?name=starts:Zed&fields=name,company.industry&sort=name");
  assert.match(csv.text, /^name,company\.industry\r\nZed With,"Energy, ""clean"" HINT x"\r\nZed Without,\r\n/);
  const items = (await json("/contacts?name=starts:Zed&fields=company.industry&sort=name")).items;
  assert.deepEqual(
    items.map((each: Record<string, unknown>) => each["company.industry"]),
    ['Energy, "clean" HINT x', null],
  );
  assert.match((await send("/contacts?limit=all&fields=name,company.domain")).text, /company\.domain=acme\.example/);
  const { id } = (await json("/contacts?email=with@acme.example")).items[0];
  const patched = await ann.send("PATCH", `/contacts/${id}?fields=title&expand=company`, { title: "CTO" });
  assert.match(patched.lines[0]!, / title=CTO company\.name="Acme Inc" company\.domain=acme\.example /);
});

test("a link that is named twice is shown once, also beside deleted records", async () => {
  const lines = async (query: string) => (await ann.send("GET", `/contacts?name=Zed+With&${query}`)).lines[0]!;
  const once = await lines("fields=name&expand=company");
  assert.equal((once.match(/company\.name=/g) ?? []).length, 1);
  assert.equal(await lines("fields=name&expand=company,company_id&expand=company"), once);
  assert.equal(await lines("expand=company&deleted=include"), await lines("expand=company"));
});

test("what is not there is refused by name", async () => {
  const refused: [string, number, RegExp][] = [
    ["/contacts?expand=compny", 400, /expand cannot be "compny"\nHINT {2}contacts link to: company/],
    ["/products?expand=company", 400, /./],
    ["/contacts?fields=company.industri", 400, /did you mean company\.industry/],
    ["/contacts?fields=company.company.name", 400, /companies have no field "company\.name"/],
    ["/contacts?fields=boss.name", 400, /contacts have no field "boss\.name"/],
  ];
  for (const [path, status, text] of refused) {
    const reply = await ann.send("GET", path);
    assert.equal(reply.status, status, path);
    assert.match(reply.text, text, path);
  }
});

test("a token sees no field of a kind that it may not read", async () => {
  const minted = (await ann.send("POST", "/tokens?format=json", { name: "narrow", scopes: ["contacts.read"] })).json();
  const narrow = (path: string) => service.send("GET", path, undefined, { authorization: `Bearer ${minted.token}` });
  for (const query of ["expand=company", "fields=name,company.industry", "expand=company_id"]) {
    const reply = await narrow(`/contacts?${query}`);
    assert.equal(reply.status, 403, query);
    assert.match(reply.text, /lacks the scope read or companies\.read\nHINT {2}use company_id in the place of company\./);
  }
});
