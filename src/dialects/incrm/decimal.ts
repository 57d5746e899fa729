import { decimalText } from "../../kit/amounts.ts";
import { minorDigits } from "../../kit/money.ts";
import type { Translation } from "../dialect.ts";

/** Money is a decimal number there, and a whole number of the smallest unit of its currency with us. */
export const decimal: Translation = {
  schema: { type: "number" },
  per: "currency",
  ours(value, currency) {
    const digits = minorDigits(String(currency));
    const units = typeof value === "number" || typeof value === "string" ? unitsOf(String(value), digits) : undefined;
    if (units !== undefined) return units;
    const most = digits === 0 ? `without decimals, as ${currency} has none` : `or 99.95, with ${digits} decimals at most`;
    throw new TypeError(`an amount such as 150 ${most}`);
  },
  theirs: (value, currency) => Number(decimalText(value as number, String(currency))),
};

/** Without floating point: 1.15 * 100 is not 115. */
function unitsOf(text: string, digits: number): number | undefined {
  const [, sign = "", whole = "", part = ""] = /^(-?)(\d{1,15})(?:\.(\d+?)0*)?$/.exec(text) ?? [];
  const kept = part === "0" ? "" : part;
  const units = Number(`${sign}${whole}${kept.padEnd(digits, "0")}`);
  return whole !== "" && kept.length <= digits && Number.isSafeInteger(units) ? units : undefined;
}
