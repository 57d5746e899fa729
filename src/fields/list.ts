import { z } from "zod";
import { joinList, quoteIfNeeded, splitList } from "../kit/line.ts";
import { compare, NULLS, PARTS } from "./operators.ts";
import type { Scalar } from "./predicate.ts";
import { asJson } from "./text.ts";
import type { FieldType, Reading } from "./type.ts";

/** Stands in `p_removed` for a list that is changed in place. */
export const EDITED = ",";

/** What all lists have in common: how they are stored, shown, and changed in place. `read` makes items what is stored of them. */
export function inPlace(
  most: number,
  items: z.ZodType,
  read: (items: readonly string[], reading: Reading) => string[] = (each) => [...each],
) {
  const unique = (texts: readonly string[], reading: Reading) => [...new Set(read(texts, reading))];
  return {
    sqlType: "text[]",
    schema: items,
    refusal: "invalid_value",
    toColumn: (value, reading) => {
      if (!Array.isArray(value)) {
        const { add = [], remove = [] } = value as { add?: string[]; remove?: string[] };
        return { add: unique(add, reading), remove: unique(remove, reading) };
      }
      const list = unique(value as string[], reading);
      return list.length === 0 ? null : list;
    },
    edit: z.strictObject({ add: items.optional(), remove: items.optional() }),
    split: (sent) => {
      if (Array.isArray(sent)) return { set: sent, removed: [] };
      const { add, remove } = sent as { add: string[]; remove: string[] };
      return { set: add, removed: [EDITED, ...remove] };
    },
    merged: (former, sent, field) => {
      const whole = `coalesce(${former}, '{}')`;
      const all = `unnest(${whole} || array(select a from unnest(${sent}) a where a <> all (${whole}))) with ordinality u (t, i)`;
      const edited = `nullif(array(select t from ${all} where '${field}.' || t <> all (p_removed) order by i), '{}')`;
      return `case when '${field}.${EDITED}' = any (p_removed) then ${edited} else ${sent} end`;
    },
    inserted: (sent) => `nullif(${sent}, '{}')`,
    check: {
      sql: (column) => `cardinality(${column}) <= ${most}`,
      broken: (field) => ({
        message: `${field} would come to more than ${most}`,
        hint: `take some away: {"${field}":{"remove":["…"]}}`,
      }),
    },
    toLine: (list: readonly string[]) => quoteIfNeeded(joinList(list)),
    toJson: asJson,
    absent: "[]",
  } satisfies Partial<FieldType>;
}

/** Items of a list of further values. */
const MOST_ITEMS = 20;

/** A list of what is also a field by itself: each item is read, refused and stored as that field does it. */
export function listOf(item: FieldType): FieldType {
  const fits = (text: string) => item.schema.safeParse(item.fromText(text)).success;
  const items = z.array(z.string().max(254).refine(fits)).max(MOST_ITEMS);
  const read = (texts: readonly string[], reading: Reading) =>
    texts.map((text) => item.toColumn(item.fromText(text), reading) as string);
  return {
    name: `list of ${item.name}`,
    operators: ["eq", "ne", "has", "in", ...PARTS, ...NULLS],
    expects: `a list of at most ${MOST_ITEMS}, each ${item.expects}`,
    ...inPlace(MOST_ITEMS, items, read),
    refusal: item.refusal,
    ...(item.signed ? { signed: true } : {}),
    ...(item.searchFinds ? { searchFinds: item.searchFinds } : {}),
    fromText: itemsOf,
    predicate: (operator, operands, reading) => {
      const part = operator === "like" || operator === "starts" ? item.predicate(operator, operands, reading) : undefined;
      if (part) return part;
      const values = (operator === "has" ? operands : operands.flatMap(itemsOf)).map((each) => itemOf(item, each, reading));
      if (!values.every((value) => value !== undefined)) return undefined;
      return compare(operator, {
        eq: { is: "holds", items: values },
        has: { is: "holds", items: values },
        in: { is: "any", of: values.map((value) => ({ is: "holds", items: [value] })) },
      });
    },
    searched: item.searchedIn ?? ((column) => [`crm_words(${column})`]),
    indexed: (column) => [{ name: "", on: column, where: `${column} is not null` }],
  };
}

/** An item that holds a comma is a JSON string, as on the line. */
export function itemsOf(text: string): string[] {
  const items = partsOf(text).map((item) => item.trim());
  return items.filter((item) => item !== "");
}

function partsOf(text: string): string[] {
  try {
    return splitList(text);
  } catch {
    return text.split(",");
  }
}

/** As a filter reads it. */
function itemOf(item: FieldType, text: string, reading: Reading): string | undefined {
  const predicate = item.predicate("eq", [text], reading);
  return predicate?.is === "eq" ? String(predicate.value satisfies Scalar) : undefined;
}
