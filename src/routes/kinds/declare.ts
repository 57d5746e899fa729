import { letterOf } from "../../derive/slots.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import type { Catalog } from "../../records/catalog.ts";
import type { Kind } from "../../records/kind.ts";
import type { OwnField } from "../../records/own.ts";
import { ownType } from "../../records/ownTypes.ts";
import { isServiceName, RESERVED_KINDS } from "../../records/reserved.ts";
import { type Declared, invalid } from "./read.ts";

/** Refuses names of kinds that mean something else already. */
export function checkKindName(name: string, plural: string, catalog: Catalog): void {
  for (const [part, text] of [
    ["name", name],
    ["plural", plural],
  ] as const) {
    if (!/^[a-z][a-z0-9_]{1,39}$/.test(text))
      throw invalid(`${part} cannot be ${echo(text)}`, "small letters, digits and _, 2 to 40 of them, a letter first: vehicle");
    if (isServiceName(text) || RESERVED_KINDS.includes(text))
      throw invalid(
        `a kind cannot be called ${text}: the service uses that name, or will`,
        "take another, such as fleet_vehicle",
      );
    const other = catalog.get(text) ?? catalog.byPlural(text);
    if (other)
      throw new Problem("already_exists", `there is a kind ${other.name} already`, [
        `add fields to it: POST /kinds/${other.name}/fields {"name":"km","type":"integer"}; GET /kinds/${other.name} shows it`,
      ]);
  }
  if (name === plural) throw invalid("name and plural are two words", `"name":"${name}","plural":"${name}s"`);
}

/** Puts fields where they are kept: each gets a slot of its letter that no field of the kind has had. */
export function withSlots(
  fields: readonly Declared[],
  before: readonly OwnField[],
  special: ReadonlyMap<Declared, string> = new Map(),
): OwnField[] {
  const last = new Map<string, number>();
  for (const { column } of before) last.set(column[0]!, Math.max(last.get(column[0]!) ?? 0, Number(column.slice(1))));
  return fields.map((field) => {
    const given = special.get(field);
    if (given !== undefined) return { ...field, column: given };
    const letter = letterOf(ownType(field));
    const number = (last.get(letter) ?? 0) + 1;
    last.set(letter, number);
    return { ...field, column: `${letter}${number}` };
  });
}

/** A prefix of ids that no kind of the workspace has: `z` and up to three letters of the name. */
export function prefixFor(name: string, taken: ReadonlySet<string>): string {
  const letters = name.replace(/[^a-z]/g, "");
  const candidates = [1, 2, 3].map((count) => `z${letters.slice(0, count)}`);
  for (let n = 0; n < 26 ** 3; n++) candidates.push(`z${lettersOf(n)}`);
  return candidates.find((prefix) => !taken.has(prefix))!;
}

function lettersOf(n: number): string {
  const letter = (of: number) => String.fromCharCode(97 + (of % 26));
  return letter(Math.floor(n / 676)) + letter(Math.floor(n / 26)) + letter(n);
}

/** What may be sent of a kind, by field: as POST /kinds takes it. */
export function typesOf(kind: Kind, own: readonly OwnField[]): Record<string, unknown> {
  const declared = new Map(own.map((field) => [field.name, field]));
  return Object.fromEntries(
    kind.fields
      .filter((field) => !field.readOnly && !field.type.borrowed)
      .map((field) => {
        const { required, type, name, initially } = field;
        const mine = declared.get(name);
        const said = {
          type: mine?.type ?? (type.link ? "link" : type.name.replaceAll(" ", "_")),
          ...(type.link ? { link: type.link.target } : {}),
          ...(type.choices && type.name === "choice" ? { choices: type.choices } : {}),
          ...(required ? { required } : {}),
          ...(initially === undefined ? {} : { initially }),
          ...(mine?.hidden ? { hidden: true } : {}),
          ...(mine?.about === undefined ? {} : { about: mine.about }),
        };
        const { type: only, ...more } = said;
        if (Object.keys(more).length === 0) return [name, only];
        return [name, only === "link" || only === "choice" ? more : said];
      }),
  );
}
