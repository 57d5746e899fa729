import { columnName, type Field, type Kind, stored, writable } from "../records/kind.ts";
import { isSame, type Stored } from "./differences.ts";

/** What a merge makes of a field: the kept record's value, the other's, or both of them. */
export type Merged = { field: Field; value: unknown; from: "kept" | "other" | "both"; lost: unknown };

/**
 * Merges two records field by field. The kept record's values win, gaps are filled, lists are united, members too, long texts stand one under the
 * other. Of the fields in `take` the other's value wins, if it has one.
 */
export function mergeFields(kind: Kind, kept: Stored, other: Stored, take: readonly string[]): Merged[] {
  return writable(kind)
    .filter(stored)
    .flatMap((field): Merged[] => {
      if (field.further) return mergedList(kind, field, kept, other, take);
      const name = columnName(field);
      const [mine, theirs] = [kept[name] ?? null, other[name] ?? null];
      if (theirs === null || isSame(kind, name, mine, theirs)) return [];
      if (mine === null) return [{ field, value: theirs, from: "other", lost: null }];
      const taken = take.includes(field.name);
      const [first, second] = taken ? [theirs, mine] : [mine, theirs];
      const both = united(field, first, second);
      if (both !== undefined) return isSame(kind, name, both, mine) ? [] : [{ field, value: both, from: "both", lost: null }];
      return [{ field, value: first, from: taken ? "other" : "kept", lost: second }];
    });
}

/** Further values are united, and a main value that is not the kept one becomes one of them. */
function mergedList(kind: Kind, field: Field, kept: Stored, other: Stored, take: readonly string[]): Merged[] {
  const of = (state: Stored) => ({
    main: (state[field.further!] ?? null) as string | null,
    list: (state[field.name] ?? []) as string[],
  });
  const [mine, theirs] = [of(kept), of(other)];
  const taken = take.includes(field.further!) && theirs.main !== null;
  const main = taken ? theirs.main : (mine.main ?? theirs.main);
  const all = [...mine.list, mine.main, theirs.main, ...theirs.list].filter((each) => each !== null && each !== main);
  const value = all.length === 0 ? null : [...new Set(all)];
  if (isSame(kind, field.name, value, kept[field.name] ?? null)) return [];
  return [{ field, value, from: mine.list.length === 0 && !taken ? "other" : "both", lost: null }];
}

/** Undefined for a value that is one. */
function united({ type }: Field, first: unknown, second: unknown): unknown {
  if (type.sqlType === "text[]") return [...new Set([...(first as string[]), ...(second as string[])])];
  if (type.members) return { ...(second as Stored), ...(first as Stored) };
  if (type.long && type.sqlType === "text") return `${first}\n\n${second}`;
  return undefined;
}
