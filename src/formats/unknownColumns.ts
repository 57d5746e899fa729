/** Hints about columns that nothing knows: what they may mean, and what is still free. */
import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { type Kind, writable } from "../records/kind.ts";
import { type Column, fieldsAnywhere } from "./files/columns.ts";
import { fold } from "./files/fold.ts";
import { saysCents, wholeUnits } from "./money.ts";

/** At most so many columns get a guess. */
const MOST_GUESSED = 10;

export function hintsOf(kind: Kind | undefined, unknown: readonly string[], columns: readonly Column[]): string[] {
  const known = columns.filter(({ field }) => field !== undefined);
  const taken = known.map(({ name, field }) => `${echo(name, 40)} ${field === "" ? "passed over" : `is ${field}`}`);
  const free = kind ? freeNames(kind, new Set(known.map(({ field }) => field!))) : [];
  const guesses = kind ? guessesOf(kind, unknown, free) : [];
  const left = unknown.find((name) => !guesses.some((guess) => guess.name === name)) ?? unknown[0] ?? "";
  const map = `map=${encodeURIComponent(left)}:`;
  return [
    "unknown=keep keeps them as custom.<name>",
    ...(guesses.length > 0
      ? [`you may mean map=${guesses.map(({ name, field }) => `${encodeURIComponent(name)}:${field}`).join(",")}`]
      : []),
    `${map}<field> says what one is, ${map} passes it over`,
    ...(free.length > 0 ? [`fields that are free: ${free.join(", ")}`] : []),
    ...(taken.length > 0 ? [`the others: ${taken.join(", ")}`] : []),
  ];
}

/** Names that a column may be mapped to and that no other column has: of an amount in whole units the one without _cents, too. */
function freeNames(kind: Kind, taken: ReadonlySet<string>): string[] {
  const units = [...wholeUnits(kind)];
  const isTaken = (name: string) => taken.has(name) || units.some(([unit, field]) => field.name === name && taken.has(unit));
  return writable(kind).flatMap(({ name, type, link }) => {
    if (type.members || isTaken(name) || (link && link.id.name === name)) return [];
    return [...units.flatMap(([unit, field]) => (field.name === name ? [unit] : [])), name];
  });
}

function guessesOf(kind: Kind, unknown: readonly string[], free: readonly string[]): { name: string; field: string }[] {
  const left = new Set(free);
  return unknown.slice(0, MOST_GUESSED).flatMap((name) => {
    const field = guessOf(kind, name, [...left]);
    if (field === undefined) return [];
    left.delete(field);
    return [{ name, field }];
  });
}

/** A word that others use for the field, what the column is called in files of other kinds, or a name that is written nearly so. */
function guessOf(kind: Kind, name: string, free: readonly string[]): string | undefined {
  const word = fold(name);
  // A comma parts the columns of map=.
  if (word === "" || name.includes(",")) return undefined;
  const meant = writable(kind).find(({ also }) => also?.some((each) => fold(each) === word))?.name;
  const unit = saysCents(name) ? undefined : [...wholeUnits(kind)].find(([, field]) => field.name === meant)?.[0];
  const [near] = nearest(word, free.map(fold), 1);
  return [unit, meant, ...fieldsAnywhere(name), free.find((each) => fold(each) === near)].find(
    (each) => each !== undefined && free.includes(each),
  );
}
