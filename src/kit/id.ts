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
 * when that was given; either way the record's id ends with it. An empty `prefix` is that of the kind that is asked for.
 */
export type IdReference = { prefix: string; key: string };

/** A kind that an id must be of. */
export type IdKind = { name: string; prefix?: string };

/** Prefixes of what is no record of a kind: workspaces, users, tokens, changes and what the service keeps for itself. */
export const SYSTEM_PREFIXES = ["ws", "u", "tok", "inv", "ch", "req", "wh", "wd", "pp", "cal", "im", "k", "l"];

const CROCKFORD = "[0-9a-hjkmnp-tv-z]";
const KEY = `${CROCKFORD}{8}|[0-7]${CROCKFORD}{25}`;
const WRITTEN_ID = new RegExp(`^(?:([a-z_]+)/)?([a-z]{1,4})_(${KEY})$`);
const BARE_ID = new RegExp(`^(?:${KEY})$`);

/**
 * Reads `contact/c_t4v6w8y0`, `c_t4v6w8y0` and the full id, in any letter case. Where it is known of which kind the id must be, also
 * `contact_t4v6w8y0` and `t4v6w8y0`, as the handles of other programs look.
 */
export function readId(text: string, kind?: IdKind): IdReference | undefined {
  const written = text.trim().toLowerCase();
  const bare = kind && withoutName(withoutName(written, `${kind.name}/`), `${kind.name}_`);
  if (bare !== undefined && BARE_ID.test(bare)) return idOf(kind!, { prefix: "", key: bare });
  const match = WRITTEN_ID.exec(written);
  if (!match) return undefined;
  const [, , prefix, rest] = match as unknown as [string, string | undefined, string, string];
  return { prefix, key: rest.length === 8 ? rest : `${prefix}_${rest}` };
}

const withoutName = (text: string, name: string) => (text.startsWith(name) ? text.slice(name.length) : text);

/** A reference that leaves its kind open, as one of this kind. */
export function idOf({ prefix = "" }: IdKind, reference: IdReference): IdReference {
  if (reference.prefix !== "" || prefix === "") return reference;
  const { key } = reference;
  return { prefix, key: key.length === 8 ? key : `${prefix}_${key}` };
}

/** `c_01k9x2v7m3q8r0s2t4v6w8y0za` -> `c_6w8y0za…`: the prefix and the last eight characters, as lines show it. */
export function shortId(id: string): string {
  return id.slice(0, id.indexOf("_") + 1) + id.slice(-8);
}

export function prefixOf(id: string): string {
  return id.slice(0, id.indexOf("_"));
}
