import { comparedSql, orderedSql } from "../fields/folding.ts";
import type { Predicate } from "../fields/predicate.ts";
import type { Field, Kind } from "../records/kind.ts";
import type { Condition } from "./filter.ts";
import type { ListQuery } from "./query.ts";

type Asked = Pick<ListQuery, "conditions" | "search" | "sort"> & Partial<Pick<ListQuery, "offset" | "deleted" | "words">>;

/**
 * Whether an index gives the page, so that it costs the same however many records there are: a list in any order, of any range of what it
 * is ordered by; the records of one value of a paged field or link, in the order of lists; what an id or another unique value finds.
 */
export function isPaged(kind: Kind, { conditions, search, words = [], sort, offset, deleted }: Asked): boolean {
  // What an offset skips is read, and the indexes are of the living.
  if (sort.field.touched || search !== undefined || words.length > 0 || offset || deleted) return false;
  if (conditions.some((condition) => isUnique(kind, condition))) return true;
  const [within, ...others] = conditions.filter((condition) => !isRangeOf(sort.field, condition));
  if (!within) return true;
  return others.length === 0 && isOrder(kind, sort.field) && isValueOfPaged(within);
}

function isUnique({ naturalKey }: Kind, { via, field, predicate }: Condition): boolean {
  if (via) return false;
  if (predicate.is === "eq") return field.name === naturalKey;
  if (predicate.is === "refers") return (field.column ?? field.name) === "id";
  return predicate.is === "any" && predicate.of.every(isWrittenId);
}

/** An id that is found as it is written, by the index of handles. */
const isWrittenId = (predicate: Predicate) => predicate.is === "all" && predicate.of.some(({ is }) => is === "tail");

/** An index of folded text is of no use to a comparison of text as it is. */
const isIndexed = ({ type }: Field) => comparedSql(type, "") === orderedSql(type, "");

const isRangeOf = (order: Field, { via, field, predicate }: Condition) =>
  !via && field === order && isIndexed(field) && isRange(predicate);

function isRange(predicate: Predicate): boolean {
  if (predicate.is === "all") return predicate.of.every(isRange);
  return ["eq", "gt", "gte", "lt", "lte"].includes(predicate.is);
}

const isOrder = ({ order }: Kind, field: Field) => field.name === order.replace("-", "");

/** Whether an index pages the records of one value of it. */
export const isPagedField = (field: Field) =>
  field.paged === true || field.type.link !== undefined || field.mentioned !== undefined;

function isValueOfPaged({ via, field, predicate }: Condition): boolean {
  if (via) return false;
  if (predicate.is === "refers") return isPagedField(field) && predicate.to.length === 1;
  if (field.mentioned) return predicate.is === "holds" && predicate.items.length === 1;
  return field.paged === true && (predicate.is === "eq" || predicate.is === "null");
}

/** What to ask instead of a list that took too long. */
export function fasterLists(kind: Kind, { conditions, search, sort }: Asked): string[] {
  const { plural, order, naturalKey, fields } = kind;
  const other = conditions.find(({ via, field }) => !via && field !== sort.field && field.sort && isIndexed(field));
  const newest = `${order.replace("-", "")}=gte:-30d`;
  const pagedFields = fields.filter(isPagedField).map(({ name }) => `${name}=`);
  const unique = naturalKey ? [`${naturalKey}=`] : [];
  const filters = `filter by one of ${[...unique, ...pagedFields].join(", ")} without sort=`;
  const touched = conditions.find(({ via, field }) => !via && field.touched?.is === "last");
  if (sort.field.touched && !sort.descending) return [`the latest come at once: sort=-${sort.field.name}`];
  if (touched && touched.field !== sort.field) return [`ask for it in its own order: sort=-${touched.field.name}`];
  if (search !== undefined) return [`search the newest of one kind: GET /${plural}?search=…&${newest}`];
  return [
    ...(other && isRange(other.predicate)
      ? [`an index finds this ${other.field.name} in its own order: sort=${other.field.name}`]
      : []),
    ...(isOrder(kind, sort.field) ? [`look at the newest only: ${newest}`] : []),
    ...(pagedFields.length > 0 ? [filters] : []),
  ];
}
