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

export const itemNet = (item: Item): bigint => netOf(item);

/** Name and address, a line each. */
export const addressOf = ({ name, contact, street, postal_code, city, region, country }: Party): string[] =>
  [name, contact, street, [postal_code, city].filter(Boolean).join(" "), region, country].filter(
    (line): line is string => line !== undefined && line !== "",
  );

/** `19 % of 2 211.30 EUR`: rates as people write them. */
export const rateText = ({ tax_rate, tax_reason }: TaxLine): string => `${tax_rate} %${tax_reason ? ` (${tax_reason})` : ""}`;
