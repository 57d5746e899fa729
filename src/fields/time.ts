import { z } from "zod";
import { quoteIfNeeded } from "../kit/line.ts";
import { DATE_FORMS, readDate, readMoment, showTime, TIME_FORMS, toTimestamp } from "../kit/time.ts";
import { compare, EQUALITY, ORDER, scalarPredicate } from "./operators.ts";
import type { Predicate } from "./predicate.ts";
import { asJson, keep } from "./text.ts";
import type { FieldType } from "./type.ts";

/** A point in time, shown and compared to the second: `eq` with a date holds all day. */
export const timeType: FieldType = {
  name: "time",
  sqlType: "timestamptz",
  operators: [...EQUALITY, ...ORDER],
  expects: `a time: ${TIME_FORMS}`,
  schema: z.string().max(60),
  shown: z.iso.datetime({ offset: true }),
  refusal: "invalid_value",
  fromText: keep,
  toColumn: (value, reading) => {
    const moment = readMoment(value as string, reading);
    return moment && toTimestamp(moment.from);
  },
  predicate: (operator, operands, reading) => {
    const moments = operands.map((operand) => readMoment(operand, reading));
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

const from_ = (ms: number): Predicate => ({ is: "gte", value: toTimestamp(ms) });
const before = (ms: number): Predicate => ({ is: "lt", value: toTimestamp(ms) });

/** A calendar day without a time. */
export const dateType: FieldType = {
  name: "date",
  sqlType: "date",
  operators: [...EQUALITY, ...ORDER],
  expects: `a date: ${DATE_FORMS}`,
  schema: z.string().max(60),
  shown: z.iso.date(),
  refusal: "invalid_value",
  fromText: keep,
  toColumn: (value, reading) => readDate(value as string, reading),
  predicate: scalarPredicate(readDate),
  toLine: quoteIfNeeded,
  toJson: asJson,
};
