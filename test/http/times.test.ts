import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Client, type Service, startService } from "../helpers/service.ts";

/** Times and dates as people write them: in bodies, in filters, in the workspace's zone. */

/** A Monday. */
const NOW = Date.parse("2026-06-01T08:12:44Z");

let service: Service;
let ann: Client;
before(async () => {
  service = await startService({ now: () => NOW });
  ann = await service.signIn();
  const { workspace } = (await ann.send("GET", "/whoami?format=json")).json();
  assert.equal((await ann.send("PATCH", `/${workspace}`, { timezone: "Europe/Berlin" })).status, 200);
});
after(() => service.close());

async function write(values: object): Promise<Record<string, unknown>> {
  const reply = await ann.send("POST", "/deals?format=json", { title: JSON.stringify(values), ...values });
  assert.equal(reply.status, 201, reply.text);
  return reply.json();
}

async function found(query: Record<string, string>): Promise<string> {
  const reply = await ann.send(
    "GET",
    `/deals?${new URLSearchParams({ ...query, fields: "stage", sort: "stage", format: "json" })}`,
  );
  assert.equal(reply.status, 200, reply.text);
  return (reply.json().items as { stage: string }[]).map(({ stage }) => stage).join(" ");
}

test("a change of the zone tells that times stay", async () => {
  const carl = await service.signIn("carl@example.com");
  const [line] = (await carl.send("GET", "/workspaces")).lines;
  const path = `/${line!.split(" ")[0]!.replace("workspace/", "workspaces/")}`;
  const told = /^# times stay the moments they are: midnight in UTC is another hour in Asia\/Tokyo$/m;
  assert.match((await carl.send("PATCH", path, { timezone: "Asia/Tokyo" })).text, told);
  assert.doesNotMatch((await carl.send("PATCH", path, { timezone: "Asia/Tokyo" })).text, /times stay/);
});

test("a body takes words, and stores no stray seconds", async () => {
  const times: [string, string][] = [
    ["+1w", "2026-06-08T10:12:00+02:00"],
    ["in 2 hours", "2026-06-01T12:12:00+02:00"],
    ["tuesday", "2026-06-02T00:00:00+02:00"],
    ["next tuesday 10:00", "2026-06-09T10:00:00+02:00"],
    ["tomorrow 9am", "2026-06-02T09:00:00+02:00"],
    ["next month", "2026-07-01T00:00:00+02:00"],
    ["2026-12-01T10:00[America/New_York]", "2026-12-01T16:00:00+01:00"],
    ["2026-12-01T10:00:00+01:00[Europe/Berlin]", "2026-12-01T10:00:00+01:00"],
    ["2026-03-29T02:30", "2026-03-29T03:30:00+02:00"],
    ["2026-10-25T02:30", "2026-10-25T02:30:00+02:00"],
    ["2026-10-25T02:30+01:00[Europe/Berlin]", "2026-10-25T02:30:00+01:00"],
  ];
  for (const [sent, shown] of times) assert.equal((await write({ follow_up_at: sent })).follow_up_at, shown, sent);
  const dates: [string, string][] = [
    ["friday", "2026-06-05"],
    ["in 2 weeks", "2026-06-15"],
    ["2026-12-01T02:00[Asia/Tokyo]", "2026-11-30"],
    ["2026-12-01[Asia/Tokyo]", "2026-12-01"],
  ];
  for (const [sent, shown] of dates) assert.equal((await write({ close_date: sent })).close_date, shown, sent);
});

