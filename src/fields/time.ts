import { z } from "zod";
import { quoteIfNeeded } from "../kit/line.ts";
import { DATE_FORMS, type Dates, readDate, readDates, readInstant, readSpan, TIME_FORMS, whyNoMoment } from "../kit/moments.ts";
import { showTime, toTimestamp } from "../kit/time.ts";
import { compare, EQUALITY, ORDER } from "./operators.ts";
import type { Predicate } from "./predicate.ts";
import { asJson, keep } from "./text.ts";
import type { FieldType } from "./type.ts";

/** With fractions of a second, an offset, a zone of any name and a calendar. */
const LONGEST = 100;

/** A point in time, shown and compared to the second: `eq` with a date holds all day, with a month all month. */
export const timeType: FieldType = {
  name: "time",
  sqlType: "timestamptz",
  operators: [...EQUALITY, ...ORDER],
  expects: `a time: ${TIME_FORMS}`,
  explains: whyNoMoment,
  schema: z.string().max(LONGEST),
  shown: z.iso.datetime({ offset: true }),
  refusal: "invalid_value",
  fromText: keep,
  toColumn: (value, reading) => {
    const instant = readInstant(value as string, reading);
    return instant === undefined ? undefined : toTimestamp(instant);
  },
  predicate: (operator, operands, reading) => {
    const moments = operands.map((operand) => readSpan(operand, reading));
    if (!moments.every((moment) => moment !== undefined)) return undefined;
    const within: Predicate[] = moments.map(({ from, to }) => ({ is: "all", of: [from_(from), before(to)] }));
    const [first] = moments;
    return compare(operator, {
      eq: within[0]!,
      in: { is: "any", of: within },
      gt: from_(first!.to),
      gte: from_(first!.from),
      lt: before(first!.from),
      lte: before(first!.to),
    });
  },
  toLine: (stored, { zone }) => showTime(stored, zone),
  toJson: (stored, { zone }) => `"${showTime(stored, zone)}"`,
};

/** A time to look back to, exact to the second. A month begins with its first day. */
export const sinceType: FieldType = {
  ...timeType,
  toColumn: (value, reading) => {
    const span = readSpan(value as string, reading);
    return span && toTimestamp(span.from);
  },
};

const from_ = (ms: number): Predicate => ({ is: "gte", value: toTimestamp(ms) });
const before = (ms: number): Predicate => ({ is: "lt", value: toTimestamp(ms) });

/** A calendar day without a time; `eq` with a month holds on each of its days. */
export const dateType: FieldType = {
  name: "date",
  sqlType: "date",
  operators: [...EQUALITY, ...ORDER],
  expects: `a date: ${DATE_FORMS}`,
  explains: whyNoMoment,
  schema: z.string().max(LONGEST),
  shown: z.iso.date(),
  refusal: "invalid_value",
  fromText: keep,
  toColumn: (value, reading) => readDate(value as string, reading),
  predicate: (operator, operands, reading) => {
    const spans = operands.map((operand) => readDates(operand, reading));
    if (!spans.every((span) => span !== undefined)) return undefined;
    const { first, last } = spans[0]!;
    return compare(operator, {
      eq: onDays(spans[0]!),
      in: spans.every(isOneDay) ? { is: "in", values: spans.map((span) => span.first) } : { is: "any", of: spans.map(onDays) },
      gt: { is: "gt", value: last },
      gte: { is: "gte", value: first },
      lt: { is: "lt", value: first },
      lte: { is: "lte", value: last },
    });
  },
  toLine: quoteIfNeeded,
  toJson: asJson,
};

const isOneDay = ({ first, last }: Dates) => first === last;

const onDays = (dates: Dates): Predicate =>
  isOneDay(dates)
    ? { is: "eq", value: dates.first }
    : {
        is: "all",
        of: [
          { is: "gte", value: dates.first },
          { is: "lte", value: dates.last },
        ],
      };
