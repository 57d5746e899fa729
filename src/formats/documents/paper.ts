import type { Item, Party, TaxLine } from "../../fields/items.ts";
import { netOf } from "../../kit/amounts.ts";

/** A document as it is printed, whatever it is printed in. Amounts are in the smallest unit of the currency; a document that takes back has them positive. */
export type Paper = {
  /** What it is: `invoice`, `credit note`, `quote`. */
  name: string;
  takesBack: boolean;
  /** Null of a draft. */
  number: string | null;
  date: string | null;
  due: string | null;
  dueName: string;
  delivered: string | null;
  currency: string;
  heading: string | null;
  note: string | null;
  reference: string | null;
  series: string | null;
  /** The number that a tax authority gave it. */
  mark: string | null;
  /** The number and the day of what it takes back. */
  credits: { number: string; date: string | null } | undefined;
  seller: Party;
  buyer: Party;
  items: readonly Item[];
  taxes: readonly TaxLine[];
  net: bigint;
  tax: bigint;
  gross: bigint;
};

/** The pairs that have a value. */
const told = (pairs: readonly [string, string | null | undefined][]): [string, string][] =>
  pairs.filter((pair): pair is [string, string] => Boolean(pair[1]));

/** What stands above the items, each with its name. */
export const factsOf = ({ date, dueName, due, delivered, reference, credits, buyer }: Paper): [string, string][] =>
  told([
    ["Date", date],
    [dueName, due],
    ["Delivered", delivered],
    ["Reference", reference],
    ["Credits", credits && `${credits.number}${credits.date ? ` of ${credits.date}` : ""}`],
    ["Your VAT number", buyer.tax_id],
  ]);

/** How to pay the seller and to reach them. */
export const footOf = ({ seller }: Paper): [string, string][] =>
  told([
    ["VAT number", seller.tax_id],
    ["IBAN", seller.iban],
    ["BIC", seller.bic],
    ["E-mail", seller.email],
    ["Phone", seller.phone],
  ]);

export const itemNet = (item: Item): bigint => netOf(item);

/** Name and address, a line each. */
export const addressOf = ({ name, contact, street, postal_code, city, region, country }: Party): string[] =>
  [name, contact, street, [postal_code, city].filter(Boolean).join(" "), region, country].filter(
    (line): line is string => line !== undefined && line !== "",
  );

/** `19 % of 2 211.30 EUR`: rates as people write them. */
export const rateText = ({ tax_rate, tax_reason }: TaxLine): string => `${tax_rate} %${tax_reason ? ` (${tax_reason})` : ""}`;
