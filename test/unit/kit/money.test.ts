import assert from "node:assert/strict";
import { test } from "node:test";
import { isCurrency } from "../../../src/kit/money.ts";

test("a currency is an ISO 4217 code in upper case", () => {
  for (const code of ["EUR", "USD", "JPY", "KWD", "CHF", "INR", "CLF", "VED", "UYW", "XAU", "XCG", "XXX"])
    assert.equal(isCurrency(code), true, code);
  for (const code of ["eur", "Eur", "", "EU", "EURO", "ZZZ", "€", " EUR", "__proto__"])
    assert.equal(isCurrency(code), false, code);
});
