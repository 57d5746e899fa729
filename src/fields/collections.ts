import { z } from "zod";
import { parseExact } from "../kit/json.ts";
import { customText } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import {
  areMembers,
  CUSTOM_OPERATORS,
  customFromText,
  customPredicate,
  DEEPEST,
  isCustomKey,
  KEY_FORM,
  MOST_KEYS,
  membersSchema,
  splitMembers,
} from "./custom.ts";
import { inPlace } from "./list.ts";
import { compare, NULLS, PARTS } from "./operators.ts";
import { asJson } from "./text.ts";
import type { FieldType } from "./type.ts";

/** A tag stands unquoted in a comma list and in a filter. */
const TAG = /^[^\s,"\p{Cc}\p{Surrogate}]{1,100}$/u;

const MOST_TAGS = 100;
const TAGS = z.array(z.string().regex(TAG)).max(MOST_TAGS);

export const tagsType: FieldType = {
  name: "tags",
  operators: ["eq", "ne", "has", "in", ...PARTS, ...NULLS],
  expects: "a list of tags without comma, quote or white space, such as saas,vip",
  ...inPlace(MOST_TAGS, TAGS),
  fromText: (text) =>
    text
      .split(",")
      .map((tag) => tag.trim())
      .filter((tag) => tag !== ""),
  predicate: (operator, operands) => {
    const listed = operands.flatMap((operand) => operand.split(",")).map((tag) => tag.trim());
    // The line shows commas where the searched text has spaces.
    if (operator === "like") return { is: "contains", text: operands[0]!.replaceAll(",", " ") };
    if (operator === "starts") return { is: "starts", text: operands[0]!.replaceAll(",", " ") };
    return compare(operator, {
      eq: { is: "holds", items: listed },
      has: { is: "holds", items: [operands[0]!.trim()] },
      in: { is: "any", of: listed.map((tag) => ({ is: "holds", items: [tag] })) },
    });
  },
  searched: (column) => [`crm_words(${column})`],
  indexed: (column) => [{ name: "", on: column }],
};

/** Any further facts under keys of the caller's choosing. */
export const customType: FieldType = {
  name: "custom",
  sqlType: "jsonb",
  operators: NULLS,
  expects: `a JSON object of at most ${MOST_KEYS} keys, ${DEEPEST} levels deep; ${KEY_FORM}`,
  schema: membersSchema,
  refusal: "invalid_value",
  fromText: (text) => {
    try {
      return parseExact(text);
    } catch (error) {
      if (error instanceof Problem) throw error;
      return text;
    }
  },
  toColumn: (value) => (areMembers(value as object) ? value : undefined),
  predicate: () => undefined,
  toLine: customText,
  toJson: asJson,
  absent: "{}",
  long: true,
  check: {
    sql: (column) => `crm_custom_fits(${column})`,
    broken: (field) => ({
      message: `${field} would come to more than ${MOST_KEYS} keys or 1 MB`,
      hint: `take keys away first: {"${field}":{"<key>":null}}; long text goes into a record of its own`,
    }),
  },
  indexed: (column) => [
    { name: "", on: `${column} jsonb_path_ops` },
    { name: "_days", on: `crm_days(${column})`, where: `${column} is not null`, untold: true },
  ],
  inserted: (sent) => `nullif(${sent}, '{}')`,
  // `p_removed` holds the keys that were sent as null, each as `<field>.<key>`.
  merged: (former, sent, field) => {
    const removed = `array(select substr(k, ${field.length + 2}) from unnest(p_removed) k where starts_with(k, '${field}.'))`;
    return `nullif((coalesce(${former}, '{}') || ${sent}) - ${removed}, '{}')`;
  },
  members: {
    isKey: isCustomKey,
    keyForm: KEY_FORM,
    operators: CUSTOM_OPERATORS,
    predicate: customPredicate,
    fromText: customFromText,
    toLine: customText,
  },
  split: (sent) => splitMembers(sent as object),
};
