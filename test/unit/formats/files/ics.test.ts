import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type CalendarEntry, writeCalendar } from "../../../../src/formats/files/icsWrite.ts";
import { all, storable, stream } from "../../../helpers/pieces.ts";

const written = async (...entries: CalendarEntry[]) =>
  (await all(writeCalendar({ name: "Reminders, mine", product: "-//Cardfile//EN" }, stream(entries)))).join("");

const at = Date.parse("2026-06-10T09:00:00Z");
const stamp = Date.parse("2026-06-01T08:12:44.500Z");

test("a calendar is written as RFC 5545 says: an event with its alarm, a whole day, a to-do", async () => {
  const calendar = await written(
    {
      uid: "c_1",
      stamp,
      at,
      summary: "Call Jane; ask, twice",
      description: "line\nbreak",
      alarm: 10,
      url: "https://x.de/c",
      tags: ["a", "b"],
    },
    { uid: "d_1", stamp, at: "2026-12-31", summary: "Close" },
    { uid: "t_1", stamp, at, summary: "Quote", todo: { done: false }, alarm: 0 },
  );
  const head = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Cardfile//EN",
    "CALSCALE:GREGORIAN",
    "METHOD:PUBLISH",
    "X-WR-CALNAME:Reminders\\, mine",
  ];
  const stamps = ["DTSTAMP:20260601T081244Z", "LAST-MODIFIED:20260601T081244Z"];
  assert.deepEqual(calendar.split("\r\n"), [
    ...head,
    ...[
      "BEGIN:VEVENT",
      "UID:c_1",
      ...stamps,
      "DTSTART:20260610T090000Z",
      "DTEND:20260610T091500Z",
      "SUMMARY:Call Jane\\; ask\\, twice",
    ],
    ...["DESCRIPTION:line\\nbreak", "URL:https://x.de/c", "CATEGORIES:a,b", "TRANSP:TRANSPARENT"],
    ...[
      "BEGIN:VALARM",
      "ACTION:DISPLAY",
      "DESCRIPTION:Call Jane\\; ask\\, twice",
      "TRIGGER:-PT10M",
      "END:VALARM",
      "END:VEVENT",
    ],
    ...["BEGIN:VEVENT", "UID:d_1", ...stamps, "DTSTART;VALUE=DATE:20261231", "DTEND;VALUE=DATE:20270101", "SUMMARY:Close"],
    ...["TRANSP:TRANSPARENT", "END:VEVENT"],
    ...["BEGIN:VTODO", "UID:t_1", ...stamps, "DUE:20260610T090000Z", "SUMMARY:Quote", "STATUS:NEEDS-ACTION"],
    ...["BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:Quote", "TRIGGER;RELATED=END:-PT0M", "END:VALARM", "END:VTODO"],
    ...["END:VCALENDAR", ""],
  ]);
});

test("whatever a text holds, lines are at most 75 octets of whole characters and nothing can be forged", async () => {
  await fc.assert(
    fc.asyncProperty(storable, storable, async (summary, description) => {
      const calendar = await written({ uid: "c_1", stamp, at, summary, description, alarm: 5, url: `https://x.de/${summary}` });
      for (const line of calendar.split("\r\n")) {
        assert.ok(Buffer.byteLength(line) <= 75);
        assert.doesNotMatch(line, /[\x00-\x08\x0a-\x1f\x7f]|\p{Surrogate}/u);
      }
      // Lines end with CRLF alone: a line separator of Unicode is a character like others.
      const unfolded = calendar.replaceAll("\r\n ", "").split("\r\n");
      assert.equal(unfolded.filter((line) => line.startsWith("BEGIN:")).length, 3);
      assert.equal(unfolded.filter((line) => line === "END:VEVENT").length, 1);
    }),
  );
});
