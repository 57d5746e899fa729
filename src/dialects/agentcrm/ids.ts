import { type IdKind, readId } from "../../kit/id.ts";
import { SECRETS } from "../../kit/secret.ts";
import { isIdentity, type Kind } from "../../records/kind.ts";
import type { Entry } from "../vocabulary.ts";

/** A text that is no id is refused by us; over there it is the id of nothing. Of nothing, too, is the id that stands for it here. */
export const idOrNone = (text: string, of: IdKind): string => (readId(text, of) ? text : `${of.prefix}_${"0".repeat(26)}`);

/** Of which kind the ids in this column are; undefined where it holds others. */
export function idsIn({ kind }: { kind: Kind }, { field, member }: Entry): Kind | undefined {
  if (member !== undefined) return undefined;
  if (isIdentity(field)) return kind;
  return kind.links.find(({ id }) => id === field)?.target ?? field.mentioned?.target;
}

/** Entries of the feed and keys have other prefixes there. What follows these is the same. */
const PREFIXES = { entry: ["ch_", "a_"], key: ["tok_", "ak_"] } as const;

export const idThere = (of: keyof typeof PREFIXES, id: string): string => id.replace(...anchored(of, 0, 1));
export const idHere = (of: keyof typeof PREFIXES, id: string): string => id.replace(...anchored(of, 1, 0));

/** The same of a column, as SQL. */
export const idThereSql = (of: keyof typeof PREFIXES, column: string): string =>
  `'${PREFIXES[of][1]}' || substr(${column}, ${PREFIXES[of][0].length + 1})`;

const anchored = (of: keyof typeof PREFIXES, from: 0 | 1, to: 0 | 1): [RegExp, string] => [
  new RegExp(`^${PREFIXES[of][from]}`),
  PREFIXES[of][to],
];

/** A token as it is called there (kit/secret.ts reads it): `acrm_dev_…` as long as nobody has claimed its workspace. */
export const keyThere = (token: unknown, claimed: boolean): string =>
  `acrm_${claimed ? "live" : "dev"}_${String(token).slice(SECRETS.token.length)}`;
