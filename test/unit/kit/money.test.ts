import assert from "node:assert/strict";
import { test } from "node:test";
import { isCurrency, minorDigits } from "../../../src/kit/money.ts";

test("a currency is an ISO 4217 code in upper case", () => {
  for (const code of ["EUR", "USD", "JPY", "KWD", "CHF", "INR", "CLF", "VED", "UYW", "XAU", "XCG", "XXX"])
    assert.equal(isCurrency(code), true, code);
  for (const code of ["eur", "Eur", "", "EU", "EURO", "ZZZ", "€", " EUR", "__proto__"])
    assert.equal(isCurrency(code), false, code);
});

test("a currency has the decimals of ISO 4217, whatever the engine says", () => {
  const digits = { EUR: 2, JPY: 0, KWD: 3, CLF: 4, HUF: 2, IDR: 2, COP: 2, IQD: 3, MGA: 2 };
  for (const [currency, expected] of Object.entries(digits)) assert.equal(minorDigits(currency), expected, currency);
});
