import { z } from "zod";
import { netOf } from "../kit/amounts.ts";
import { parseExact } from "../kit/json.ts";
import { quoteIfNeeded } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import { isVisible } from "../kit/text.ts";
import { decimalType, percentType } from "./decimal.ts";
import { NULLS } from "./operators.ts";
import { storable } from "./text.ts";
import type { FieldType } from "./type.ts";

/** What is on a document, line by line: a list of objects, kept as JSON in the order in which they were sent. */

/** How a rate is meant (UNCL 5305): standard, zero, exempt, reverse charge, export. */
export const TAX_CATEGORIES = ["S", "Z", "E", "AE", "G"] as const;
export type TaxCategory = (typeof TAX_CATEGORIES)[number];

/** An item as it is kept. Where it names a record, by its whole id, that record gave what was not sent. */
export type Item = {
  [link: string]: unknown;
  description: string;
  quantity: number;
  unit?: string;
  unit_price_cents: number;
  discount_percent?: number;
  tax_rate: number;
  tax_category: TaxCategory;
  tax_reason?: string;
};

/** An item as it is sent: a record that it names gives what is missing, and the workspace the tax rate. */
export type SentItem = Partial<Item> & { net_cents?: number };

const MOST_ITEMS = 500;
const phrase = (most: number) => z.string().max(most).refine(storable);

/** Why a rate is 0, where the law wants it said and the item does not. */
const REASONS: Partial<Record<TaxCategory, string>> = { AE: "Reverse charge", G: "Export outside the EU" };

/** `links`: under which names an item may point to a record. */
export function itemsType(links: readonly string[]): FieldType {
  const shape = {
    ...Object.fromEntries(links.map((name) => [name, phrase(500).optional().describe(`a ${name}: its id, sku or name`)])),
    description: phrase(1_000).optional(),
    quantity: (decimalType.schema as z.ZodNumber).optional().describe("1 unless sent"),
    unit: phrase(60).optional(),
    unit_price_cents: z.int().min(0).optional().describe("net price of one unit"),
    discount_percent: (percentType.schema as z.ZodNumber).optional(),
    tax_rate: (percentType.schema as z.ZodNumber).optional().describe("in percent; the workspace's unless sent"),
    tax_category: z.enum(TAX_CATEGORIES).optional().describe("S standard, Z zero, E exempt, AE reverse charge, G export"),
    tax_reason: phrase(500).optional().describe("why the rate is 0"),
    net_cents: z.int().optional().describe("as it was shown; it is worked out, so it may be left out"),
  };
  const item = z.strictObject(shape);
  const names = Object.keys(shape);
  return {
    name: "items",
    sqlType: "jsonb",
    operators: NULLS,
    expects: `a list of at most ${MOST_ITEMS} objects such as {"description":"Panel","quantity":2,"unit_price_cents":18900,"tax_rate":19}; keys: ${names.join(", ")}`,
    schema: z.array(item).max(MOST_ITEMS),
    refusal: "invalid_value",
    fromText: (text) => {
      try {
        return parseExact(text);
      } catch (error) {
        if (error instanceof Problem) throw error;
        return text;
      }
    },
    toColumn: (value) => {
      const items = value as SentItem[];
      return items.length === 0 ? null : items;
    },
    predicate: () => undefined,
    toLine: (items: readonly Item[]) => quoteIfNeeded(JSON.stringify(items.map(shownItem))),
    toJson: (items: readonly Item[]) => JSON.stringify(items.map(shownItem)),
    absent: "[]",
    long: true,
    rows: (items: readonly Item[]) =>
      items.map((one, i) => ({
        name: String(i + 1),
        pairs: Object.entries(shownItem(one)).map(([key, value]) => [key, String(value)]),
      })),
    items: { links, fault: (value) => faultOf(item, names, value) },
  };
}

/** What an item is shown with, in the order of its keys: PostgreSQL keeps none. */
function shownItem(item: Item): Record<string, unknown> {
  const { description, quantity, unit, unit_price_cents, discount_percent, tax_rate, tax_category, tax_reason, ...links } =
    item;
  const net = Number(netOf(item));
  const shown = {
    description,
    ...links,
    quantity,
    unit,
    unit_price_cents,
    discount_percent,
    tax_rate,
    tax_category,
    tax_reason,
  };
  return Object.fromEntries(Object.entries({ ...shown, net_cents: net }).filter(([, value]) => value != null));
}

/** What others call the parts of an item. */
const ALSO: Readonly<Record<string, string>> = {
  ...{ qty: "quantity", count: "quantity", name: "description", title: "description", text: "description" },
  ...{
    price: "unit_price_cents",
    unit_price: "unit_price_cents",
    amount_cents: "unit_price_cents",
    amount: "unit_price_cents",
  },
  ...{ vat: "tax_rate", tax: "tax_rate", vat_rate: "tax_rate", discount: "discount_percent", sku: "product" },
};

