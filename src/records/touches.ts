import type { FieldSpec } from "../fields/spec.ts";
import { countType } from "../fields/text.ts";
import { timeType } from "../fields/time.ts";
import type { Declaration, TouchSource } from "./declaration.ts";
import type { Kind } from "./kind.ts";

const touchedNames = ({ name }: Pick<Declaration, "name">, { as = name }: TouchSource) => ({
  last: `last_${as}_at`,
  count: `${as}_count`,
});

export type Touching = { kind: Declaration; touch: TouchSource };

/** Puts `last_activity_at` and `activity_count` behind the fields of what activities touch. They cost a look-up a row, so lists show them when asked. */
export function withTouches(declaration: Declaration, all: readonly Touching[]): Declaration {
  const touching = all.filter(({ kind, touch }) =>
    touch.links.some((link) => kind.fields[link]?.type.link?.target === declaration.name),
  );
  const fields = touching.flatMap(({ kind, touch }): [string, FieldSpec][] => {
    const { last, count } = touchedNames(kind, touch);
    const counted = touch.only ? ` that are ${touch.only.is.join(", ")}` : "";
    return [
      [
        last,
        {
          type: timeType,
          about: `when the last of its ${kind.plural}${counted} was`,
          readOnly: true,
          sort: true,
          shown: "asked",
        },
      ],
      [count, { type: countType, about: `how many ${kind.plural}${counted} it has`, readOnly: true, shown: "asked" }],
    ];
  });
  return { ...declaration, fields: { ...declaration.fields, ...Object.fromEntries(fields) } };
}

/** Tells the fields of what a kind touches where their values come from. */
export function resolveTouches(kind: Kind): void {
  for (const touch of kind.touches ?? [])
    for (const link of kind.links.filter(({ id }) => touch.links.includes(id.name))) {
      const names = touchedNames(kind, touch);
      const at = kind.field(touch.at)!;
      const only = touch.only && { only: { field: kind.field(touch.only.field)!, is: touch.only.is } };
      link.target.field(names.last)!.touched = { is: "last", kind, link, at, ...only };
      link.target.field(names.count)!.touched = { is: "count", kind, link, at, ...only };
    }
}
