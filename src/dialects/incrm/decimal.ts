import type { Translation } from "../dialect.ts";

/** Money is a decimal number there, and whole cents with us. */
export const decimal: Translation = {
  schema: { type: "number" },
  ours(value) {
    const cents = typeof value === "number" || typeof value === "string" ? centsOf(String(value)) : undefined;
    if (cents === undefined) throw new TypeError("an amount such as 150 or 99.95, with two decimals at most");
    return cents;
  },
  theirs: (value) => Number(value) / 100,
};

/** Without floating point: 1.15 * 100 is not 115. */
function centsOf(text: string): number | undefined {
  const [, sign = "", whole = "", part = ""] = /^(-?)(\d{1,13})(?:\.(\d{1,2})0*)?$/.exec(text) ?? [];
  return whole === "" ? undefined : Number(`${sign}${whole}${part.padEnd(2, "0")}`);
}