test("what is refused says why", async () => {
  const refused: [object, RegExp][] = [
    [
      { follow_up_at: "2026-06-10T10:00:00+05:00[Europe/Berlin]" },
      /^HINT {2}the clocks of Europe\/Berlin are then at \+02:00/m,
    ],
    [{ follow_up_at: "2026-06-10T10:00[Europe/Berln]" }, /^HINT {2}.*did you mean Europe\/Berlin\?/m],
    [{ follow_up_at: "2026-06-10T10:00[x\n# created]" }, /^HINT {2}there is no time zone "x\\n# created"/m],
    [{ close_date: "2026-06" }, /^HINT {2}2026-06 is a whole span, which a filter takes; say a day of it: 2026-06-01/m],
    [{ follow_up_at: "9am" }, /^HINT {2}say of which day: tomorrow 9am/m],
    [{ follow_up_at: "-7m" }, /^HINT {2}m could be minutes or months/m],
  ];
  for (const [values, hint] of refused) {
    const reply = await ann.send("POST", "/deals", { title: "refused", ...values });
    assert.equal(reply.status, 400);
    assert.match(reply.text, hint);
    const [name = "", value = ""] = Object.entries(values)[0] as [string, string];
    if (value === "2026-06") continue;
    const asked = await ann.send("GET", `/deals?${new URLSearchParams({ [name]: value })}`);
    assert.equal(asked.status, 400);
    assert.match(asked.text, hint);
  }
  const zone = await ann.send("POST", "/workspaces", { name: "x", timezone: "Europe/Berln" });
  assert.match(zone.text, /^HINT {2}did you mean Europe\/Berlin\?$/m);
});

test("a filter takes whole months, quarters, years and weeks, of times in the workspace's zone and of dates", async () => {
  const ends: [string, string, string][] = [
    ["a1", "2025-12-31T22:59:59Z", "2025-12-31"],
    ["a2", "2025-12-31T23:00:00Z", "2026-01-01"],
    ["a3", "2026-03-31T21:59:59Z", "2026-03-31"],
    ["a4", "2026-03-31T22:00:00Z", "2026-04-01"],
    ["a5", "2026-05-31T21:59:59Z", "2026-05-31"],
    ["a6", "2026-06-30T21:59:59Z", "2026-06-30"],
    ["a7", "2026-06-30T22:00:00Z", "2026-07-01"],
  ];
  for (const [stage, closed_at, close_date] of ends)
    await write({ stage, status: "won", closed_at, close_date, follow_up_at: null });
  const finds: [string, string][] = [
    ["2026-06", "a6"],
    ["2026-05", "a5"],
    ["gte:2026-06", "a6 a7"],
    ["gt:2026-06", "a7"],
    ["lt:2026-06", "a1 a2 a3 a4 a5"],
    ["lte:2026-Q1", "a1 a2 a3"],
    ["2026-Q2", "a4 a5 a6"],
    ["2025", "a1"],
    ["gt:2025", "a2 a3 a4 a5 a6 a7"],
    ["in:2026-03,2026-07", "a3 a7"],
    ["in:2026-03-31,2026-07-01", "a3 a7"],
    ["2026-W27", "a6 a7"],
    ["this month", "a6"],
    ["next month", "a7"],
    ["last year", "a1"],
  ];
  for (const [value, stages] of finds)
    for (const name of ["closed_at", "close_date"])
      assert.equal(await found({ [name]: value, stage: "starts:a" }), stages, `${name}=${value}`);
  for (const name of ["closed_at", "close_date"])
    assert.equal(await found({ [name]: "ne:2026-Q2", stage: "starts:a" }), "a1 a2 a3 a7", name);
});

test("under custom a word alone is a text, and a time with a zone is a time", async () => {
  await write({ stage: "c1", custom: { day: "monday", at: "2026-06-10T09:00:00Z" } });
  assert.equal(await found({ "custom.day": "monday" }), "c1");
  assert.equal(await found({ "custom.day": "gte:friday" }), "c1");
  assert.equal(await found({ "custom.at": "2026-06-10T11:00[Europe/Berlin]" }), "c1");
});

test("looking back takes the same words", async () => {
  for (const since of ["last week", "2026-05", "monday", "2 days ago", "yesterday 9am", "2026-06-01T00:00[Asia/Tokyo]"]) {
    const reply = await ann.send("GET", `/changes?${new URLSearchParams({ since })}`);
    assert.equal(reply.status, since === "monday" ? 400 : 200, `${since} ${reply.text}`);
  }
  assert.match((await ann.send("GET", "/changes?since=2026-05-01T00:00[Mars]")).text, /there is no time zone/);
});
