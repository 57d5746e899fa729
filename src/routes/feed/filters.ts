import type { TouchedPath } from "../../db/records/feed.ts";
import type { Condition } from "../../derive/filter.ts";
import { echo } from "../../kit/line.ts";
import { nearest } from "../../kit/nearest.ts";
import { Problem } from "../../kit/problem.ts";
import { columnName, type Field, type Kind, memberNamed, stored, writable } from "../../records/kind.ts";
import { lacksScope } from "../../service/permit.ts";
import type { Authenticated } from "../../service/route.ts";
import { mayRead } from "../readable.ts";

/** The kinds whose changes are shown: those that the token may read. A kind that is asked for by name must be one of them. */
export function readableKinds(
  context: Authenticated,
  conditions: readonly Condition[],
): { kinds: readonly string[] | undefined } {
  const { catalog } = context.db;
  const kinds = kindsOf(context);
  if (kinds.length === 0) throw lacksScope(context.session, "read");
  for (const name of conditions.flatMap(namedKinds)) {
    const kind = catalog.get(name);
    if (!kind) throw unknownKind(name, catalog.byPlural(name), kinds);
    if (!kinds.includes(kind)) throw lacksScope(context.session, "read", kind.plural);
  }
  return { kinds: kinds.length === catalog.kinds.length ? undefined : kinds.map(({ name }) => name) };
}

const kindsOf = (context: Authenticated) => context.db.catalog.kinds.filter((kind) => mayRead(context, kind));

function namedKinds({ field, predicate }: Condition): string[] {
  if (field.name !== "kind") return [];
  if (predicate.is === "eq") return [String(predicate.value)];
  return predicate.is === "in" ? predicate.values.map(String) : [];
}

/** A name that is no kind's would make a feed that stays empty, which nobody notices. */
function unknownKind(name: string, meant: Kind | undefined, kinds: readonly Kind[]): Problem {
  const names = kinds.map((kind) => kind.name);
  const near = meant ? [meant.name] : nearest(name, names);
  return new Problem(
    "invalid_value",
    `kind cannot be ${echo(name)}`,
    `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}kind is one of ${names.join(", ")}`,
  );
}

/** Of each `touched=`, where records have the fields that it names. */
export function readTouched(context: Authenticated): TouchedPath[][] {
  const kinds = kindsOf(context);
  return context.parameters.filter(([name]) => name === "touched").map(([, list]) => readNames(list, kinds));
}

function readNames(list: string, kinds: readonly Kind[]): TouchedPath[] {
  return pathsOf("touched", list.split(","), kinds);
}

/** Where records of these kinds have the fields that `parameter` names. */
export function pathsOf(parameter: string, written: readonly string[], kinds: readonly Kind[]): TouchedPath[] {
  return written.flatMap((each) => {
    const name = each.trim();
    const found = new Map(
      kinds.flatMap((kind) => {
        const path = pathOf(kind, name);
        return path ? [[JSON.stringify(path), path] as const] : [];
      }),
    );
    if (found.size > 0) return [...found.values()];
    const names = [...new Set(kinds.flatMap((kind) => writable(kind).map((field) => field.name)))];
    const near = nearest(name, names);
    throw new Problem("invalid_value", `${parameter} cannot be ${echo(name)}: no kind has such a field to change`, [
      `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}fields: ${names.join(", ")}`,
    ]);
  });
}

/** A link is kept by its id, under whichever of its two names it is asked for. */
function pathOf(kind: Kind, name: string): TouchedPath | undefined {
  const of = (field: Field, ...more: string[]) => ({
    path: [columnName(field), ...more],
    ...(field.slot ? { kind: kind.name } : {}),
  });
  const field = kind.field(name);
  if (field?.link) return of(field.link.id);
  if (field) return stored(field) && !field.readOnly ? of(field) : undefined;
  const member = memberNamed(kind, name);
  return member?.members.isKey(member.key) ? of(member.field, member.key) : undefined;
}
