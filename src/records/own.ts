import type { FieldSpec } from "../fields/spec.ts";
import { currencyType } from "../fields/text.ts";
import { custom, required } from "../fields/vocabulary.ts";
import { atOnce } from "../kit/turns.ts";
import type { Catalog } from "./catalog.ts";
import { compiling } from "./compile.ts";
import type { Declaration } from "./declaration.ts";
import { defineRecord, withFields } from "./define.ts";
import { derived } from "./derived.ts";
import { CURRENCY_SETTING } from "./money.ts";
import { cardOf, identityOf, reminderOf } from "./ownSources.ts";
import { exampleOfType, keyType, ownType, titleType } from "./ownTypes.ts";

/** A field that a workspace has declared, as it is stored. `column` is its slot in `own` (derive/slots.ts), which never changes. */
export type OwnField = {
  name: string;
  column: string;
  type: string;
  about?: string;
  required?: boolean;
  /** It shows only where it is asked for by name. */
  hidden?: boolean;
  link?: string;
  choices?: readonly string[];
  initially?: string | number | boolean;
};

/** A kind that a workspace has declared; of a built-in kind, the fields that it has added. */
export type OwnKind = {
  id: string;
  name: string;
  /** Null for a built-in kind. */
  plural: string | null;
  prefix: string | null;
  declaration: {
    about: string;
    title?: string;
    natural_key?: string;
    reminder?: { at: string; note?: string; owner?: string; done?: string };
    fields: readonly OwnField[];
  };
  version: number;
  deleted_at: string | null;
  /** With the version it tells whether a stored kind is still what it was. */
  updated_at?: string;
};

/** The kinds of a workspace: the built-in ones with the fields that it has added, and its own. Those that are deleted are left out. */
export const compileOwn = (builtIn: readonly Declaration[], own: readonly OwnKind[]): Catalog =>
  atOnce(compilingOwn(builtIn, own));

/** The same piece by piece. What is still declared as in `former` is not made again. */
export function* compilingOwn(
  builtIn: readonly Declaration[],
  own: readonly OwnKind[],
  former?: Catalog,
): Generator<void, Catalog, void> {
  const living = own.filter(({ deleted_at }) => deleted_at === null);
  const names = new Set([...builtIn, ...living].map(({ name }) => name));
  const before = former ? declaredOf(former) : new Map<string, Declared>();
  const declared = new Map<string, Declared>();
  const all: Declaration[] = [];
  const declare = (kind: OwnKind, make: (fields: readonly OwnField[]) => Declaration): Declaration => {
    const lost = kind.declaration.fields.filter(({ link }) => link !== undefined && !names.has(link));
    const fields = kind.declaration.fields.filter((field) => !lost.includes(field));
    const key = keyOf(kind, lost);
    const known = before.get(kind.name);
    const declaration = key !== undefined && known?.key === key ? known.declaration : make(fields);
    if (key !== undefined) declared.set(kind.name, { key, declaration });
    return declaration;
  };
  const added = new Map(living.filter(({ prefix }) => prefix === null).map((kind) => [kind.name, kind]));
  for (const declaration of builtIn) {
    const kind = added.get(declaration.name);
    const has = kind && kind.declaration.fields.length > 0;
    all.push(
      has
        ? declare(kind, (fields) => withFields(declaration, specsOf(fields, { hasCurrency: hasCurrency(declaration) })))
        : declaration,
    );
  }
  for (const kind of living.filter(({ prefix }) => prefix !== null)) {
    all.push(declare(kind, (fields) => declarationOf(kind, fields)));
    yield;
  }
  const gone = own
    .filter(({ deleted_at, name }) => deleted_at !== null && /^[a-z][a-z0-9_]*$/.test(name))
    .map(({ name }) => name);
  const catalog = yield* compiling(all, gone, former);
  for (const [name, each] of declared) declaredOf(catalog).set(name, each);
  return catalog;
}

const hasCurrency = ({ fields }: Declaration) => Object.values(fields).some(({ type }) => type === currencyType);

/** A declaration, and the stored kind that it was made of. */
type Declared = { key: string; declaration: Declaration };

const declaredOf = derived((_: Catalog) => new Map<string, Declared>());

/** Undefined of what is not stored yet. Fields lead nowhere where the kind that they link to is deleted. */
const keyOf = ({ id, version, updated_at }: OwnKind, lost: readonly OwnField[]): string | undefined =>
  updated_at === undefined ? undefined : `${id} ${version} ${updated_at} ${lost.map(({ name }) => name)}`;

