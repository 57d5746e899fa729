import { isObject } from "../vocabulary.ts";

/** How scripts are written, as ultra-api's document says it. */
export const AUTHORING_RULES: readonly string[] = [
  "Script templates are interactive call paths, not internal CRM notes.",
  "Use instruction for text the agent should read, then question only for a free-form captured answer.",
  "Use yesno for binary choices with branches labelled Oui and Non.",
  "Use select for multi-choice decisions and make each branch label match one of the declared options values.",
  "Auto-qualify sends only the branch path selected by recorded agent responses to the AI server. Unmatched branch labels hide downstream context.",
  'Keep admin-only reminders such as "Reporter dans le CRM" out of agent-facing script text; represent captured data in the qualification template instead.',
];

const YESNO = ["Oui", "Non"];
const REMINDER = /\b(?:dans le|in the|in|into the|im) CRM\b/i;

/** Where steps are written otherwise than the rules say, though they can be walked. What cannot is refused. */
export function warningsOf(steps: unknown): string[] {
  if (!Array.isArray(steps)) return [];
  return steps.filter(isObject).flatMap((step) => {
    const { id, type, text, branches } = step;
    const name = `step ${typeof id === "string" ? id : JSON.stringify(String(text ?? "").slice(0, 40))}`;
    const told: string[] = [];
    const labels = labelsOf(branches);
    if (type === "yesno" && labels.some(([label]) => !YESNO.includes(label)))
      told.push(
        `${name}: the branches of a yesno are labelled Oui and Non; these are ${labels.map(([label]) => label).join(", ")}`,
      );
    if (typeof text === "string" && REMINDER.test(text))
      told.push(
        `${name}: keep reminders such as "Reporter dans le CRM" out of what is read aloud; ask for it in the qualification template`,
      );
    return [...told, ...labels.flatMap(([, within]) => warningsOf(within))];
  });
}

/** Branches as a list, or as an object by label. */
function labelsOf(branches: unknown): [label: string, steps: unknown][] {
  if (Array.isArray(branches)) return branches.filter(isObject).map(({ label, steps }) => [String(label), steps]);
  return isObject(branches) ? Object.entries(branches) : [];
}
