import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { collapsed, isVisible } from "../kit/text.ts";
import { Fault } from "./fault.ts";
import { storable } from "./text.ts";

/** The parts that steps and questions are made of, each read with a refusal that says where it stands. */

export type Parts = Readonly<Record<string, unknown>>;

export const isParts = (value: unknown): value is Parts => typeof value === "object" && value !== null && !Array.isArray(value);

/** An object that has no other keys than these. */
export function readParts(value: unknown, place: string, keys: readonly string[], such: string): Parts {
  if (!isParts(value)) throw new Fault(`${place} is no object such as ${such}`);
  for (const key of Object.keys(value)) {
    if (keys.includes(key)) continue;
    const near = meantBy(key, keys);
    throw new Fault(`${place} has no ${echo(key)}: ${near[0] ? `did you mean ${near[0]}? ` : ""}it takes ${keys.join(", ")}`);
  }
  return value;
}

/** One of a few words. */
export function readWord<Word extends string>(value: unknown, place: string, words: readonly Word[]): Word {
  const word = typeof value === "string" ? value.trim().toLowerCase() : value;
  const found = words.find((each) => each === word);
  if (found !== undefined) return found;
  const said =
    value == null
      ? "says no type"
      : `has the type ${typeof value === "string" ? echo(value, 40) : JSON.stringify(value)?.slice(0, 40)}`;
  const near = typeof word === "string" ? meantBy(word, words) : [];
  throw new Fault(`${place} ${said}: ${near[0] ? `did you mean ${near[0]}? it is one of ` : ""}${words.join(", ")}`);
}

/** What others call the parts, and the types, of steps and questions: the first that there is here is meant. */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  ...{
    name: ["id"],
    key: ["id"],
    question: ["text", "label"],
    title: ["text", "label"],
    label: ["text"],
    text: ["label", "question"],
  },
  ...{ choices: ["options", "select"], values: ["options"], mandatory: ["required"], help: ["hint"], description: ["hint"] },
  ...{
    select: ["choice"],
    radio: ["choice"],
    dropdown: ["choice"],
    enum: ["choice"],
    choice: ["select"],
    multiselect: ["choices"],
  },
  ...{
    checkboxes: ["choices"],
    string: ["text", "question"],
    textarea: ["long_text"],
    open: ["question"],
    say: ["instruction"],
  },
  ...{
    int: ["integer"],
    float: ["number"],
    decimal: ["number"],
    bool: ["boolean", "yesno"],
    boolean: ["yesno"],
    yesno: ["boolean"],
  },
};

function meantBy(said: string, known: readonly string[]): string[] {
  const meant = Object.hasOwn(ELSEWHERE, said) ? ELSEWHERE[said]!.filter((each) => known.includes(each)) : [];
  return meant.length > 0 ? meant.slice(0, 1) : nearest(said, known, 1);
}

/** Text that can be seen. */
export function readText(value: unknown, place: string, what: string, most: number): string {
  if (typeof value !== "string" || !isVisible(value)) throw new Fault(`${place} needs ${what}: a text that can be seen`);
  if (value.length > most) throw new Fault(`the ${what} of ${place} has ${value.length} characters: ${most} are the most`);
  if (!storable(value)) throw new Fault(`the ${what} of ${place} holds a NUL character or half a character`);
  return value;
}

/** Letters and digits of any script, `_` and `-`: an id stands in the name of a filter and on the line. */
const ID = /^(?!.*\p{Default_Ignorable_Code_Point})[\p{L}\p{N}_][\p{L}\p{N}\p{M}_-]{0,59}$/u;

export function readPartId(value: unknown, place: string): string | undefined {
  if (value == null || value === "") return undefined;
  const id = typeof value === "number" ? String(value) : value;
  if (typeof id === "string" && ID.test(id) && id !== "__proto__" && storable(id)) return id;
  throw new Fault(
    `the id of ${place} cannot be ${typeof id === "string" ? echo(id, 40) : "that"}: letters, digits, _ and -, at most 60`,
  );
}

/** The ids of all parts, given to those that come without one. Two of one id are refused. */
export function giveIds(parts: readonly { id: string; place: string }[], letter: string): void {
  const places = new Map<string, string>();
  for (const { id, place } of parts) {
    if (id === "") continue;
    const other = places.get(id);
    if (other !== undefined) throw new Fault(`${other} and ${place} have the same id ${id}: each needs its own`);
    places.set(id, place);
  }
  let n = 0;
  for (const part of parts) {
    n += 1;
    if (part.id !== "") continue;
    let id = `${letter}${n}`;
    for (let i = 2; places.has(id); i++) id = `${letter}${n}_${i}`;
    places.set(id, part.place);
    part.id = id;
  }
}

const MOST_OPTIONS = 50;

/** What can be chosen from: texts on one line that differ by more than letter case. */
export function readOptions(value: unknown, place: string): string[] {
  if (!Array.isArray(value)) throw new Fault(`the options of ${place} are a list of texts: ["Yes","No"]`);
  if (value.length > MOST_OPTIONS) throw new Fault(`${place} has ${value.length} options: ${MOST_OPTIONS} are the most`);
  const options = value.map((each) => readLabel(each, `an option of ${place}`));
  const folded = options.map((option) => option.toLowerCase());
  const twice = options.find((_, i) => folded.indexOf(folded[i]!) < i);
  if (twice !== undefined) throw new Fault(`${place} has the option ${echo(twice)} twice`);
  return options;
}

export const readLabel = (value: unknown, place: string): string => collapsed(readText(value, place, "label", 200));
