/** Numbers and money as spreadsheets show them: `1.234,56`, `1,234.56`, `12 500,00 €`, `(300)`. */

import { isCurrency, minorDigits } from "../../kit/money.ts";

export type Amount = {
  /** Exact, as in `-1234.5`: an optional minus, digits, and a point with digits behind it. */
  decimal: string;
  /** ISO 4217, where the sign or the code names one: `$` and `kr` belong to many. */
  currency?: string;
  /** Whether a sign or a code stands beside it, or what says that there are no cents: `12,-`. */
  signed: boolean;
};

/** The sign before the decimals. */
export type DecimalSign = "." | ",";

/** Signs that mean one currency only. */
const SIGNS: { readonly [sign: string]: string } = {
  "€": "EUR",
  "£": "GBP",
  "₹": "INR",
  "₩": "KRW",
  "₪": "ILS",
  "₺": "TRY",
  "₽": "RUB",
  "₴": "UAH",
  "₫": "VND",
  "₦": "NGN",
  "฿": "THB",
  zł: "PLN",
  kč: "CZK",
  ft: "HUF",
  lei: "RON",
  r$: "BRL",
  us$: "USD",
  ca$: "CAD",
  c$: "CAD",
  au$: "AUD",
  a$: "AUD",
  nz$: "NZD",
  hk$: "HKD",
  s$: "SGD",
  mx$: "MXN",
  "fr.": "CHF",
  sfr: "CHF",
  "sfr.": "CHF",
};
const SIGNS_OF_MANY = new Set(["$", "¥", "kr", "kr."]);

/** A longer cell is no number, and would take the patterns below long. */
const LONGEST = 60;
const NUMBER = /[.,]?\d(?:[\d.,'\s]*\d)?/;
/** The end of `12,-` and `12.--`, which says that there are no cents. */
const NO_CENTS = /^[.,](?:-{1,2})?(?=\D*$)/;
const NEGATIVE = /^(?:\((.*)\)|-(.*)|([^-]+)-(#.*)|(.*#.*)-)$/;

/**
 * Undefined when it is no number, when its digits are lost as in `4.93E+11`, or when it can be read in two ways. `decimal` is the
 * decimal sign of the column. Without one the point of `1.234` could be either; in money it groups, as hardly any has three decimals.
 */
export function readAmount(cell: string, isMoney: boolean, decimal?: DecimalSign): Amount | undefined {
  const text = cell.trim().replace(/[−–‒]/g, "-").replace(/[’٬]/g, "'");
  if (text.length > LONGEST) return undefined;
  const match = NUMBER.exec(text);
  if (!match) return undefined;
  const [found] = match;
  const before = text.slice(0, match.index);
  const after = text.slice(match.index + found.length);
  const around = `${before}#${after.replace(NO_CENTS, "")}`.replace(/\s/g, "");
  const [isNegative, ...rests] = NEGATIVE.exec(around) ?? [];
  const [front, back] = (isNegative === undefined ? around.replace(/^\+/, "") : rests.join("")).split("#") as [string, string];
  const money = currencyOf(front, back);
  const plain = money && decimalOf(found, isMoney || front + back !== "", decimal);
  if (plain === undefined) return undefined;
  const exact = isNegative !== undefined && /[1-9]/.test(plain) ? `-${plain}` : plain;
  return { decimal: exact, ...money, signed: front + back !== "" || NO_CENTS.test(after) };
}

/** The currency that stands before or after a number, {} when none is named; undefined when that is something else. */
function currencyOf(front: string, back: string): { currency?: string } | undefined {
  const signs = [front, back].filter((sign) => sign !== "").map((sign) => sign.toLowerCase());
  const named = signs.filter((sign) => !SIGNS_OF_MANY.has(sign));
  if (named.length > 1) return undefined;
  if (named.length === 0) return {};
  const code = named[0]!.toUpperCase();
  const currency = SIGNS[named[0]!] ?? (isCurrency(code) ? code : undefined);
  return currency === undefined ? undefined : { currency };
}

function decimalOf(number: string, isMoney: boolean, decimal: DecimalSign | undefined): string | undefined {
  const sign = decimalSignOf(number) ?? decimal ?? (isMoney ? undefined : "unknown");
  if (sign === "unknown" && /[.,]/.test(number)) return undefined;
  const at = sign === "." || sign === "," ? number.lastIndexOf(sign) : -1;
  const whole = at < 0 ? number : number.slice(0, at);
  const fraction = at < 0 ? "" : number.slice(at + 1);
  if (!isGrouped(whole, sign) || /\D/.test(fraction)) return undefined;
  const digits = whole.replace(/\D/g, "").replace(/^0+(?=\d)/, "") || "0";
  return fraction === "" ? digits : `${digits}.${fraction}`;
}

/** The decimal sign of a number that has only one reading; undefined when it has none, or when its one sign may group. */
function decimalSignOf(number: string): DecimalSign | undefined {
  const last = Math.max(number.lastIndexOf("."), number.lastIndexOf(","));
  if (last < 0) return undefined;
  const sign = number[last] as DecimalSign;
  const other = sign === "." ? "," : ".";
  if (number.includes(other)) return sign;
  if (number.indexOf(sign) !== last) return other;
  return /^[1-9]\d{0,2}[.,]\d{3}$/.test(number) ? undefined : sign;
}

/** Digits alone, in groups of three, or as in India in groups of two before the last three. */
function isGrouped(whole: string, sign: string | undefined): boolean {
  if (/^\d*$/.test(whole)) return true;
  const [group] = /\D/.exec(whole)!;
  if (group === sign) return false;
  const groups = whole.split(/\s/.test(group) ? /\s/ : group);
  const [first, ...rest] = groups as [string, ...string[]];
  const isPart = (size: number) => (part: string) => part.length === size && /^\d+$/.test(part);
  if (!/^\d{1,3}$/.test(first) || !isPart(3)(rest.at(-1)!)) return false;
  return rest.every(isPart(3)) || (group === "," && rest.slice(0, -1).every(isPart(2)));
}

/** What the numbers of a column tell of its decimal sign. */
export function createDecimalSign(): { see: (cell: string) => void; sign: () => DecimalSign | undefined } {
  const seen = new Set<DecimalSign>();
  return {
    see: (cell) => {
      const sign = decimalSignOf(NUMBER.exec(cell)?.[0] ?? "");
      if (sign) seen.add(sign);
    },
    sign: () => (seen.size === 1 ? [...seen][0] : undefined),
  };
}

/** An exact decimal in the smallest unit of its currency; undefined when it has more decimals than that, or too many digits. */
export function toSmallestUnit(decimal: string, currency: string): number | undefined {
  const places = minorDigits(currency);
  const [whole, fraction = ""] = decimal.split(".") as [string, string?];
  const kept = fraction.replace(/0+$/, "").padEnd(places, "0");
  const units = Number(`${whole}${kept}`);
  return kept.length === places && Number.isSafeInteger(units) ? units + 0 : undefined;
}
