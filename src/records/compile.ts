import type { FieldSpec } from "../fields/spec.ts";
import { atOnce, each } from "../kit/turns.ts";
import type { Catalog } from "./catalog.ts";
import type { Declaration } from "./declaration.ts";
import { derived } from "./derived.ts";
import { columnName, type Field, type Holder, type Kind, type Link, type Mention, SHARED_TABLE, stored } from "./kind.ts";
import { dependentsFirst, holdersOf, linksOf, mentionsOf, resolveMentions } from "./linking.ts";
import { checkName, LIST_PARAMETERS } from "./reserved.ts";
import { resolveTouches, withTouches } from "./touches.ts";

/** Rows a page of a list has at most, where the kind does not say. */
const MOST_ROWS = 200;

/** Compiles the kinds of a workspace: what links to what, and in which order they depend on each other. */
export function compile(declarations: readonly Declaration[], gone: readonly string[] = [], former?: Catalog): Catalog {
  return atOnce(compiling(declarations, gone, former));
}

/**
 * The same piece by piece: it may pause after each kind. A kind whose declaration is one of `former`, and which depends on none that has
 * changed, is the former one, with all that is derived of it.
 */
export function* compiling(
  declarations: readonly Declaration[],
  gone: readonly string[] = [],
  former?: Catalog,
): Generator<void, Catalog, void> {
  const touching = declarations.flatMap((kind) => (kind.touches ?? []).map((touch) => ({ kind, touch })));
  const changed = yield* changedOf(declarations, former);
  const made: Compiling[] = [];
  const kinds: Kind[] = [];
  for (const declaration of declarations) {
    const known = changed.has(declaration.name) ? undefined : former!.get(declaration.name)!;
    if (known) kinds.push(known);
    else {
      checkName(declaration);
      const kind = compileKind(withTouches(declaration, touching)) as Compiling;
      made.push(kind);
      kinds.push(kind);
      yield;
    }
  }
  const byName = indexBy(kinds, "name");
  const byPlural = indexBy(kinds, "plural");
  const byPrefix = indexBy(kinds, "prefix");
  yield* each(made, (kind) => {
    kind.links = linksOf(kind, byName);
  });
  const holders = holdersOf(kinds);
  const heldBy = (kind: Kind) => holders.get(kind.name) ?? [];
  for (const kind of made) kind.holders = heldBy(kind).filter((holder) => !holder.kind.shared);
  yield* each(made, (kind) => {
    resolveTouches(kind);
    resolveMentions(kind, byName);
  });
  const mentions = mentionsOf(kinds);
  for (const kind of made) kind.mentionedBy = mentions.get(kind.name) ?? [];
  return {
    kinds,
    declarations,
    dependentsFirst: dependentsFirst(kinds, heldBy),
    plurals: new Set(byPlural.keys()),
    gone,
    get: (name) => byName.get(name),
    byPlural: (plural) => byPlural.get(plural),
    byPrefix: (prefix) => byPrefix.get(prefix),
    heldBy,
  };
}

/** The names of kinds that are not as they were: those declared otherwise, and those that depend on them. */
function* changedOf(declarations: readonly Declaration[], former: Catalog | undefined): Generator<void, Set<string>, void> {
  const before = new Set(former?.declarations);
  const changed = new Set(declarations.filter((each) => !before.has(each)).map(({ name }) => name));
  const left = new Set(declarations);
  for (const each of before) if (!left.has(each)) changed.add(each.name);
  const dependents = new Map<string, string[]>();
  const dependOn = (on: string, name: string) => {
    const those = dependents.get(on);
    if (those) those.push(name);
    else dependents.set(on, [name]);
  };
  for (const declaration of declarations) {
    for (const target of targetsOf(declaration)) {
      dependOn(target, declaration.name);
      // It knows its holders, but for the kinds of workspaces.
      if (!declaration.shared) dependOn(declaration.name, target);
    }
    yield;
  }
  const open = [...changed];
  for (let name = open.pop(); name !== undefined; name = open.pop())
    for (const each of dependents.get(name) ?? []) {
      if (changed.has(each)) continue;
      changed.add(each);
      open.push(each);
    }
  return changed;
}