/** What is wrong with which item, in words. */
function faultOf(item: z.ZodType, names: readonly string[], value: unknown): string | undefined {
  if (!Array.isArray(value)) return undefined;
  for (const [i, each] of value.entries()) {
    const issue = item.safeParse(each).error?.issues[0];
    if (!issue) continue;
    if (issue.code === "unrecognized_keys") {
      const key = issue.keys[0]!;
      const meant = Object.hasOwn(ALSO, key) ? ALSO[key] : nearest(key, names, 1)[0];
      return `item ${i + 1} has no ${key}: ${meant === undefined ? "" : `did you mean ${meant}? `}${names.join(", ")}`;
    }
    return `item ${i + 1}: ${issue.path.join(".") || "it"}: ${issue.message}`;
  }
  return undefined;
}

/** Makes a sent item, filled as far as others could, one that can be kept. */
export function completeItem(sent: SentItem, place: number, taxRate: number): Item {
  const { net_cents, ...item } = sent;
  const missing = (what: string, hint: string) => new Problem("missing_field", `item ${place} needs ${what}`, hint);
  if (item.description === undefined || !isVisible(item.description))
    throw missing("a description, or a record that has one", '{"description":"Consulting","unit_price_cents":9500}');
  if (item.unit_price_cents === undefined) throw missing("unit_price_cents", "the net price of one unit, a whole number");
  const rate = item.tax_rate ?? (item.tax_category === undefined || item.tax_category === "S" ? taxRate : 0);
  const category = item.tax_category ?? (rate > 0 ? "S" : item.tax_reason ? "E" : "Z");
  if ((category === "S") !== rate > 0)
    throw new Problem("invalid_value", `item ${place} has the tax category ${category} and the rate ${rate}`, [
      "S goes with a rate above 0, every other category with 0",
    ]);
  const reason = item.tax_reason ?? REASONS[category];
  if (category === "E" && !reason)
    throw missing(
      "tax_reason",
      'an exempt item says why: {"tax_category":"E","tax_reason":"Article 132 of Directive 2006/112/EC"}',
    );
  if (reason !== undefined && (category === "S" || category === "Z"))
    throw new Problem("invalid_value", `item ${place} has a tax_reason, which the category ${category} does not take`, [
      "leave it out, or send a tax_category: E, AE or G",
    ]);
  const { tax_reason: _, ...rest } = item;
  const whole: Item = {
    ...rest,
    description: item.description,
    quantity: item.quantity ?? 1,
    unit_price_cents: item.unit_price_cents,
    tax_rate: rate,
    tax_category: category,
    ...(reason === undefined ? {} : { tax_reason: reason }),
  };
  const net = netOf(whole);
  if (net_cents !== undefined && BigInt(net_cents) !== net)
    throw new Problem("invalid_value", `the net_cents of item ${place} comes to ${net}, not ${net_cents}`, [
      "it is worked out: leave it out when you send items",
    ]);
  return whole;
}

/** The tax on each rate, as sql/0033 has worked it out. */
export type TaxLine = {
  tax_category: TaxCategory;
  tax_rate: number;
  net_cents: number;
  tax_cents: number;
  tax_reason?: string;
};

const shownTax = ({ tax_category, tax_rate, net_cents, tax_cents, tax_reason }: TaxLine) => ({
  tax_rate,
  tax_category,
  net_cents,
  tax_cents,
  ...(tax_reason ? { tax_reason } : {}),
});

/** One line a tax rate. */
export const taxesType: FieldType = {
  name: "taxes",
  sqlType: "jsonb",
  operators: NULLS,
  expects: "a list of objects, one a tax rate",
  schema: z.array(
    z.object({
      tax_rate: z.number(),
      tax_category: z.enum(TAX_CATEGORIES),
      net_cents: z.int(),
      tax_cents: z.int(),
      tax_reason: z.string().optional(),
    }),
  ),
  refusal: "invalid_value",
  fromText: (text) => text,
  toColumn: (value) => value,
  predicate: () => undefined,
  toLine: (taxes: readonly TaxLine[]) => quoteIfNeeded(JSON.stringify(taxes.map(shownTax))),
  toJson: (taxes: readonly TaxLine[]) => JSON.stringify(taxes.map(shownTax)),
  absent: "[]",
  rows: (taxes: readonly TaxLine[]) =>
    taxes.map((tax, i) => ({
      name: `tax${i + 1}`,
      pairs: Object.entries(shownTax(tax)).map(([key, value]) => [key, String(value)]),
    })),
};

/** A party of a document, as it was when the document was issued. */
export type Party = Partial<
  Record<
    | "name"
    | "contact"
    | "street"
    | "postal_code"
    | "city"
    | "region"
    | "country"
    | "tax_id"
    | "registration_id"
    | "endpoint"
    | "email"
    | "phone"
    | "iban"
    | "bic",
    string
  >
>;

export const partyType: FieldType = {
  name: "party",
  sqlType: "jsonb",
  operators: NULLS,
  expects: "an object with name, street, postal_code, city, country, tax_id",
  schema: z.record(z.string(), z.string()),
  refusal: "invalid_value",
  fromText: (text) => text,
  toColumn: (value) => value,
  predicate: () => undefined,
  toLine: (party: Party) => quoteIfNeeded(JSON.stringify(party)),
  toJson: (party: Party) => JSON.stringify(party),
};
