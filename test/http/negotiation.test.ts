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

test("Accept chooses the format, and ?format= overrides it", async () => {
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

test("HEAD is GET without the body, and a matching ETag gives 304", async () => {
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

test("a write and the next read have the same ETag, which changes with everything shown", async () => {
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

test("records without versions have an ETag over everything shown", async () => {
  const workspace = await workspacePath();
  const before = (await ann.send("GET", workspace)).headers.get("etag");
  await ann.send("PATCH", workspace, { name: "Another name" });
  assert.notEqual((await ann.send("GET", workspace)).headers.get("etag"), before);
});

test("an unavailable type is 406 with the available formats, before anything is done", async () => {
  for (const accept of [
    "text/html",
    "application/vnd.api+json",
    "image/png, text/html;q=0.5",
    "application/json;q=0, text/plain;q=0, a/b",
  ]) {
    for (const [method, path] of [
      ["GET", jane],
      ["GET", "/contacts"],
      ["GET", "/whoami"],
      ["POST", "/contacts"],
    ] as const) {
      const reply = await ann.send(method, path, method === "POST" ? { name: "Not acceptable" } : undefined, { accept });
      assert.equal(reply.status, 406, `${method} ${path} ${accept} ${reply.text}`);
      assert.match(
        reply.text,
        /^ERROR not_acceptable [^\n]+\nHINT {2}Accept one of: text\/plain, application\/json(, [\w/-]+)*; or \?format=text or \?format=json( or \?format=\w+)*\n$/,
      );
    }
    assert.equal(
      (await ann.send("GET", `${jane}?format=json`, undefined, { accept })).status,
      200,
      "format= goes before Accept",
    );
    assert.equal((await ann.send("GET", "/help", undefined, { accept })).status, 200, "a page is what it is");
    assert.equal((await ann.send("GET", "/openapi.json", undefined, { accept })).status, 200);
  }
  assert.equal((await ann.send("GET", "/contacts?name=Not%20acceptable")).lines.length, 0);
  for (const accept of ["text/csv, */*;q=0.1", "text/*", "application/*;q=0.2, text/csv"])
    assert.equal((await ann.send("GET", jane, undefined, { accept })).status, 200, accept);
});

test("JSON identifies the record for any choice of fields", async () => {
  const { id, handle } = (await ann.send("GET", `${jane}?format=json`)).json();
  const one = (await ann.send("GET", `${jane}?format=json&fields=name`)).json();
  assert.deepEqual(Object.entries(one), [
    ["id", id],
    ["handle", handle],
    ["name", "Jane Doe"],
  ]);
  const listed = (await ann.send("GET", `/contacts?format=json&fields=name,handle&id=${id}`)).json().items;
  assert.deepEqual(listed, [{ id, handle, name: "Jane Doe" }]);
  assert.equal((await ann.send("GET", `/contacts?fields=name&id=${id}`)).lines[0], `${handle} name="Jane Doe"`);
  const [change] = (await ann.send("GET", `${jane}/history?format=json&fields=action`)).json().items;
  assert.match(change.id, /^ch_\w{26}$/);
});

test("a write with several versions in If-Match succeeds when one matches", async () => {
  const made = await ann.send("POST", "/deals", { title: "Versions" });
  const path = made.headers.get("location")!;
  const etag = made.headers.get("etag")!;
  const write = (header: string, body: unknown = { stage: header }) => ann.send("PATCH", path, body, { "if-match": header });
  assert.equal((await write(`"7-x", "other,tag", ${etag}`)).status, 200);
  assert.equal((await write('"1-x","2-y"')).status, 200);
  assert.equal((await write("3, 9")).status, 200);
  for (const stale of [`${etag}, "2"`, 'W/"4-x", "9"', '"other"', 'W/"4"']) {
    const reply = await write(stale);
    assert.equal(reply.status, 412, `${stale} ${reply.text}`);
  }
  assert.equal((await write('"4", "5"', { stage: "x", version: 5 })).status, 412);
  assert.equal((await write('"4", "5"', { stage: "x", version: 4 })).status, 200);
  assert.equal((await ann.send("DELETE", path, undefined, { "if-match": '"1", "2"' })).status, 412);
  assert.equal((await ann.send("DELETE", path, undefined, { "if-match": '"1", "5"' })).status, 409);
});

test("the answer that sets a time zone already uses it", async () => {
  const path = await workspacePath();
  for (const [timezone, offset] of [
    ["Asia/Kolkata", "+05:30"],
    ["UTC", "Z"],
  ] as const) {
    const changed = await ann.send("PATCH", path, { timezone });
    assert.match(changed.text, new RegExp(` created_at=\\S+${offset.replace("+", "\\+")}\\n`), timezone);
    const read = await ann.send("GET", path);
    assert.equal(changed.text.replace(/^# .*\n/gm, ""), read.text);
    assert.equal(changed.headers.get("etag"), read.headers.get("etag"));
  }
});

test("a write with a dry-run header is refused and not made", async () => {
  for (const name of ["x-dry-run", "dry-run", "x-dryrun", "x-crm-dry-run", "x-validate-only"]) {
    for (const [method, path] of [
      ["POST", "/contacts"],
      ["PATCH", jane],
      ["DELETE", jane],
    ] as const) {
      const reply = await ann.send(method, path, method === "DELETE" ? undefined : { name: "Tried out" }, { [name]: "true" });
      assert.equal(reply.status, 400, reply.text);
      assert.match(reply.text, new RegExp(`^ERROR bad_request the header ${name} is not read`));
    }
    assert.equal((await ann.send("PATCH", jane, { stage: name }, { [name]: "false" })).status, 200);
    assert.equal((await ann.send("GET", jane, undefined, { [name]: "true" })).status, 200);
  }
  assert.equal((await ann.send("GET", "/contacts?name=Tried%20out")).lines.length, 0);
});
