import { cents, code, custom, longText, percent, phrase, required, tags } from "../fields/vocabulary.ts";
import { defineRecord } from "./define.ts";
import { workspaceCurrency } from "./money.ts";

export const service = defineRecord({
  name: "service",
  plural: "services",
  prefix: "sv",
  about: "Work that you sell.",
  title: "name",
  aside: true,
  naturalKey: "sku",
  fields: {
    name: required(phrase({ about: "what it is called", sort: true, search: true })),
    sku: code({ about: "your article number; POST with a known one updates that service", sort: true, search: true }),
    unit_price_cents: cents({
      about: "net price of one unit, in the smallest unit of the currency",
      also: ["price", "unit_price", "price_cents", "amount_cents", "rate"],
      sort: true,
    }),
    currency: workspaceCurrency,
    tax_rate: percent({ about: "tax on it, in percent" }),
    unit: phrase({ about: "what it is counted in: hour, day, visit, …" }, 60),
    tags: tags({ about: "labels", search: true }),
    notes: longText({ about: "anything worth keeping", search: true }),
    custom: custom({ about: "your own fields, as custom.<key>" }),
  },
  example: { name: "Installation", sku: "S-10", unit_price_cents: 9500, currency: "EUR", tax_rate: 7.5, unit: "hour" },
});
