import { decodeTime, monotonicFactory } from "ulid";

/** Makes a new id for a prefix: `c_01k9x2v7m3q8r0s2t4v6w8y0za`, a ULID (github.com/ulid/spec) in lower case. */
export type IdSource = (prefix: string) => string;

/** Ids of one source sort by creation time, also within a millisecond. `random` gives numbers in [0, 1). */
export function createIds(now: () => number, random: () => number): IdSource {
  const ulid = monotonicFactory(random);
  return (prefix) => `${prefix}_${ulid(now()).toLowerCase()}`;
}

/**
 * An id as a caller wrote it. `key` finds the record: it is the whole id or its last eight characters, so every matching id ends
 * with it. An empty `prefix` stands for the kind that the caller asked for.
 */
export type IdReference = { prefix: string; key: string };

/** The kind that an id must have. */
export type IdKind = { name: string; prefix?: string };

/** Prefixes that no record kind may use: workspaces, users, tokens, changes and internal rows. */
export const SYSTEM_PREFIXES = ["ws", "u", "tok", "inv", "ch", "req", "wh", "wd", "pp", "cal", "im", "k", "l"];

const CROCKFORD = "[0-9a-hjkmnp-tv-z]";
const KEY = `${CROCKFORD}{8}|[0-7]${CROCKFORD}{25}`;
const WRITTEN_ID = new RegExp(`^(?:([a-z_]+)/)?([a-z]{1,4})_(${KEY})$`);
const BARE_ID = new RegExp(`^(?:${KEY})$`);

/**
 * Reads `contact/c_t4v6w8y0`, `c_t4v6w8y0` and the full id, in any letter case. With a known `kind` it also reads
 * `contact_t4v6w8y0` and `t4v6w8y0`, the handles of other programs.
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

/** The end of an id as other programs write it, without anything before it; undefined where the text is none. */
export function readBareKey(text: string): string | undefined {
  const written = text.trim().toLowerCase();
  return written.length === 8 && BARE_ID.test(written) ? written : undefined;
}

const withoutName = (text: string, name: string) => (text.startsWith(name) ? text.slice(name.length) : text);

/** Completes a reference without a prefix with the prefix of this kind. */
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

/** When a whole id was made, in epoch ms; undefined where the text is no whole id. */
export function timeOfId(id: string): number | undefined {
  const key = id.slice(id.indexOf("_") + 1);
  return key.length === 26 && BARE_ID.test(key) ? decodeTime(key.toUpperCase()) : undefined;
}
