import type { FieldType } from "./type.ts";

/** What stands for a field's value where two are compared, as SQL about its column. Indexes, filters and upserts all say the same. */

type Folding = Pick<FieldType, "caseless" | "sortsFolded">;

/** For equality and ranges. */
export const comparedSql = ({ caseless }: Folding, column: string) => (caseless ? `lower(${column})` : column);

/** For orders: a value that is the same in any letter case has one place in them. */
export const ordersFolded = ({ caseless, sortsFolded }: Folding): boolean => Boolean(caseless || sortsFolded);
export const orderedSql = (type: Folding, column: string) => (ordersFolded(type) ? `lower(${column})` : column);
