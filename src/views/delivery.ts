import { z } from "zod";
import { handleType, idType } from "../fields/link.ts";
import { asJson, countType, textType } from "../fields/text.ts";
import type { FieldType } from "../fields/type.ts";
import { choice, text, time } from "../fields/vocabulary.ts";
import { shortId } from "../kit/id.ts";
import { quoteIfNeeded } from "../kit/line.ts";
import { defineView } from "../records/define.ts";

export const STATES = ["waiting", "delivered", "failed"] as const;

/** Each try: when, how it was answered after how many milliseconds, why it failed, and how the answer begins. */
const attemptsType: FieldType = {
  ...textType(0, "attempts"),
  name: "attempts",
  sqlType: "jsonb",
  operators: [],
  shown: z.array(
    z.object({
      at: z.string(),
      status: z.number().nullable(),
      ms: z.number(),
      problem: z.string().nullable(),
      answer: z.string().nullable(),
    }),
  ),
  toLine: (attempts: unknown) => quoteIfNeeded(JSON.stringify(attempts)),
  toJson: asJson,
};

const shortIdType = (name: string): FieldType => ({ ...idType(name), toLine: shortId });

/** What a webhook was told, or is to be told. */
export const delivery = defineView({
  name: "delivery",
  plural: "deliveries",
  prefix: "wd",
  about: "One message to a webhook, and every attempt to deliver it.",
  title: "event",
  order: "-created_at",
  unfiltered: true,
  mostRows: 200,
  fields: {
    id: {
      type: idType("delivery"),
      about: "the whole id: the webhook-id of the message",
      always: true,
      shown: "json",
      column: "id",
    },
    handle: {
      type: handleType("delivery"),
      about: "the short name that lines begin with",
      always: true,
      shown: "json",
      column: "id",
    },
    webhook: { type: shortIdType("webhook"), about: "the webhook", always: true },
    event: text({ about: "the type of the message", always: true }),
    state: choice(STATES, { about: "waiting: it is tried, or tried again; failed: a test that nobody took", always: true }),
    change: { type: shortIdType("change"), about: "the change that it tells" },
    record: { type: shortIdType("record"), about: "the record that changed" },
    tries: { type: countType, about: "how often it was tried", always: true },
    status: { type: countType, about: "the status of the last answer" },
    ms: { type: countType, about: "milliseconds that the last attempt took" },
    problem: text({ about: "why the last attempt failed" }),
    answer: text({ about: "how the last answer begins" }),
    due_at: time({ about: "when it is tried next" }),
    created_at: time({ about: "when it began to wait", always: true }),
    done_at: time({ about: "when it was delivered", shown: "json" }),
    attempts: { type: attemptsType, about: "the last 20 attempts", always: true, shown: "json" },
  },
  example: {
    webhook: "wh_t4v6w8y0",
    event: "contact.updated",
    state: "waiting",
    change: "ch_t4v6w8y0",
    record: "c_t4v6w8y0",
    tries: 1,
    status: 503,
    ms: 41,
    problem: "it answered 503",
    answer: "try later",
    due_at: "2026-06-01T08:12:49Z",
    created_at: "2026-06-01T08:12:44Z",
    attempts: [{ at: "2026-06-01T08:12:44Z", status: 503, ms: 41, problem: "it answered 503", answer: "try later" }],
  },
});
