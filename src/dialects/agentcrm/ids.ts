import { type IdKind, readId } from "../../kit/id.ts";
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
