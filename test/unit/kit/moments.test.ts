import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  DATE_FORMS,
  type Moment,
  readDate,
  readDates,
  readInstant,
  readMoment,
  readSpan,
  TIME_FORMS,
  whyNoMoment,
} from "../../../src/kit/moments.ts";
import { showTime, toTimestamp, type Zone, zone } from "../../../src/kit/time.ts";

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

/** 2026-06-01 is a Monday. */
test("a weekday is the first after today; next, this and last say of which week", () => {
  const days: [string, string][] = [
    ["monday", "2026-06-08"],
    ["tuesday", "2026-06-02"],
    ["Tue", "2026-06-02"],
    ["on friday", "2026-06-05"],
    ["sun", "2026-06-07"],
    ["next monday", "2026-06-08"],
    ["next tuesday", "2026-06-09"],
    ["on next sunday", "2026-06-14"],
    ["this monday", "2026-06-01"],
    ["this sunday", "2026-06-07"],
    ["last monday", "2026-05-25"],
    ["last sunday", "2026-05-31"],
    ["last tuesday", "2026-05-26"],
  ];
  for (const [text, day] of days) {
    assert.equal(readDate(text, { now, zone: utc }), day, text);
    assert.equal(moment(text)?.slice(0, 10), day, text);
  }
  // Sunday ends the week: tuesday and next tuesday are one day.
  const sunday = { now: at("2026-06-07T12:00:00Z"), zone: utc };
  for (const text of ["tuesday", "next tuesday"]) assert.equal(readDate(text, sunday), "2026-06-09", text);
  assert.equal(readDate("this tuesday", sunday), "2026-06-02");
  // Whose day it is decides the zone.
  assert.equal(readDate("tuesday", { now: at("2026-06-01T23:30:00Z"), zone: berlin }), "2026-06-09");
});

test("a weekday is one of the next seven days, whatever day it is", () => {
  const names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
  fc.assert(
    fc.property(recentTime, fc.constantFrom(...names), zoneName, (ms, name, place) => {
      const context = { now: ms, zone: zone(place) };
      const today = at(`${readDate("today", context)}T00:00:00Z`);
      const found = new Date(at(`${readDate(name, context)}T00:00:00Z`));
      const away = (found.getTime() - today) / 86_400_000;
      assert.ok(away >= 1 && away <= 7);
      assert.equal(names[(found.getUTCDay() + 6) % 7], name);
    }),
    { numRuns: 200 },
  );
});

test("a day takes a time of day before or behind it, by the clock on the wall", () => {
  const times: [string, string][] = [
    ["tomorrow 9am", "2026-06-02T07:00:00Z"],
    ["tomorrow at 9:30 pm", "2026-06-02T19:30:00Z"],
    ["next tuesday 10:00", "2026-06-09T08:00:00Z"],
    ["tuesday, 10:00", "2026-06-02T08:00:00Z"],
    ["9am tomorrow", "2026-06-02T07:00:00Z"],
    ["12am tomorrow", "2026-06-01T22:00:00Z"],
    ["tomorrow noon", "2026-06-02T10:00:00Z"],
    ["2026-12-01 9am", "2026-12-01T08:00:00Z"],
    ["+1w 9am", "2026-06-08T07:00:00Z"],
    [" 1w 9am", "2026-06-08T07:00:00Z"],
    ["in 3 days 8:05", "2026-06-04T06:05:00Z"],
    // The clocks skip 02:00 to 03:00 on that day, and show it twice on the other.
    ["2026-03-29 2:30 am", "2026-03-29T01:30:00Z"],
    ["2026-10-25 2:30 am", "2026-10-25T00:30:00Z"],
  ];
  for (const [text, from] of times) assert.equal(moment(text, berlin)?.split("/")[0], from, text);
  for (const text of [
    "tomorrow 25:00",
    "tomorrow 13pm",
    "tomorrow 0am",
    "9am",
    "10:00",
    "next week 9am",
    "+3h 9am",
    "2w 9am",
    "tomorrow 9",
  ])
    assert.equal(moment(text, berlin), undefined, text);
});

