import { cents, code, custom, longText, percent, phrase, required, tags } from "../fields/vocabulary.ts";
import { defineRecord } from "./define.ts";
import { workspaceCurrency } from "./money.ts";

export const product = defineRecord({
  name: "product",
  plural: "products",
  prefix: "pr",
  about: "A thing that you sell.",
  title: "name",
  aside: true,
  naturalKey: "sku",
  fields: {
    name: required(phrase({ about: "what it is called", sort: true, search: true })),
    sku: code({ about: "your article number; POST with a known one updates that product", sort: true, search: true }),
    unit_price_cents: cents({
      about: "net price of one unit, in the smallest unit of the currency",
      also: ["price", "unit_price", "price_cents", "amount_cents"],
      sort: true,
    }),
    currency: workspaceCurrency,
    tax_rate: percent({ about: "tax on it, in percent" }),
    unit: phrase({ about: "what it is counted in: piece, hour, kg, …" }, 60),
    tags: tags({ about: "labels", search: true }),
    notes: longText({ about: "anything worth keeping", search: true }),
    custom: custom({ about: "your own fields, as custom.<key>" }),
  },
  example: {
    name: "Solar panel 400 W",
    sku: "SP-400",
    unit_price_cents: 18900,
    currency: "EUR",
    tax_rate: 19,
    unit: "piece",
  },
});
