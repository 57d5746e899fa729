import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  DATE_FORMS,
  type Moment,
  readDate,
  readMoment,
  showTime,
  TIME_FORMS,
  toTimestamp,
  type Zone,
  zone,
} from "../../../src/kit/time.ts";

const utc = zone("UTC");
const berlin = zone("Europe/Berlin");
const at = (text: string) => Date.parse(text);
const now = at("2026-06-01T08:12:44.567Z");

/** The moment as `from/to`, so that a failure can be read. */
function moment(text: string, place: Zone = utc, clock = now): string | undefined {
  const found = readMoment(text, { now: clock, zone: place });
  return found && [found.from, found.to].map((ms) => new Date(ms).toISOString().replace(".000", "")).join("/");
}

/** As PostgreSQL prints it with its time zone at UTC: no zeros at the end of the fraction. */
function stored(ms: number): string {
  return `${new Date(ms)
    .toISOString()
    .slice(0, -1)
    .replace("T", " ")
    .replace(/\.?0+$/, "")}+00`;
}

const zoneName = fc.constantFrom(...Intl.supportedValuesOf("timeZone"));
const anyTime = fc.integer({ min: at("0001-01-03T00:00:00Z"), max: at("9999-12-29T00:00:00Z") });
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

test("a written time denotes its whole second", () => {
  const second = "2026-06-01T08:12:44Z/2026-06-01T08:12:45Z";
  const same = [
    ...["2026-06-01T08:12:44Z", "2026-06-01t08:12:44z", "2026-06-01 08:12:44Z", "2026-06-01T08:12:44.999999Z"],
    ...["2026-06-01T10:12:44+02:00", "2026-06-01T10:12:44 02:00", "2026-06-01T10:12:44+0200", "2026-06-01 10:12:44 +0200"],
    ...[
      "2026-06-01T04:42:44-03:30",
      "2026-06-01T08:12:44-00:00",
      " 2026-06-01T08:12:44Z ",
      "2026-06-01T08:12:44",
      "now",
      "NOW",
    ],
  ];
  for (const text of same) assert.equal(moment(text), second, text);
  assert.equal(moment("2026-06-01T10:12:44", berlin), second);
  assert.equal(moment("2026-06-01 10:12", berlin), "2026-06-01T08:12:00Z/2026-06-01T08:13:00Z");
  assert.equal(moment("2026-06-01T10:12+02:00"), "2026-06-01T08:12:00Z/2026-06-01T08:13:00Z");
  assert.equal(moment("0001-01-01T00:00:00Z"), "0001-01-01T00:00:00Z/0001-01-01T00:00:01Z");
  assert.equal(moment("0099-12-31T00:00:00Z"), "0099-12-31T00:00:00Z/0099-12-31T00:00:01Z");
});

test("a date denotes the whole day in the zone", () => {
  const days: [string, string, string][] = [
    ["2026-06-10", "UTC", "2026-06-10T00:00:00Z/2026-06-11T00:00:00Z"],
    ["2026-06-10", "Europe/Berlin", "2026-06-09T22:00:00Z/2026-06-10T22:00:00Z"],
    ["2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00Z/2026-03-29T22:00:00Z"], // 23 hours
    ["2026-10-25", "Europe/Berlin", "2026-10-24T22:00:00Z/2026-10-25T23:00:00Z"], // 25 hours
    ["2026-06-10", "Asia/Kolkata", "2026-06-09T18:30:00Z/2026-06-10T18:30:00Z"],
    ["2026-03-08", "America/St_Johns", "2026-03-08T03:30:00Z/2026-03-09T02:30:00Z"],
    ["2024-09-08", "America/Santiago", "2024-09-08T04:00:00Z/2024-09-09T03:00:00Z"], // begins at 01:00
    ["2024-11-03", "America/Havana", "2024-11-03T04:00:00Z/2024-11-04T05:00:00Z"], // has 00:00 twice
    ["2011-12-29", "Pacific/Apia", "2011-12-29T10:00:00Z/2011-12-30T10:00:00Z"],
    ["2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00Z/2011-12-30T10:00:00Z"], // there was no such day
    ["2011-12-31", "Pacific/Apia", "2011-12-30T10:00:00Z/2011-12-31T10:00:00Z"],
    ["today", "Pacific/Kiritimati", "2026-05-31T10:00:00Z/2026-06-01T10:00:00Z"],
    ["yesterday", "Europe/Berlin", "2026-05-30T22:00:00Z/2026-05-31T22:00:00Z"],
    ["Tomorrow", "UTC", "2026-06-02T00:00:00Z/2026-06-03T00:00:00Z"],
    ["2028-02-29", "UTC", "2028-02-29T00:00:00Z/2028-03-01T00:00:00Z"],
  ];
  for (const [text, name, day] of days) assert.equal(moment(text, zone(name)), day, `${text} ${name}`);
});

