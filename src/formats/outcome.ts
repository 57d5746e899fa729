/** How something ended, where a file says it only by a stage, and when, where it has only the day. */
import type { Kind } from "../records/kind.ts";

/** `Closed Won` is a stage in other programs; here the status says it, in the word that the stage ends with. */
export function putOutcome({ pipeline, ...kind }: Kind, values: Record<string, unknown>, today: string): void {
  const stage = pipeline && values[pipeline.stage];
  if (pipeline && typeof stage === "string" && stage.length < 100 && values[pipeline.open.field] === undefined) {
    const word = stage.toLowerCase().replace(/^closed\b[\s-]*/, "");
    const choices = kind.field(pipeline.open.field)?.type.choices ?? [];
    const outcome = choices.find((choice) => choice === word && choice !== pipeline.open.is);
    if (outcome !== undefined) values[pipeline.open.field] = outcome;
  }
  for (const { name, derived } of kind.fields) {
    if (derived?.is !== "left-at" || derived.day === undefined || values[name] !== undefined) continue;
    const state = values[derived.field];
    const day = values[derived.day];
    const hasLeft = typeof state === "string" && state.toLowerCase() !== derived.value;
    // A day that is yet to come is when somebody expected it.
    if (hasLeft && typeof day === "string" && /^\d{4}-\d\d-\d\d$/.test(day) && day <= today) values[name] = day;
  }
}
