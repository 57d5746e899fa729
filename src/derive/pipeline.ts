import { countType, textType } from "../fields/text.ts";
import { defineView } from "../records/define.ts";
import { derived } from "../records/derived.ts";
import type { Field, Kind } from "../records/kind.ts";
import { exactType, type Figure, type Grouping, groupFields, MOST_GROUPS } from "./grouping.ts";

const BAR: Field = {
  name: "bar",
  type: textType(60),
  about: "# is what is likely, - the rest of the amount; the largest stage of a currency is full",
};
const WIDTH = 20;

/** What `GET /pipeline` adds up of a kind, and the view that it is shown in. */
export type Pipeline = { grouping: Grouping; view: Kind; sum: Field; weighted: Field | undefined; likely: Field | undefined };

export const pipelineOf = derived((kind: Kind): Pipeline => {
  const { pipeline, sums } = kind;
  const [stage, amount, per] = [pipeline!.stage, sums!.amount, sums!.per].map((name) => kind.field(name)!) as [
    Field,
    Field,
    Field,
  ];
  const probability = kind.field(pipeline!.probability ?? "");
  const sum = { name: `sum_${amount.name}`, type: exactType, about: "what they are worth together" };
  const weighted = probability && {
    name: `weighted_${amount.name}`,
    type: exactType,
    about: `the same by ${probability.name}, of those that have one`,
  };
  const likely = probability && {
    name: `avg_${probability.name}`,
    type: exactType,
    about: `their average ${probability.name}`,
  };
  const figures: Figure[] = [
    { is: "sum", field: amount, shown: sum },
    ...(probability
      ? [
          { is: "weighted" as const, field: amount, by: probability, shown: weighted! },
          { is: "avg" as const, field: probability, shown: likely! },
        ]
      : []),
  ];
  const count = { name: kind.plural, type: countType, about: "how many are open" };
  const by = [{ field: stage, shown: [stage] }];
  const grouping: Grouping = { by, figures, per, count, sort: undefined, limit: MOST_GROUPS };
  return { grouping, view: viewOf(stage, [BAR, ...groupFields(grouping)], count, per), sum, weighted, likely };
});

function viewOf(stage: Field, fields: readonly Field[], count: Field, per: Field): Kind {
  const example: Record<string, unknown> = {
    bar: "#".repeat(WIDTH),
    [stage.name]: "demo",
    [count.name]: 15,
    [per.name]: "USD",
  };
  return defineView({
    name: "pipeline",
    plural: "stages",
    prefix: "pl",
    about: `The open ${count.name} of a stage, and what they come to.`,
    title: stage.name,
    order: stage.name,
    unfiltered: true,
    nameless: true,
    fields: Object.fromEntries(fields.map(({ name, type, about }) => [name, { type, about }])),
    example,
  });
}

/** Of at most `most`: as much `#` as is likely, `-` up to the amount, `.` for the rest. */
export function barOf(amount: number, likely: number, most: number): string {
  const width = (value: number) => (value <= 0 || most <= 0 ? 0 : Math.max(1, Math.round((WIDTH * value) / most)));
  const full = width(amount);
  const sure = Math.min(full, width(likely));
  return "#".repeat(sure) + "-".repeat(full - sure) + ".".repeat(WIDTH - full);
}
