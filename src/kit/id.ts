import { monotonicFactory } from "ulid";

/** Makes a new id for a prefix: `c_01k9x2v7m3q8r0s2t4v6w8y0za`, a ULID (github.com/ulid/spec) in lower case. */
export type IdSource = (prefix: string) => string;

/** Ids of one source sort by the time they were made, also within a millisecond. `random` gives numbers in [0, 1). */
export function createIds(now: () => number, random: () => number): IdSource {
  const ulid = monotonicFactory(random);
  return (prefix) => `${prefix}_${ulid(now()).toLowerCase()}`;
}

/**
 * An id as a caller may write it. `key` is what finds the record: the last eight characters of its id, or the whole id
 * when that was given; either way the record's id ends with it.
 */
export type IdReference = { prefix: string; key: string };

const CROCKFORD = "[0-9a-hjkmnp-tv-z]";
const WRITTEN_ID = new RegExp(`^(?:([a-z_]+)/)?([a-z]{1,4})_(${CROCKFORD}{8}|[0-7]${CROCKFORD}{25})$`);

/** Reads `contact/c_t4v6w8y0`, `c_t4v6w8y0` and the full id, in any letter case. */
export function readId(text: string): IdReference | undefined {
  const match = WRITTEN_ID.exec(text.trim().toLowerCase());
  if (!match) return undefined;
  const [, , prefix, rest] = match as unknown as [string, string | undefined, string, string];
  return { prefix, key: rest.length === 8 ? rest : `${prefix}_${rest}` };
}

/** `c_01k9x2v7m3q8r0s2t4v6w8y0za` -> `c_6w8y0za…`: the prefix and the last eight characters, as lines show it. */
export function shortId(id: string): string {
  return id.slice(0, id.indexOf("_") + 1) + id.slice(-8);
}

export function prefixOf(id: string): string {
  return id.slice(0, id.indexOf("_"));
}