/** The same with the kinds that are deleted: as what a file of the workspace holds is read. */
export const compilingWhole = (builtIn: readonly Declaration[], own: readonly OwnKind[], former?: Catalog) =>
  compilingOwn(
    builtIn,
    own.map((kind) => ({ ...kind, deleted_at: null })),
    former,
  );

function declarationOf({ name, plural, prefix, declaration }: OwnKind, fields: readonly OwnField[]): Declaration {
  const { about, title, natural_key: naturalKey, reminder } = declaration;
  const nameOf = (column: string | undefined) => fields.find((field) => field.column === column)?.name;
  const key = nameOf(naturalKey);
  const amount = fields.find(({ type }) => type === "cents")?.name;
  const per = fields.find(({ type }) => type === "currency")?.name;
  const source = reminder && reminderOf(reminder, fields, nameOf);
  const identity = identityOf(fields, title);
  const card = cardOf(fields, title);
  return defineRecord({
    name,
    plural: plural!,
    prefix: prefix!,
    shared: true,
    timeline: "records",
    about,
    title: nameOf(title)!,
    ...(key === undefined ? {} : { naturalKey: key }),
    ...(source ? { reminder: source } : {}),
    ...(identity ? { identity } : {}),
    ...(card ? { card } : {}),
    ...(amount && per ? { sums: { amount, per } } : {}),
    fields: {
      ...specsOf(fields, { title, key: naturalKey, shared: true }),
      custom: { ...custom({ about: "your own fields, as custom.<key>" }), column: CUSTOM_SLOT, slot: true },
    },
    example: exampleOf(fields, title),
  });
}

/** Further facts of a record of an own kind. */
export const CUSTOM_SLOT = "j0";

type SpecOptions = { title?: string | undefined; key?: string | undefined; shared?: boolean; hasCurrency?: boolean };

/** `shared`: indexes of its table page it. `hasCurrency`: a field of the built-in kind says what amounts are amounts of. */
function specsOf(
  fields: readonly OwnField[],
  { title, key, shared = false, hasCurrency = false }: SpecOptions,
): Record<string, FieldSpec> {
  const amounts = hasCurrency ? [] : fields.filter(({ type }) => type === "cents");
  const per = amounts.length > 0 ? fields.find(({ type }) => type === "currency") : undefined;
  return Object.fromEntries(
    fields.map((field) => {
      const spec = specOf(field, title, key, shared);
      return [field.name, field === per ? { ...spec, ...ofAmounts(amounts, field) } : spec];
    }),
  );
}

/** The currency of amounts comes with them, and is hidden with the last of them. */
const ofAmounts = (amounts: readonly OwnField[], { initially }: OwnField): Partial<FieldSpec> => ({
  beside: amounts.map(({ name }) => name),
  ...(initially === undefined ? { setting: CURRENCY_SETTING } : {}),
  ...(amounts.every(({ hidden }) => hidden) ? { shown: "asked" } : {}),
});

function specOf(field: OwnField, title: string | undefined, key: string | undefined, shared: boolean): FieldSpec {
  const { column, about, hidden, initially } = field;
  if (!/^[a-z]\d{1,3}$/.test(column)) throw new Error(`${field.name} has no slot`);
  const type = column === key ? keyType(field.type) : column === title ? titleType(field.type) : ownType(field);
  const [letter, number] = [column[0]!, Number(column.slice(1))];
  const spec: FieldSpec = {
    type,
    about: about ?? field.name.replaceAll("_", " "),
    column,
    slot: true,
    ...(initially === undefined ? {} : { initially }),
    ...("takpindm".includes(letter) ? { sort: true } : {}),
    ...("takpwg".includes(letter) ? { search: true } : {}),
    ...(shared && letter === "c" && number <= 4 ? { paged: true } : {}),
    ...(hidden || letter === "v" ? { shown: "asked" as const } : "wj".includes(letter) ? { shown: "detail" as const } : {}),
  };
  return field.required || column === title ? required(spec) : spec;
}

/** The values of the first few fields. */
function exampleOf(fields: readonly OwnField[], title: string | undefined): Record<string, unknown> {
  const isShort = ({ column }: OwnField) => !column.startsWith("v");
  const shown = fields.filter(
    (field, i) => !field.hidden && (field.required || field.column === title || (i < 6 && isShort(field))),
  );
  return Object.fromEntries(
    shown.flatMap((field) => {
      const value = field.column === title && field.type === "text" ? `${field.name} 1` : exampleOfType(field);
      return value === undefined ? [] : [[field.name, value]];
    }),
  );
}
