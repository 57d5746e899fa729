import type { Catalog } from "../records/catalog.ts";
import { type Kind, stored } from "../records/kind.ts";

/** Kinds so that each comes after those that it links to. */
export const dependenciesFirst = ({ dependentsFirst }: Catalog): Kind[] => [...dependentsFirst].reverse();

/** Columns of a record's row in the file of a workspace: what is worked out from others is not there. */
export const recordColumns = ({ shared, frozen, fields }: Kind): string[] => [
  ...fields.filter((field) => stored(field) && !field.slot && !field.computed).map(({ name }) => name),
  ...(shared ? ["kind"] : []),
  ...(frozen ? ["seal"] : []),
  "own",
  "merged_into",
];
