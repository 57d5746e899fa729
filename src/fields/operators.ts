import type { Operator, Predicate, Scalar } from "./predicate.ts";
import type { FieldType, Reading } from "./type.ts";

/** The operators kinds are made of. */
export const NULLS = ["is", "not"] as const;
export const EQUALITY = ["eq", "ne", "in", ...NULLS] as const;
export const ORDER = ["gt", "gte", "lt", "lte"] as const;

/** The operators that look into a text. */
export const PARTS = ["like", "starts"] as const;

/** The predicates of a kind whose values are one scalar each. `readPart` reads what `like` and `starts` look for: a part of a value. */
export function scalarPredicate(
  read: (text: string, reading: Reading) => Scalar | undefined,
  readPart = (text: string) => text,
): FieldType["predicate"] {
  return (operator, operands, reading) => {
    if (operator === "like") return { is: "contains", text: readPart(operands[0]!) };
    if (operator === "starts") return { is: "starts", text: readPart(operands[0]!) };
    const values = operands.map((operand) => read(operand, reading));
    if (!values.every((value) => value !== undefined)) return undefined;
    const value = values[0]!;
    const ordered = (is: "gt" | "gte" | "lt" | "lte"): Predicate => ({ is, value });
    return compare(operator, {
      eq: { is: "eq", value },
      in: { is: "in", values },
      gt: ordered("gt"),
      gte: ordered("gte"),
      lt: ordered("lt"),
      lte: ordered("lte"),
    });
  };
}

/** `ne` is whatever `eq` is not; the rest a kind names itself. */
export function compare(
  operator: Operator,
  meanings: Partial<Record<Operator, Predicate>> & { eq: Predicate },
): Predicate | undefined {
  return operator === "ne" ? { is: "not", of: meanings.eq } : meanings[operator];
}