/** The kinds that the fields of a declaration lead to, by name. */
const targetsOf = derived((declaration: Declaration): readonly string[] => {
  const types = Object.values(declaration.fields).map(({ type }) => type);
  return [...new Set(types.flatMap(({ link, mentions }) => [link?.target ?? [], mentions?.target ?? []].flat()))];
});

/** A kind while it is being compiled: its links are known once its fellows are. */
type Compiling = Kind & { links: readonly Link[]; holders: readonly Holder[]; mentionedBy: readonly Mention[] };

/** Compiles one declaration by itself: a view, or a kind before its links are resolved. */
export function compileKind(declaration: Declaration): Kind {
  const fields = Object.entries(declaration.fields).map(([name, spec]) => compileField(declaration, name, spec));
  const byName = new Map(fields.map((field) => [field.name, field]));
  const byColumn = new Map(fields.filter(stored).map((field) => [columnName(field), field]));
  const order = declaration.order ?? "-updated_at";
  const { name, title, titleParts = [], naturalKey, needsOneOf = [], mostRows = MOST_ROWS } = declaration;
  const { doneWhen, ...reminder } = declaration.reminder ?? {};
  const { amount, per } = declaration.sums ?? {};
  const parts: (string | undefined)[] = [
    ...Object.values(reminder),
    ...Object.values(declaration.card ?? {}),
    ...Object.values(declaration.identity ?? {}),
    doneWhen?.field,
    amount,
    per,
    ...(declaration.touches ?? []).flatMap(({ at, links, only }) => [at, ...links, only?.field]),
    declaration.mentions?.at,
    ...(declaration.mentions?.in ?? []),
    declaration.joins?.into,
    declaration.joins?.whom,
    declaration.joins?.state,
    declaration.joins?.by,
    declaration.pipeline?.stage,
    declaration.pipeline?.open.field,
  ];
  const { frozen, document, settles } = declaration;
  parts.push(...(frozen ? [frozen.when, ...frozen.free] : []), settles?.link, settles?.amount, settles?.per, settles?.reverses);
  if (document)
    parts.push(document.items, document.currency, document.number, document.series, document.at, document.date, document.due);
  const others = fields.flatMap(({ derived, wanted, further, turns, sets }) => [
    derived?.field,
    wanted?.field,
    further,
    turns?.at,
    sets?.field,
  ]);
  const wanted = [title, ...titleParts, naturalKey, ...needsOneOf, ...parts, ...others, order.replace("-", "")];
  for (const each of wanted) {
    if (each !== undefined && !byName.has(each)) throw new Error(`${name} has no field ${each}`);
  }
  if (declaration.pipeline && !declaration.sums) throw new Error(`${name} has a pipeline and nothing to add up`);
  if (naturalKey !== undefined && byName.get(naturalKey)!.type.sqlType !== "text")
    throw new Error(`${name}.${naturalKey} is a natural key: it has to be text, by which links can name a record`);
  for (const list of fields) {
    const main = list.further === undefined ? undefined : byName.get(list.further)!;
    if (main?.list) throw new Error(`${name}.${main.name} has two lists of further values`);
    if (main) main.list = list;
  }
  return {
    ...declaration,
    order,
    mostRows,
    fields,
    table: declaration.shared ? SHARED_TABLE : declaration.plural,
    field: (asked) => byName.get(asked),
    stored: (column) => byColumn.get(column),
    titleField: byName.get(title)!,
    keyField: naturalKey === undefined ? undefined : byName.get(naturalKey),
    furtherKey: naturalKey === undefined ? undefined : byName.get(naturalKey)!.list,
    links: [],
    holders: [],
    mentionedBy: [],
  };
}

function compileField({ name: kind, unfiltered }: Declaration, name: string, spec: FieldSpec): Field {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new Error(`${kind}.${name} is no field name`);
  if (!unfiltered && (LIST_PARAMETERS as readonly string[]).includes(name))
    throw new Error(`${kind}.${name} is a list parameter`);
  return { ...spec, name };
}

function indexBy(kinds: readonly Kind[], key: "name" | "plural" | "prefix"): Map<string, Kind> {
  const index = new Map(kinds.map((kind) => [kind[key], kind]));
  if (index.size !== kinds.length) throw new Error(`two kinds share a ${key}`);
  return index;
}
