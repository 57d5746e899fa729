import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Service, startService } from "../helpers/service.ts";

let service: Service;
let ann: Client;
/** The path of a record. */
let jane: string;
before(async () => {
  service = await startService();
  ann = await service.signIn();
  jane = `/contacts/${(await ann.send("POST", "/contacts?format=json", { name: "Jane Doe" })).json().id}`;
});
after(() => service.close());

test("the format is what Accept likes best, and ?format= decides", async () => {
  const typeOf = async (path: string, accept?: string) =>
    (await ann.send("GET", path, undefined, accept ? { accept } : {})).headers.get("content-type")?.split(";")[0];
  for (const path of ["/contacts", "/nothing", jane, "/whoami"]) {
    assert.equal(await typeOf(path, "application/json"), "application/json");
    assert.equal(await typeOf(path, "text/plain;q=0.2, application/json;q=0.9"), "application/json");
    assert.equal(await typeOf(path, "application/json;q=0.2, text/plain"), "text/plain");
    assert.equal(await typeOf(path, "application/json;q=0"), "text/plain");
    assert.equal(await typeOf(path, "*/*"), "text/plain");
    assert.equal(await typeOf(`${path}?format=text`, "application/json"), "text/plain");
    assert.equal(await typeOf(`${path}?format=json`, "text/plain"), "application/json");
  }
  const [compact, pretty] = [
    await ann.send("GET", "/contacts?format=json"),
    await ann.send("GET", "/contacts?format=json&pretty"),
  ];
  assert.equal(compact.text.trimEnd().split("\n").length, 1);
  assert.ok(pretty.text.split("\n").length > 10);
  assert.deepEqual(pretty.json(), compact.json());
});

test("HEAD is GET without the body, and a known ETag is 304", async () => {
  for (const url of [jane, "/contacts", "/help", "/nothing", "/contacts/c_00000000"]) {
    const [head, get] = [await ann.send("HEAD", url), await ann.send("GET", url)];
    assert.equal(head.text, "");
    assert.equal(head.status, get.status);
    for (const name of ["content-type", "content-length", "etag", "vary"])
      assert.equal(head.headers.get(name), get.headers.get(name), url);
  }
  const { headers } = await ann.send("GET", jane);
  const etag = headers.get("etag")!;
  for (const known of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
    const reply = await ann.send("GET", jane, undefined, { "if-none-match": known });
    assert.deepEqual([reply.status, reply.text, reply.headers.get("etag")], [304, "", etag], known);
    assert.match(reply.headers.get("x-request-id") ?? "", /^req_/);
  }
  assert.equal((await ann.send("GET", jane, undefined, { "if-none-match": '"x"' })).status, 200);
  const json = await ann.send("GET", jane, undefined, { accept: "application/json", "if-none-match": etag });
  assert.equal(json.status, 200, "another representation");
  await ann.send("PATCH", jane, { stage: "changed" });
  assert.equal((await ann.send("GET", jane, undefined, { "if-none-match": etag })).status, 200);
});

const workspacePath = async () => `/${(await ann.send("GET", "/whoami?format=json")).json().workspace}`;

test("the ETag of a write is that of the read after it, and tells whatever else changes what is shown", async () => {
  const company = (await ann.send("POST", "/companies?format=json", { name: "Acme Inc" })).json();
  const made = await ann.send("POST", "/contacts", { email: "tag@acme.com", company_id: company.id });
  const path = made.headers.get("location")!;
  const tagOf = async (query = "", client = ann) => (await client.send("GET", `${path}${query}`)).headers.get("etag");
  assert.equal(await tagOf(), made.headers.get("etag"));
  const forms = ["", "?format=json", "?format=json&pretty", "?fields=name", "?fields=name,email", "?format=json&fields=name"];
  const tags = await Promise.all(forms.map((form) => tagOf(form)));
  assert.equal(new Set(tags).size, forms.length, "each form is another representation");

  await ann.send("PATCH", `/companies/${company.id}`, { name: "Acme Ltd" });
  assert.notEqual(await tagOf(), tags[0], "a linked record's name is shown, and is not part of the version");
  const named = await tagOf();
  await ann.send("PATCH", await workspacePath(), { timezone: "Europe/Berlin" });
  assert.notEqual(await tagOf(), named, "times are shown in another zone");
});

test("what has no versions is told apart by all that is shown", async () => {
  const workspace = await workspacePath();
  const before = (await ann.send("GET", workspace)).headers.get("etag");
  await ann.send("PATCH", workspace, { name: "Another name" });
  assert.notEqual((await ann.send("GET", workspace)).headers.get("etag"), before);
});