test("steps have long names too", () => {
  const same: [string, string][] = [
    ["+2 weeks", "+2w"],
    ["in 2 weeks", "+2w"],
    ["in 1 month", "+1mo"],
    ["3 days ago", "-3d"],
    ["-3 hours", "-3h"],
    ["90 minutes ago", "-90min"],
    ["in 1 year", "+1y"],
  ];
  for (const [long, short] of same) assert.equal(moment(long), moment(short), long);
  for (const text of ["in 2 m", "in weeks", "2 weeks", "in -2 weeks", "in 2 moons"])
    assert.equal(moment(text), undefined, text);
});

test("a step that is stored ends at a whole minute", () => {
  const shown = (text: string) => new Date(readInstant(text, { now, zone: utc }) ?? 0).toISOString();
  assert.equal(shown("+1w"), "2026-06-08T08:12:00.000Z");
  assert.equal(shown("in 90 minutes"), "2026-06-01T09:42:00.000Z");
  assert.equal(shown("now"), "2026-06-01T08:12:44.000Z");
  assert.equal(shown("2026-06-01T08:12:44Z"), "2026-06-01T08:12:44.000Z");
  assert.equal(readInstant("2026-06", { now, zone: utc }), undefined);
});

test("weeks, months, quarters and years are whole spans of the zone", () => {
  const span = (text: string, place = berlin) => {
    const found = readSpan(text, { now, zone: place });
    return found && [found.from, found.to].map((ms) => new Date(ms).toISOString().slice(0, 16)).join("/");
  };
  const spans: [string, string][] = [
    ["2026-06", "2026-05-31T22:00/2026-06-30T22:00"],
    ["2026-03", "2026-02-28T23:00/2026-03-31T22:00"],
    ["2026-12", "2026-11-30T23:00/2026-12-31T23:00"],
    ["2026-Q2", "2026-03-31T22:00/2026-06-30T22:00"],
    ["2026q4", "2026-09-30T22:00/2026-12-31T23:00"],
    ["2026", "2025-12-31T23:00/2026-12-31T23:00"],
    ["2026-W01", "2025-12-28T23:00/2026-01-04T23:00"],
    ["2026-W53", "2026-12-27T23:00/2027-01-03T23:00"],
    ["this week", "2026-05-31T22:00/2026-06-07T22:00"],
    ["next month", "2026-06-30T22:00/2026-07-31T22:00"],
    ["last quarter", "2025-12-31T23:00/2026-03-31T22:00"],
    ["this year", "2025-12-31T23:00/2026-12-31T23:00"],
    ["tomorrow", "2026-06-01T22:00/2026-06-02T22:00"],
  ];
  for (const [text, expected] of spans) assert.equal(span(text), expected, text);
  for (const text of ["2026-13", "2026-00", "2026-Q5", "2026-W54", "2025-W53", "2026-W00", "0000", "20266", "202606"])
    assert.equal(span(text), undefined, text);
  assert.deepEqual(readDates("2028-02", { now, zone: utc }), { first: "2028-02-01", last: "2028-02-29" });
  assert.deepEqual(readDates("2026-Q1", { now, zone: utc }), { first: "2026-01-01", last: "2026-03-31" });
  assert.deepEqual(readDates("9999", { now, zone: utc }), { first: "9999-01-01", last: "9999-12-31" });
  assert.deepEqual(readDates("next week", { now, zone: utc }), { first: "2026-06-08", last: "2026-06-14" });
  assert.equal(readDate("2026-06", { now, zone: utc }), undefined);
});

