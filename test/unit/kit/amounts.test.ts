import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { amountText, decimalText, netOf } from "../../../src/kit/amounts.ts";

/** A decimal by its digits: the test computes with fractions of whole numbers, and never with a double. */
const decimal = (most: number, scale: number) =>
  fc.tuple(fc.integer({ min: 0, max: most * 10 ** scale }), fc.constant(scale)).map(([digits, places]) => ({
    value: Number(`${Math.floor(digits / 10 ** places)}.${String(digits % 10 ** places).padStart(places, "0")}`),
    digits: BigInt(digits),
    unit: 10n ** BigInt(places),
  }));

/** Half away from zero, by comparing twice the rest with the divisor. */
function divided(top: bigint, bottom: bigint): bigint {
  const size = top < 0n ? -top : top;
  const whole = size / bottom + (2n * (size % bottom) >= bottom ? 1n : 0n);
  return top < 0n ? -whole : whole;
}

test("the net of a line is the exact product, rounded once", () => {
  fc.assert(
    fc.property(
      decimal(99_999, 3),
      fc.boolean(),
      fc.integer({ min: 0, max: 10_000_000 }),
      decimal(100, 2),
      (quantity, back, price, discount) => {
        const sign = back ? -1n : 1n;
        const top = sign * quantity.digits * BigInt(price) * (100n * discount.unit - discount.digits);
        const expected = divided(top, quantity.unit * 100n * discount.unit);
        const sent = Number(sign) * quantity.value;
        assert.equal(
          netOf({ quantity: sent, unit_price_cents: price, discount_percent: discount.value }),
          expected,
          `${sent} ${price} ${discount.value}`,
        );
      },
    ),
    { numRuns: 500 },
  );
});

test("what floating point gets wrong is right", () => {
  assert.equal(netOf({ quantity: 1.005, unit_price_cents: 100 }), 101n);
  assert.equal(netOf({ quantity: 0.1, unit_price_cents: 25 }), 3n);
  assert.equal(netOf({ quantity: -0.1, unit_price_cents: 25 }), -3n);
  assert.equal(netOf({ quantity: 1e-6, unit_price_cents: 500_000 }), 1n);
});

test("amounts have the decimals of their currency", () => {
  assert.equal(decimalText(5, "EUR"), "0.05");
  assert.equal(decimalText(-123_456n, "EUR"), "-1234.56");
  assert.equal(decimalText(1234, "JPY"), "1234");
  assert.equal(decimalText(1234, "KWD"), "1.234");
  assert.equal(decimalText(1234, "HUF"), "12.34");
  assert.equal(amountText(123_456_789, "EUR"), "1 234 567.89 EUR");
});
