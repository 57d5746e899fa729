import { readFileSync } from "node:fs";
import { z } from "zod";
import { StartError } from "../kit/startError.ts";

/** The caps of a plan by kind plural, `members` of a workspace or `workspaces` of a person. Names without a cap are unlimited. */
export type Plan = Readonly<Record<string, number>>;

export type Plans = {
  /** The plan of a workspace. An absent or unknown name gives `default`. */
  of: (name: string | null) => { name: string; caps: Plan };
  /** True when any plan has a cap. */
  limited: boolean;
};

const FILE = z.record(z.string(), z.record(z.string(), z.int().min(0)));

/**
 * Reads the plans from a JSON file: `{"default": {"contacts": 1000, "members": 5}, "team": {…}}`. Without a file nothing is
 * capped.
 */
export function readPlans(file: string, plurals: readonly string[]): Plans {
  const plans = file === "" ? {} : parsePlans(file);
  const known = [...plurals, "members", "workspaces"];
  for (const [plan, caps] of Object.entries(plans)) {
    const unknown = Object.keys(caps).find((name) => !known.includes(name));
    if (unknown)
      throw new StartError(`CRM_PLANS: the plan ${plan} caps ${JSON.stringify(unknown)}; caps are for ${known.join(", ")}`);
  }
  const of = (name: string | null) => {
    const chosen = name !== null && Object.hasOwn(plans, name) ? name : "default";
    return { name: chosen, caps: plans[chosen] ?? {} };
  };
  return { of, limited: Object.values(plans).some((caps) => Object.keys(caps).length > 0) };
}

function parsePlans(file: string): Record<string, Plan> {
  try {
    return FILE.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    throw new StartError(
      `CRM_PLANS: ${file} is not a JSON object of plans with whole numbers: ${(error as Error).message.split("\n")[0]}`,
    );
  }
}
