import { minorDigits } from "./money.ts";

/**
 * Exact amounts. A decimal is a whole number and the count of its digits behind the point, so that nothing is rounded but the net of
 * a line, as EN 16931 says. Halves are rounded away from zero, as PostgreSQL's `round` of a numeric does (sql/0033 works out the same, and the tax
 * of each rate).
 */
type Decimal = { digits: bigint; scale: number };

/** Of a number that JSON can hold, or its text: `1e-7` too. */
function decimalOf(value: number | string): Decimal {
  const [mantissa = "", exponent = "0"] = String(value).toLowerCase().split("e");
  const [whole = "0", part = ""] = mantissa.split(".");
  const scale = part.length - Number(exponent);
  const digits = BigInt(whole + part);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

const times = (a: Decimal, b: Decimal): Decimal => ({ digits: a.digits * b.digits, scale: a.scale + b.scale });

/** The nearest whole number; halves away from zero. */
function rounded({ digits, scale }: Decimal): bigint {
  const unit = 10n ** BigInt(scale);
  const size = digits < 0n ? -digits : digits;
  const whole = (2n * size + unit) / (2n * unit);
  return digits < 0n ? -whole : whole;
}

/** What is sold: how many, at what price, with what taken off. */
export type Priced = { quantity: number; unit_price_cents: number; discount_percent?: number | null };

/** Quantity times price, before the discount. */
export const grossedOf = ({ quantity, unit_price_cents }: Priced): bigint =>
  rounded(times(decimalOf(quantity), decimalOf(unit_price_cents)));

/** The net amount of a line, in the smallest unit of the currency. */
export function netOf(item: Priced): bigint {
  const { digits, scale } = decimalOf(item.discount_percent ?? 0);
  const left: Decimal = { digits: 100n * 10n ** BigInt(scale) - digits, scale: scale + 2 };
  return rounded(times(times(decimalOf(item.quantity), decimalOf(item.unit_price_cents)), left));
}

/** `123456` cents of EUR -> `1234.56`. */
export function decimalText(cents: bigint | number | string, currency: string): string {
  const amount = BigInt(cents);
  const digits = minorDigits(currency);
  const text = String(amount < 0n ? -amount : amount).padStart(digits + 1, "0");
  const sign = amount < 0n ? "-" : "";
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** `1234.56 EUR`, with a blank between thousands. */
export function amountText(cents: bigint | number | string, currency: string): string {
  const [whole = "", part] = decimalText(cents, currency).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, " ");
  return `${grouped}${part === undefined ? "" : `.${part}`} ${currency}`;
}
