import { cents, currency, custom, date, known, link, longText, phrase, required, time } from "../fields/vocabulary.ts";
import { defineRecord } from "./define.ts";

export const payment = defineRecord({
  name: "payment",
  plural: "payments",
  prefix: "pay",
  about: "Money that came in for an invoice, or that went back.",
  title: "reference",
  aside: true,
  sums: { amount: "amount_cents", per: "currency" },
  frozen: {
    when: "booked_at",
    free: ["notes", "custom"],
    instead: "a booked payment stays as it is: POST /payments/{id}/reverse takes it back by another one",
  },
  settles: {
    link: "invoice_id",
    amount: "amount_cents",
    per: "currency",
    into: "paid_cents",
    items: "items",
    by: ["paid_cents", "credited_cents"],
    given: "number",
    lacks: ["credits_id"],
    ends: "cancelled_at",
    booked: "booked_at",
    reverses: "reverses_id",
    reference: "reference",
    date: "paid_on",
  },
  fields: {
    reference: phrase({ about: "how the bank calls it", sort: true, search: true }),
    invoice_id: link("invoice", { about: "the invoice that it pays; it may be told later" }),
    amount_cents: required(
      cents({
        about: "how much, in the smallest unit of the invoice's currency; below zero for money paid back",
        also: ["amount", "value"],
        sort: true,
      }),
    ),
    currency: currency({ about: "the invoice's, which it is unless sent" }),
    paid_on: required(date({ about: "the day of the payment", also: ["date", "paid_at"], initially: "now", sort: true })),
    booked_at: time({
      about: "when it was counted into its invoice: at once, or with the issue of a draft; from then on it stays as it is",
      readOnly: true,
      kept: true,
      optional: true,
    }),
    method: known(["transfer", "card", "cash", "debit"], { about: "how it was paid", also: ["type"], paged: true }),
    reverses_id: link("payment", { about: "the payment that this one takes back" }),
    notes: longText({ about: "anything worth keeping", search: true }),
    custom: custom({ about: "your own fields, as custom.<key>" }),
  },
  example: { invoice_id: "i_t4v6w8y0", amount_cents: 11900, currency: "EUR", paid_on: "2026-06-20", method: "transfer" },
});
