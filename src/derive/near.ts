import type { FieldSpec } from "../fields/spec.ts";
import { faultOf } from "../fields/vector.ts";
import { text } from "../fields/vocabulary.ts";
import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import type { Field, Kind } from "../records/kind.ts";
import { type ListQuery, type Parameters, single } from "./query.ts";

/** `near=[0.1,…]`: the records whose vector points most nearly there. */
export type Near = { field: Field; numbers: readonly number[] };

export const vectorsOf = ({ fields }: Kind): Field[] => fields.filter(({ type }) => type.dimensions !== undefined);

/** What a list of a kind with vectors takes besides. */
export function nearParameters(kind: Kind): { near?: FieldSpec } {
  const [first, ...others] = vectorsOf(kind);
  if (!first) return {};
  const named = others.length === 0 ? "" : `; of another field ${others[0]!.name}:[…]`;
  return {
    near: text({ about: `a vector of ${first.name}, [0.12,-0.5,…]${named}: nearest first, with similarity=` }, 200_000),
  };
}

const OTHER_ORDERS = ["search", "sort", "offset", "count", "group_by", "deleted"];

/** Undefined where nothing of the kind is asked, or where the kind has no vector: then `near` is a filter on a field that is not there. */
export function readNear(kind: Kind, parameters: Parameters): Near | undefined {
  const asked = single(parameters, "near");
  if (asked === undefined) return undefined;
  const vectors = vectorsOf(kind);
  if (vectors.length === 0) return undefined;
  const odd = parameters.find(([name, value]) => OTHER_ORDERS.includes(name) || (name === "limit" && value === "all"));
  if (odd)
    throw new Problem("invalid_value", `near and ${odd[0]}= do not go together`, [
      "near puts the nearest first: it goes with filters, list, limit, cursor and fields",
    ]);
  const [, name, list] = /^\s*(?:([a-z][a-z0-9_]*)\s*:)?(.*)$/s.exec(asked)!;
  const field = name === undefined ? vectors[0]! : vectors.find((each) => each.name === name);
  const names = vectors.map((each) => each.name);
  if (!field)
    throw new Problem("invalid_value", `${kind.plural} have no vector ${echo(name!)}`, [
      `${nearest(name!, names).length > 0 ? `did you mean ${nearest(name!, names).join(" or ")}? ` : ""}vectors: ${names.join(", ")}`,
    ]);
  if (name === undefined && vectors.length > 1)
    throw new Problem("invalid_value", "near does not say which vector", [
      `near=${names[0]}:[…]; vectors: ${names.join(", ")}`,
    ]);
  const numbers = field.type.fromText(list!);
  const fault = faultOf(numbers, field.type.dimensions!);
  if (fault) throw new Problem("invalid_value", `near cannot be so: ${fault}`, `near is ${field.type.expects}`);
  return { field, numbers: numbers as number[] };
}

/** A cursor is of the one vector that was asked. */
export const withNear = (query: ListQuery, { field, numbers }: Near): ListQuery => ({
  ...query,
  identity: [...query.identity, `near=${field.name}:${numbers.map(Math.fround).join()}`],
});
