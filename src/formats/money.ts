/** Money in cells: a currency or decimals tell that an amount is in whole units, a bare whole number is in cents unless its column tells otherwise. */
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import { derived } from "../records/derived.ts";
import { currencyOf, type Field, type Kind, writable } from "../records/kind.ts";
import type { Column } from "./files/columns.ts";
import { fold } from "./files/fold.ts";
import { type Amount, createDecimalSign, type DecimalSign, readAmount, toSmallestUnit } from "./files/numbers.ts";

/** The amount of a record, where the kind has one. */
const AMOUNT = "amount";
const IN_CENTS = "_cents";

const moneyOf = derived((kind: Kind): readonly Field[] => writable(kind).filter(({ type }) => type.money));

/** Names under which a field in cents takes whole units: `unit_price` for `unit_price_cents`, `amount` for what the kind adds up. */
export const wholeUnits = derived((kind: Kind): ReadonlyMap<string, Field> => {
  const money = moneyOf(kind);
  const named = money.map((field) => [field.name.slice(0, -IN_CENTS.length), field] as const);
  const summed = money.filter(({ name }) => name === kind.sums?.amount).map((field) => [AMOUNT, field] as const);
  const all = [...named.filter(([, { name }]) => name.endsWith(IN_CENTS)), ...summed];
  return new Map(all.filter(([name]) => !kind.field(name)));
});

const isMoney = (kind: Kind, name: string) => kind.field(name)?.type.money === true;

/** Whether a column is called cents. */
export const saysCents = (name: string): boolean => /cents?$/.test(fold(name));

/** What all amounts of a column tell. `units`: bare whole numbers are whole units, for others of the column have decimals or a currency. */
export type MoneyFacts = { signs: Record<string, DecimalSign>; units?: string[] };

export type MoneyColumns = {
  /** A column whose name says cents keeps its whole numbers cents. */
  note: (columns: readonly Column[]) => void;
  see: (name: string, cell: string) => void;
  facts: () => MoneyFacts;
};

export function createMoneyColumns(kind: Kind): MoneyColumns {
  const signs = new Map<string, ReturnType<typeof createDecimalSign>>();
  const saidCents = new Set<string>();
  const seen = new Set<string>();
  return {
    note(columns) {
      for (const { name, field } of columns) if (field !== undefined && saysCents(name)) saidCents.add(field);
    },
    see(name, cell) {
      if (!isMoney(kind, name) && !wholeUnits(kind).has(name)) return;
      const sign = signs.get(name) ?? createDecimalSign();
      signs.set(name, sign);
      sign.see(cell);
      if (isMoney(kind, name) && !saidCents.has(name) && isAmountCell(cell)) seen.add(name);
    },
    facts: () => ({
      signs: Object.fromEntries([...signs].flatMap(([name, each]) => (each.sign() ? [[name, each.sign()!]] : []))),
      ...(seen.size > 0 && { units: [...seen] }),
    }),
  };
}

/** One zero behind the point is what programs make of a whole number that they took for a float. */
const isAmount = ({ decimal, signed }: Amount) => signed || (decimal.includes(".") && !/\.0$/.test(decimal));

function isAmountCell(cell: string): boolean {
  const found = readAmount(cell, false);
  return found !== undefined && isAmount(found);
}

/** How the amounts of a column are read, for people; undefined where they are none. */
export function moneyShown(kind: Kind, name: string, { units = [] }: Partial<MoneyFacts>): string | undefined {
  if (wholeUnits(kind).has(name) || (isMoney(kind, name) && units.includes(name))) return "in whole units of the currency";
  return isMoney(kind, name) ? "in cents, but for amounts with decimals or a currency" : undefined;
}

type Read = { field: Field; cell: unknown; amount: Amount | undefined };

/**
 * Puts the amounts of a row into its values, in the smallest unit of their currency: that of the cells, that of the row, or `usual`. `fields` are
 * the row as it was staged.
 */
export function putMoney(
  kind: Kind,
  values: Record<string, unknown>,
  fields: Readonly<Record<string, unknown>>,
  { signs, units = [] }: MoneyFacts,
  usual: string,
): void {
  const read: Read[] = [];
  for (const [name, field] of wholeUnits(kind)) {
    const cell = fields[name];
    if (cell === undefined || cell === null) continue;
    read.push({ field, cell, amount: readAmount(String(cell), true, typeof cell === "number" ? "." : signs[name]) });
  }
  for (const field of moneyOf(kind)) {
    const cell = fields[field.name];
    if (typeof cell !== "string") continue;
    const isUnits = units.includes(field.name);
    const amount = readAmount(cell, isUnits, signs[field.name]);
    if (isUnits || (amount && isAmount(amount))) read.push({ field, cell, amount });
    else values[field.name] = amount?.decimal.replace(/\.0$/, "") ?? cell;
  }
  if (read.length > 0) putAll(read, values, currencyOf(kind), usual);
}

function putAll(read: readonly Read[], values: Record<string, unknown>, per: Field | undefined, usual: string): void {
  const sent = per && values[per.name];
  let currency = typeof sent === "string" && sent !== "" ? String(per!.type.fromText(sent)) : undefined;
  const isSaid = currency !== undefined;
  for (const { field, cell, amount } of read) {
    currency ??= amount?.currency;
    if (amount?.currency === undefined || amount.currency === currency) continue;
    throw new Problem("invalid_value", `${field.name} ${echo(String(cell))} is in another currency than ${currency}`, [
      "a row is in one currency: its amounts and its column for the currency say the same",
    ]);
  }
  for (const { field, cell, amount } of read) {
    const cents = amount && toSmallestUnit(amount.decimal, currency ?? usual);
    if (cents === undefined) throw unreadable(field, cell, currency ?? usual);
    values[field.name] = cents;
  }
  // A record that takes its currency from another one has to be in the currency that these amounts were read in.
  const isTaken = per?.initially === undefined && per?.setting === undefined;
  if (per && !isSaid && (currency !== undefined || isTaken)) values[per.name] = currency ?? usual;
}

const unreadable = ({ name }: Field, cell: unknown, currency: string) =>
  new Problem("invalid_value", `${name} ${echo(String(cell))} cannot be read as an amount of ${currency}`, [
    "write 1234.56, or 1.234,56 €",
  ]);