test("a skipped local time reads as the later instant, a repeated one as the earlier", () => {
  assert.equal(moment("2026-03-29T02:30:00", berlin), "2026-03-29T01:30:00Z/2026-03-29T01:30:01Z");
  assert.equal(moment("2026-10-25T02:30:00", berlin), "2026-10-25T00:30:00Z/2026-10-25T00:30:01Z");
  assert.equal(moment("2026-10-25T03:00:00", berlin), "2026-10-25T02:00:00Z/2026-10-25T02:00:01Z");
  assert.equal(moment("2011-12-30T12:00", zone("Pacific/Apia")), "2011-12-30T22:00:00Z/2011-12-30T22:01:00Z");
});

test("a relative time denotes one second at that distance from now", () => {
  const steps: [string, string][] = [
    ["-7d", "2026-05-25T08:12:44Z"],
    ["+2w", "2026-06-15T08:12:44Z"],
    [" 2w", "2026-06-15T08:12:44Z"],
    ["  2w", "2026-06-15T08:12:44Z"],
    ["-3h", "2026-06-01T05:12:44Z"],
    ["+90min", "2026-06-01T09:42:44Z"],
    ["-1MO", "2026-05-01T08:12:44Z"],
    ["+1y", "2027-06-01T08:12:44Z"],
    ["+0d", "2026-06-01T08:12:44Z"],
  ];
  for (const [text, from] of steps) assert.equal(moment(text)?.split("/")[0], from, text);
  assert.equal(moment("+1mo", utc, at("2026-01-31T10:00:00Z")), "2026-02-28T10:00:00Z/2026-02-28T10:00:01Z");
  assert.equal(moment("-1y", utc, at("2028-02-29T10:00:00Z")), "2027-02-28T10:00:00Z/2027-02-28T10:00:01Z");
  assert.equal(moment("-14mo", utc, at("2026-01-31T10:00:00Z")), "2024-11-30T10:00:00Z/2024-11-30T10:00:01Z");
  // Over a change of the clocks a day keeps the time on the wall, hours are hours.
  const eve = at("2026-03-28T11:00:00Z");
  assert.equal(moment("+1d", berlin, eve), "2026-03-29T10:00:00Z/2026-03-29T10:00:01Z");
  assert.equal(moment("+24h", berlin, eve), "2026-03-29T11:00:00Z/2026-03-29T11:00:01Z");
});

test("text that is no time reads as undefined", () => {
  const wrong = [
    ...[
      "",
      " ",
      "soon",
      "constructor",
      "7d",
      "2w",
      "-7",
      "-7m",
      "+-7d",
      "--7d",
      "-7dd",
      "-1.5d",
      "+ 2w",
      "-9999999d",
      "+999999y",
      "-3000y",
    ],
    ...[
      "2026-02-30",
      "2026-13-01",
      "2026-00-10",
      "2026-06-00",
      "2025-02-29",
      "0000-01-01",
      "10000-01-01",
      "26-06-01",
      "2026-6-1",
    ],
    ...["2026-06-01T25:00:00Z", "2026-06-01T24:00:00Z", "2026-06-01T08:60:00Z", "2016-12-31T23:59:60Z", "2026-02-30T00:00:00Z"],
    ...[
      "2026-06-01T08Z",
      "2026-06-01T08:12:44+24:00",
      "2026-06-01T08:12:44+02:60",
      "2026-06-01T08:12:44+2",
      "2026-06-01T08:12:44.Z",
    ],
    ...["2026-06-01Z", "20260601", "1780301564", "2026-06-01T08:12:44ZZ", "2026-06-01T08:12:44Z\nx", "٢٠٢٦-٠٦-٠١", "infinity"],
    ...["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"],
  ];
  for (const text of wrong) assert.equal(moment(text), undefined, text);
  assert.equal(moment("+999999y", berlin), undefined);
  assert.equal(moment("0001-01-01", berlin), undefined);
});

