import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { showTime, zone } from "../../../src/kit/time.ts";

const utc = zone("UTC");
const berlin = zone("Europe/Berlin");
const at = (text: string) => Date.parse(text);

/** As PostgreSQL prints it with its time zone at UTC: no zeros at the end of the fraction. */
function stored(ms: number): string {
  return `${new Date(ms)
    .toISOString()
    .slice(0, -1)
    .replace("T", " ")
    .replace(/\.?0+$/, "")}+00`;
}

const zoneName = fc.constantFrom(...Intl.supportedValuesOf("timeZone"));
const recentTime = fc.integer({ min: at("1975-01-01T00:00:00Z"), max: at("2100-01-01T00:00:00Z") });

test("a stored time shows to the second, in the zone", () => {
  const shown: [string, string, string][] = [
    ["2026-06-01 08:12:44.123+00", "UTC", "2026-06-01T08:12:44Z"],
    ["2026-06-01 08:12:44+00", "UTC", "2026-06-01T08:12:44Z"],
    ["2026-06-01 08:12:44.9+00", "Etc/UTC", "2026-06-01T08:12:44Z"],
    ["2026-06-01 08:12:44.123+00", "Europe/Berlin", "2026-06-01T10:12:44+02:00"],
    ["2026-01-01 23:30:00+00", "Europe/Berlin", "2026-01-02T00:30:00+01:00"],
    ["2026-06-01 23:30:00+05:30", "UTC", "2026-06-01T18:00:00Z"],
    ["2026-06-01 00:30:00.5-03:30", "Asia/Kolkata", "2026-06-01T09:30:00+05:30"],
    ["2026-06-01 10:12:44.123+02", "Europe/London", "2026-06-01T09:12:44+01:00"],
    ["2026-01-01 00:00:00+00", "Europe/London", "2026-01-01T00:00:00+00:00"],
    ["2026-01-01 00:00:00+00", "America/St_Johns", "2025-12-31T20:30:00-03:30"],
    ["2026-01-01 00:00:00+00", "Asia/Kathmandu", "2026-01-01T05:45:00+05:45"],
    ["2011-12-30 09:59:59+00", "Pacific/Apia", "2011-12-29T23:59:59-10:00"],
    ["2011-12-30 10:00:00+00", "Pacific/Apia", "2011-12-31T00:00:00+14:00"],
    ["0044-03-15 12:00:00+00", "UTC", "0044-03-15T12:00:00Z"],
    ["1880-01-01 00:00:00+00", "Europe/Berlin", "1880-01-01T00:53:00+00:53"],
    ["1880-01-01 00:00:00+00", "America/New_York", "1879-12-31T19:04:00-04:56"],
    ["9999-12-31 23:59:59+00", "Europe/Berlin", "9999-12-31T23:59:59Z"],
    ["9999-12-31 22:59:59+00", "Europe/Berlin", "9999-12-31T23:59:59+01:00"],
    ["9999-12-31 23:59:59+00", "America/New_York", "9999-12-31T18:59:59-05:00"],
    ["0001-01-01 00:00:00+00", "America/New_York", "0001-01-01T00:00:00Z"],
    ["0001-01-01 12:00:00+00", "America/New_York", "0001-01-01T07:04:00-04:56"],
    ["1880-01-01 00:53:28+00:53:28", "UTC", "1880-01-01T00:00:00Z"],
  ];
  for (const [text, name, line] of shown) assert.equal(showTime(text, zone(name)), line, `${text} ${name}`);
});

test("a clock change is exact to the second", () => {
  const shown: [string, string, string][] = [
    ["2026-03-29 00:59:59+00", "Europe/Berlin", "2026-03-29T01:59:59+01:00"],
    ["2026-03-29 01:00:00+00", "Europe/Berlin", "2026-03-29T03:00:00+02:00"],
    ["2026-10-25 00:59:59+00", "Europe/Berlin", "2026-10-25T02:59:59+02:00"],
    ["2026-10-25 01:00:00+00", "Europe/Berlin", "2026-10-25T02:00:00+01:00"],
    // These change at 02:00 of a half-hour zone, and at 00:01.
    ["2026-04-04 14:59:59+00", "Australia/Lord_Howe", "2026-04-05T01:59:59+11:00"],
    ["2026-04-04 15:00:00+00", "Australia/Lord_Howe", "2026-04-05T01:30:00+10:30"],
    ["2010-03-14 03:30:59+00", "America/St_Johns", "2010-03-14T00:00:59-03:30"],
    ["2010-03-14 03:31:00+00", "America/St_Johns", "2010-03-14T01:01:00-02:30"],
  ];
  for (const [text, name, line] of shown) assert.equal(showTime(text, zone(name)), line, `${text} ${name}`);
});

test("infinity, BC and other unusual stored times show too", () => {
  for (const place of [utc, berlin]) {
    assert.equal(showTime("infinity", place), "infinity");
    assert.equal(showTime("-infinity", place), "-infinity");
    assert.equal(showTime("", place), "");
    assert.equal(showTime("294276-12-31 23:59:59.999+00", place), "294276-12-31 23:59:59.999+00");
    assert.equal(showTime("12026-06-01 08:12:44.1+00", place), "+012026-06-01T08:12:44Z");
    assert.equal(showTime("0044-03-15 12:00:00+00 BC", place), "-000043-03-15T12:00:00Z");
    assert.equal(showTime("4714-11-24 00:00:00+00 BC", place), "-004713-11-24T00:00:00Z");
  }
  assert.equal(showTime("9999-12-31 23:59:59+00", berlin), "9999-12-31T23:59:59Z");
});

test("a zone is an IANA name in any letter case", () => {
  assert.equal(zone("europe/berlin").name, "Europe/Berlin");
  assert.equal(zone("Asia/Kolkata").name, "Asia/Kolkata");
  assert.equal(zone("gmt"), utc);
  assert.equal(zone("Europe/Berlin"), zone("EUROPE/BERLIN"));
  for (const name of ["", "Mars/Olympus", "+02:00", "-05", " UTC", "Europe/Berlin\n", "constructor", "gmt+"]) {
    assert.throws(() => zone(name), RangeError, name);
  }
});

test("offsets are those of the engine's own wall clock, in every zone", () => {
  fc.assert(
    fc.property(zoneName, recentTime, (name, ms) => {
      const wall = new Intl.DateTimeFormat("sv-SE", { timeZone: name, dateStyle: "short", timeStyle: "medium" });
      assert.equal(showTime(stored(ms), zone(name)).slice(0, 19), wall.format(ms).replace(" ", "T"));
    }),
    { numRuns: 400 },
  );
});
