import type { Catalog } from "../records/catalog.ts";
import { type Kind, stored } from "../records/kind.ts";

/** Kinds so that each comes after those that it links to. */
export const dependenciesFirst = ({ dependentsFirst }: Catalog): Kind[] => [...dependentsFirst].reverse();

/** Columns of a record's row in the file of a workspace. */
export const recordColumns = ({ shared, fields }: Kind): string[] => [
  ...fields.filter((field) => stored(field) && !field.slot).map(({ name }) => name),
  ...(shared ? ["kind"] : []),
  "own",
  "merged_into",
];
