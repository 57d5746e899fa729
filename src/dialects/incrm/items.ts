import { TAX_CATEGORIES } from "../../fields/items.ts";
import type { Translation, Values } from "../dialect.ts";
import { isObject } from "../vocabulary.ts";
import { decimal } from "./decimal.ts";

const text = { type: "string" };
const number = { type: "number" };

/** What an item is called there, and here. */
const WORDS: Readonly<Record<string, { ours: string; schema: Values; value?: Translation }>> = {
  description: { ours: "description", schema: text },
  product: { ours: "product", schema: text },
  service: { ours: "service", schema: text },
  quantity: { ours: "quantity", schema: number },
  unit: { ours: "unit", schema: text },
  unitPrice: { ours: "unit_price_cents", schema: number, value: decimal },
  discountPercent: { ours: "discount_percent", schema: number },
  taxRate: { ours: "tax_rate", schema: number },
  taxCategory: { ours: "tax_category", schema: { type: "string", enum: TAX_CATEGORIES } },
  taxReason: { ours: "tax_reason", schema: text },
  net: { ours: "net_cents", schema: number, value: decimal },
};
const HERE = new Map(Object.entries(WORDS).map(([theirs, word]) => [word.ours, { ...word, theirs }]));

/** The items of an invoice or a quote, with prices as decimal numbers. */
export const items: Translation = {
  per: decimal.per!,
  schema: {
    type: "array",
    items: {
      type: "object",
      properties: Object.fromEntries(Object.entries(WORDS).map(([theirs, { schema }]) => [theirs, schema])),
      additionalProperties: false,
    },
  },
  words: Object.fromEntries(Object.entries(WORDS).map(([theirs, { ours }]) => [ours, theirs])),
  ours(sent, currency) {
    if (!Array.isArray(sent) || !sent.every(isObject)) throw new TypeError(EXPECTED);
    return sent.map((item) => Object.fromEntries(Object.entries(item).map(([name, value]) => pairHere(name, value, currency))));
  },
  theirs: (held, currency) =>
    (held as Values[]).map((item) =>
      Object.fromEntries(Object.entries(item).map(([name, value]) => pairThere(name, value, currency))),
    ),
};

const EXPECTED = `a list of objects such as {"description":"Consulting","quantity":2,"unitPrice":150}; keys: ${Object.keys(WORDS).join(", ")}`;

function pairHere(name: string, value: unknown, currency: unknown): [string, unknown] {
  const word = Object.hasOwn(WORDS, name) ? WORDS[name] : undefined;
  if (!word) throw new TypeError(EXPECTED);
  return [word.ours, word.value ? word.value.ours(value, currency) : value];
}

function pairThere(name: string, value: unknown, currency: unknown): [string, unknown] {
  const word = HERE.get(name);
  return word ? [word.theirs, word.value ? word.value.theirs(value, currency) : value] : [name, value];
}
