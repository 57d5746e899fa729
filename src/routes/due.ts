import { z } from "zod";
import { type Parameters, single } from "../derive/query.ts";
import { countType, textType } from "../fields/text.ts";
import type { FieldType, Reading } from "../fields/type.ts";
import { echo } from "../kit/line.ts";
import { type Moment, readMoment, readSpan, whyNoMoment } from "../kit/moments.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import { END } from "../kit/time.ts";

const MOST_DAYS = 3650;

export const DAYS: FieldType = {
  ...countType,
  expects: `a whole number from 0 (due now) to ${MOST_DAYS}; days=7 looks a week ahead`,
  schema: z.int().min(0).max(MOST_DAYS),
};

/** Words for a span of time that say it with less than the grammar of times does. */
const WORDS = ["overdue", "due", "today", "tomorrow", "week", "month", "upcoming"] as const;

export const WHEN_DUE: FieldType = textType(
  100,
  `${WORDS.slice(0, -1).join(", ")} or ${WORDS.at(-1)}, or a day or span: friday, next week, 2026-06-10, 2026-06`,
);

/** The span that `GET /reminders` looks at, in epoch ms, and how it was asked for. */
export type Due = { from?: number; until: number; asked: string };

/** Reads `days` or `when`. Without either it is everything up to now. */
export function readDue(parameters: Parameters, reading: Reading): Due {
  const [days, when] = [single(parameters, "days"), single(parameters, "when")];
  if (when === undefined) return readDays(days ?? "0", reading);
  if (days !== undefined)
    throw new Problem("invalid_value", "days and when both say which time", "send one of them: when=week, or days=7");
  const text = when.trim().toLowerCase().replace(/^eq:/, "");
  const span = spanOf(text, reading);
  // A word keeps its meaning while a reader pages on: their cursor is good for the same word.
  if (span) return { ...span, asked: `when=${text}` };
  const why = whyNoMoment(text, reading);
  const near = nearest(text, WORDS);
  throw new Problem("invalid_value", `when cannot be ${echo(when)}`, [
    ...(why === undefined ? [] : [why]),
    `${near.length > 0 ? `did you mean when=${near.join(" or ")}? ` : ""}when is ${WHEN_DUE.expects}`,
  ]);
}

function readDays(text: string, reading: Reading): Due {
  if (!/^\d{1,4}$/.test(text) || Number(text) > MOST_DAYS)
    throw new Problem("invalid_value", `days cannot be ${echo(text)}`, `days is ${DAYS.expects}`);
  const days = Number(text);
  return { until: days === 0 ? reading.now + 1 : readMoment(`+${days}d`, reading)!.to, asked: `days=${days}` };
}

/** Overdue, due and upcoming are what the lines say by these words: before today, today up to now, and later. */
function spanOf(text: string, reading: Reading): { from?: number; until: number } | undefined {
  const today = readMoment("today", reading)!.from;
  const now = reading.now + 1;
  if (text === "overdue") return { until: today };
  if (text === "due") return { from: today, until: now };
  if (text === "upcoming") return { from: now, until: END };
  const span = text === "week" || text === "month" ? readMoment(`this ${text}`, reading) : wholeDays(text, reading);
  return span && { from: span.from, until: span.to };
}

/** A step, as `+1w`, looks up to it, and a time of day is a minute that nobody asks for. */
function wholeDays(text: string, reading: Reading): Moment | undefined {
  const span = readSpan(text, reading);
  if (!span || span.to - span.from > 60_000) return span;
  return /^[+ ]/.test(text) ? { from: reading.now, to: span.to } : undefined;
}
