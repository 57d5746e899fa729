import type { FieldSpec } from "../fields/spec.ts";
import { cents, items, party, phrase, taxes } from "../fields/vocabulary.ts";

/** What quotes and invoices have in common. */

/** What an item takes from the product or service that it names. */
const FROM_CATALOGUE = {
  description: "name",
  unit: "unit",
  unit_price_cents: "unit_price_cents",
  tax_rate: "tax_rate",
  currency: "currency",
} as const;

export const soldItems = items(
  { product: FROM_CATALOGUE, service: FROM_CATALOGUE },
  {
    about: "what it is about: each with quantity, unit_price_cents, tax_rate; a product or service gives what you leave out",
    also: ["lines", "line_items", "positions", "products"],
  },
);

/** Totals; `negativeWith` names the link of documents that take back, whose totals count below zero. */
export const totals = (negativeWith?: string): Record<"net_cents" | "tax_cents" | "gross_cents" | "taxes", FieldSpec> => {
  const total = (figure: "net" | "tax" | "gross" | "taxes") => ({
    readOnly: true,
    computed: { is: "total", figure, of: "items", ...(negativeWith === undefined ? {} : { negativeWith }) } as const,
  });
  return {
    net_cents: cents({ about: "the sum of the items without tax", sort: true, ...total("net") }),
    tax_cents: cents({ about: "the tax on it, rounded for each rate", ...total("tax") }),
    gross_cents: cents({ about: "what is to be paid in all", sort: true, ...total("gross") }),
    taxes: taxes({ about: "the tax of each rate", ...total("taxes"), optional: true }),
  };
};

export const parties = {
  buyer: party({ about: "whom it is for, as it was when it was given out", readOnly: true, kept: true, optional: true }),
  seller: party({ about: "the letterhead of the workspace, as it was then", readOnly: true, kept: true, optional: true }),
} as const;

export const numbered = {
  number: phrase(
    { about: "given with its issue, without gaps", readOnly: true, kept: true, optional: true, sort: true, search: true },
    100,
  ),
} as const;

export const exampleItems = [
  {
    description: "Solar panel 400 W",
    quantity: 12,
    unit: "piece",
    unit_price_cents: 18900,
    tax_rate: 19,
    tax_category: "S",
  },
];

/** What these items come to. */
export const exampleTotals = {
  net_cents: 226800,
  tax_cents: 43092,
  gross_cents: 269892,
  taxes: [{ tax_rate: 19, tax_category: "S", net_cents: 226800, tax_cents: 43092 }],
};
