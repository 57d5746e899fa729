import { type Field, type Kind, stored, writable } from "../records/kind.ts";
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
      const [mine, theirs] = [kept[field.name] ?? null, other[field.name] ?? null];
      if (theirs === null || isSame(kind, field.name, mine, theirs)) return [];
      if (mine === null) return [{ field, value: theirs, from: "other", lost: null }];
      const taken = take.includes(field.name);
      const [first, second] = taken ? [theirs, mine] : [mine, theirs];
      const both = united(field, first, second);
      if (both !== undefined)
        return isSame(kind, field.name, both, mine) ? [] : [{ field, value: both, from: "both", lost: null }];
      return [{ field, value: first, from: taken ? "other" : "kept", lost: second }];
    });
}

/** Undefined for a value that is one. */
function united({ type }: Field, first: unknown, second: unknown): unknown {
  if (type.sqlType === "text[]") return [...new Set([...(first as string[]), ...(second as string[])])];
  if (type.members) return { ...(second as Stored), ...(first as Stored) };
  if (type.long && type.sqlType === "text") return `${first}\n\n${second}`;
  return undefined;
}