test("every form a hint offers is understood", () => {
  for (const form of TIME_FORMS.split(", ")) assert.notEqual(moment(form), undefined, form);
  for (const form of DATE_FORMS.split(", ")) assert.notEqual(readDate(form, { now, zone: utc }), undefined, form);
});

test("a date field takes a date, a step of days, or the date of a time in the zone", () => {
  const dates: [string, string, string | undefined][] = [
    ["2026-06-10", "Pacific/Apia", "2026-06-10"],
    ["2011-12-30", "Pacific/Apia", "2011-12-30"],
    ["today", "Pacific/Honolulu", "2026-05-31"],
    ["tomorrow", "UTC", "2026-06-02"],
    ["YESTERDAY", "UTC", "2026-05-31"],
    ["now", "Pacific/Honolulu", "2026-05-31"],
    ["-7d", "UTC", "2026-05-25"],
    [" 2w", "UTC", "2026-06-15"],
    ["-3mo", "UTC", "2026-03-01"],
    ["+1y", "UTC", "2027-06-01"],
    ["2026-06-10T23:30:00Z", "Europe/Berlin", "2026-06-11"],
    ["2026-06-10T23:30:00", "Europe/Berlin", "2026-06-10"],
    ["-3h", "UTC", undefined],
    ["+90min", "UTC", undefined],
    ["2026-02-30", "UTC", undefined],
    ["0000-12-31", "UTC", undefined],
    ["+999999y", "UTC", undefined],
    ["soon", "UTC", undefined],
  ];
  for (const [text, name, date] of dates) assert.equal(readDate(text, { now, zone: zone(name) }), date, `${text} ${name}`);
});

test("a shown time reads back as the same second, in every zone and century", () => {
  fc.assert(
    fc.property(zoneName, fc.oneof(anyTime, recentTime), (name, ms) => {
      const second = Math.floor(ms / 1000) * 1000;
      const expected: Moment = { from: second, to: second + 1000 };
      const shown = showTime(stored(ms), zone(name));
      assert.deepEqual(readMoment(shown, { now, zone: utc }), expected, shown);
      assert.deepEqual(readMoment(shown.replace("+", " "), { now, zone: utc }), expected, shown);
    }),
    { numRuns: 400 },
  );
});

test("a local time read in its zone shows that time, in every zone", () => {
  fc.assert(
    fc.property(zoneName, recentTime, (name, ms) => {
      const clock = showTime(stored(ms), zone(name)).slice(0, 19);
      const found = readMoment(clock, { now, zone: zone(name) });
      assert.ok(found && found.from <= ms, clock);
      assert.equal(showTime(stored(found.from), zone(name)).slice(0, 19), clock);
    }),
    { numRuns: 400 },
  );
});

test("the days of a zone follow each other without a gap, and today holds now", () => {
  fc.assert(
    fc.property(zoneName, recentTime, (name, ms) => {
      const context = { now: ms, zone: zone(name) };
      // Where clocks were set back over midnight, yesterday came back for an hour: no interval can hold that.
      const firstShown = readMoment(showTime(stored(ms), context.zone).slice(0, 19), context);
      fc.pre(firstShown !== undefined && firstShown.to > ms);
      const [yesterday, today, tomorrow] = ["yesterday", "today", "tomorrow"].map((word) => readMoment(word, context));
      assert.equal(yesterday?.to, today?.from);
      assert.equal(today?.to, tomorrow?.from);
      assert.ok(today && today.from <= ms && ms < today.to);
    }),
    { numRuns: 400 },
  );
});

test("a timestamp for the database has milliseconds and covers the end of the last day", () => {
  assert.equal(toTimestamp(now), "2026-06-01T08:12:44.567Z");
  assert.equal(toTimestamp(readMoment("9999-12-31", { now, zone: utc })?.to ?? 0), "10000-01-01T00:00:00.000Z");
  assert.equal(toTimestamp(readMoment("0001-01-01", { now, zone: utc })?.from ?? 0), "0001-01-01T00:00:00.000Z");
});
