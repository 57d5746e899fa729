import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { Kind } from "../../src/records/kind.ts";
import { definitions, inTurns, leastOf, startWorld } from "../helpers/dictionary.ts";
import { assertRefused } from "../helpers/lines.ts";

/** Unknown parameters and fields are never ignored: lists and bodies refuse them by name, with the near miss. */

const { service, ann, world } = await startWorld();
after(() => service.close());

async function refuses(path: string, code: string, hint: RegExp): Promise<void> {
  const reply = await ann.send("GET", path);
  assertRefused(reply, 400, code, path);
  assert.match(reply.text, hint, path);
  const json = await ann.send("GET", `${path}&format=json`);
  assert.equal(json.status, 400, path);
  const { error, message, hint: hints } = json.json();
  assert.equal(error, code);
  assert.equal(
    reply.text,
    [`ERROR ${code} ${message}`, ...hints.split("\n").map((each: string) => `HINT  ${each}`), ""].join("\n"),
  );
}

/** `name` -> `namee` */
const misspelt = (name: string) => name + name.at(-1);

for (const kind of definitions) {
  const { plural, fields } = kind;
  describe(plural, () => {
    test("a misspelt filter, sort or field is refused with the nearest name and all valid names", async () => {
      await inTurns(fields, async ({ name }) => {
        await refuses(
          `/${plural}?${misspelt(name)}=x`,
          "invalid_filter",
          new RegExp(`HINT  did you mean ${name}\\b.*filter by: ${listed(kind)}`),
        );
        await refuses(
          `/${plural}?fields=${misspelt(name)}`,
          "invalid_field",
          new RegExp(`HINT  did you mean ${name}\\b.*fields: ${listed(kind)}`),
        );
      });
      const sorts = fields.filter(({ sort }) => sort).map(({ name }) => name);
      await inTurns(fields, async ({ name, sort }) => {
        for (const sign of ["", "-"]) {
          const near = sort ? `did you mean ${name}\\b.*` : ".*";
          await refuses(
            `/${plural}?sort=${sign}${misspelt(name)}`,
            "invalid_sort",
            new RegExp(`HINT  ${near}sort by: ${sorts.join(", ")}`),
          );
          if (!sort)
            await refuses(`/${plural}?sort=${sign}${name}`, "invalid_sort", new RegExp(`HINT  .*sort by: ${sorts.join(", ")}`));
        }
      });
    });

    test("a misspelt or read-only field in a body is refused by name", async () => {
      const least = leastOf(kind, world);
      const writable = fields.filter(({ readOnly }) => !readOnly).map(({ name }) => name);
      await inTurns(fields, async ({ name, readOnly, sets }) => {
        const unknown = await ann.send("POST", `/${plural}`, { ...least, [misspelt(name)]: "x" });
        assertRefused(unknown, 400, "invalid_field", name);
        if (!readOnly) assert.match(unknown.text, new RegExp(`HINT  did you mean ${name}\\b`));
        assert.match(unknown.text, new RegExp(`take: ${writable.join(", ")}`));
        // `version` is not a stored field; a body may expect one. And some are taken for the field that they follow from.
        if (!readOnly || name === "version" || sets) return;
        const reply = await ann.send("POST", `/${plural}`, { ...least, [name]: "x" });
        assertRefused(reply, 400, "invalid_field", name);
        assert.match(reply.text, new RegExp(`^ERROR invalid_field ${name} is read-only`));
      });
    });

    test("what others call a field is told as that field, and is the name of no other", async () => {
      const words = fields.flatMap(({ name, also = [] }) => also.map((word) => ({ name, word })));
      await inTurns(words, async ({ name, word }) => {
        assert.equal(kind.field(word), undefined);
        const unknown = await ann.send("POST", `/${plural}`, { ...leastOf(kind, world), [word]: "x" });
        assertRefused(unknown, 400, "invalid_field", name);
        assert.match(unknown.text, new RegExp(`HINT  did you mean (?:\\w+ or )*${name}\\b`));
      });
    });

    test("limit must be a number of rows within the list's bounds", async () => {
      for (const limit of ["0", "-1", "1.5", "many", "", "1e1", "%201", "100000", "9".repeat(30), "0x10"])
        await refuses(`/${plural}?limit=${limit}`, "invalid_value", /HINT {2}limit is a number from 1 to (200|500);/);
    });
  });
}

const listed = ({ fields }: Kind) =>
  fields.map(({ name, type }) => (type.members ? `${name}(, ${name}\\.<key>)?` : name)).join(", ");

test("all other parameters are checked too", async () => {
  const { id } = world.linked.get("contact")![0]!;
  const cases: [path: string, code: string, hint: RegExp][] = [
    ["/contacts?serch=x", "invalid_filter", /did you mean search/],
    ["/contacts?q=x", "invalid_filter", /did you mean search\?/],
    ["/contacts?per_page=5", "invalid_filter", /did you mean limit\?/],
    ["/contacts?order=name", "invalid_filter", /did you mean sort\?/],
    ["/contacts?status=lead", "invalid_filter", /did you mean stage\?/],
    ["/contacts?sort=created_at:desc", "invalid_sort", /did you mean -created_at\?/],
    ["/contacts?limt=5", "invalid_filter", /did you mean limit/],
    ["/contacts?Name=x", "invalid_filter", /did you mean name/],
    ["/contacts?=x", "invalid_filter", /filter by: /],
    ["/contacts?search=", "invalid_value", /search=acme/],
    ["/contacts?search=%00", "invalid_value", /search /],
    ["/contacts?name=", "invalid_value", /name=is:null/],
    ["/contacts?name=eq:", "invalid_value", /name=is:null/],
    ["/contacts?name=in:a,,b", "invalid_value", /name=is:null/],
    ["/contacts?name=in:", "invalid_value", /name=is:null/],
    ['/contacts?name=in:"a', "invalid_value", /in: takes a comma list/],
    ['/contacts?name=in:"a"b', "invalid_value", /in: takes a comma list/],
    ["/contacts?sort=name&sort=email", "bad_request", /send sort once/],
    ["/contacts?limit=1&limit=2", "bad_request", /send limit once/],
    ["/contacts?count=many", "invalid_value", /count=true/],
    ["/contacts?custom.a%20b=x", "invalid_filter", /keys are letters/],
    ["/contacts?custom.=x", "invalid_filter", /keys are letters/],
    ["/contacts?stage!=lead", "invalid_filter", /stage=ne:/],
    ["/contacts?company=like:Caf%C3%A9%20&%20Co", "invalid_filter", /%26/],
    ["/contacts?custom=x", "invalid_op", /custom knows: is, not/],
    ["/activities?custom.n=is:nil", "invalid_value", /custom\.n=is:null/],
    [`/contacts/${id}?field=name`, "invalid_filter", /did you mean fields/],
    [`/contacts/${id}?fields=nam`, "invalid_field", /did you mean name/],
    ["/reminders?day=3", "invalid_filter", /did you mean days/],
    ["/reminders?days=-3", "invalid_value", /days is a whole number/],
    ["/reminders?limit=501", "invalid_value", /1 to 500/],
    ["/audit?limit=501", "invalid_value", /1 to 500/],
    ["/audit?acter=ann", "invalid_filter", /did you mean actor/],
    ["/search?query=x", "invalid_filter", /parameters: q/],
    ["/search?q=x&limt=3", "invalid_filter", /did you mean limit/],
  ];
  for (const [path, code, hint] of cases) await refuses(path, code, hint);
});