test("a zone behind a time says where it is meant, as RFC 9557 writes it", () => {
  const times: [string, string][] = [
    ["2026-12-01T10:00[Europe/Berlin]", "2026-12-01T09:00:00Z"],
    ["2026-12-01T10:00:00+01:00[Europe/Berlin]", "2026-12-01T09:00:00Z"],
    ["2026-12-01T10:00:00 01:00[europe/berlin]", "2026-12-01T09:00:00Z"],
    ["2026-12-01T10:00:00+01:00[!Europe/Berlin][u-ca=gregory]", "2026-12-01T09:00:00Z"],
    ["2026-12-01T09:00Z[Europe/Berlin]", "2026-12-01T09:00:00Z"],
    ["2026-06-01T09:00-00:00[Europe/Berlin]", "2026-06-01T09:00:00Z"],
    ["2026-12-01T10:00+01:00[+01:00]", "2026-12-01T09:00:00Z"],
    ["2026-12-01T10:00[-05:00]", "2026-12-01T15:00:00Z"],
    ["2026-12-01[Asia/Tokyo]", "2026-11-30T15:00:00Z"],
    ["tomorrow 9am [America/New_York]", "2026-06-02T13:00:00Z"],
    // Both of these clocks show 02:30.
    ["2026-10-25T02:30+02:00[Europe/Berlin]", "2026-10-25T00:30:00Z"],
    ["2026-10-25T02:30+01:00[Europe/Berlin]", "2026-10-25T01:30:00Z"],
    ["2026-03-29T02:30[Europe/Berlin]", "2026-03-29T01:30:00Z"],
    // Local mean time, to the minute.
    ["1880-01-01T00:53+00:53[Europe/Berlin]", "1880-01-01T00:00:00Z"],
  ];
  for (const [text, from] of times) assert.equal(moment(text)?.split("/")[0], from, text);
  assert.equal(readDate("today[Asia/Tokyo]", { now: at("2026-06-01T20:00:00Z"), zone: utc }), "2026-06-02");
});

test("a zone that does not go with its time is refused and explained", () => {
  const why = (text: string) => whyNoMoment(text, { now, zone: utc });
  const wrong: [string, RegExp][] = [
    ["2026-06-01T10:00:00+01:00[Europe/Berlin]", /^the clocks of Europe\/Berlin are then at \+02:00, not at \+01:00/],
    ["2026-06-01T10:00:00+00:00[Europe/London]", /^the clocks of Europe\/London are then at \+01:00/],
    // That local time is skipped.
    ["2026-03-29T02:30:00+01:00[Europe/Berlin]", /are then at \+02:00/],
    ["2026-06-01T10:00[Europe/Berln]", /^there is no time zone "Europe\/Berln"; did you mean Europe\/Berlin\?$/],
    ["2026-06-01T10:00[Berlin]", /did you mean Europe\/Berlin/],
    ["2026-06-01T10:00[New York]", /did you mean America\/New_York/],
    ["2026-06-01T10:00[\u202eEvil\n# created]", /^there is no time zone "\\u202eEvil\\n# created"/],
    ["2026-06-01T10:00[Europe/Berlin][Europe/Paris]", /two time zones/],
    ["2026-06-01T10:00[Europe/Berlin][!x-foo=bar]", /x-foo=bar.* is not understood/],
    ["2026-06", /^2026-06 is a whole span.* 2026-06-01$/],
    ["+7m", /min or mo/],
    ["9am", /tomorrow 9am/],
    ["2026-02-30", /no such day/],
    ["2026-02-30T10:00", /no such day/],
    ["31.02.2026", /^the calendar has no such day$/],
    ["32/13/2026", /^the calendar has no such day$/],
    ["15.12.2026", /^write 2026-12-15$/],
    ["5.1.26", /^write 2026-01-05$/],
    ["15.12.2026 09:30", /^write 2026-12-15t09:30$/i],
    ["12/15/2026", /^write 2026-12-15$/],
    ["05/06/2026", /^write 2026-06-05 or 2026-05-06$/],
    ["05-05-2026", /^write 2026-05-05$/],
  ];
  for (const [text, hint] of wrong) {
    assert.equal(moment(text), undefined, text);
    assert.match(why(text) ?? "", hint, text);
  }
  for (const text of ["soon", "", "tomorrow", "[x]", "a".repeat(100_000), " ".repeat(100_000)])
    assert.equal(why(text), why(text));
  for (const text of ["soon", "2026-05-01 soon", "2026-05-01T25:00", "1.2.3", "15.12/2026"])
    assert.equal(why(text), undefined, text);
  for (const [text] of wrong) {
    const offered = /^write (\S+)/.exec(why(text) ?? "")?.[1];
    if (offered !== undefined) assert.notEqual(moment(offered), undefined, text);
  }
});
