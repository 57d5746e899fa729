import type { Json } from "../../openapi/names.ts";
import type { Values } from "../dialect.ts";
import { answer, whole } from "./schemas.ts";
import type { Words } from "./tool.ts";

/** How far campaigns are, in numbers. */

export const countsSchema = (words: Words): Json =>
  answer({
    contacts: whole("how many are in it"),
    open: whole("how many there is still something to do for"),
    due: whole("how many of these are due by now"),
    unassigned: whole("how many of the open ones nobody has"),
    states: answer(Object.fromEntries(statesOf(words).map((state) => [state, whole(`how many are ${state}`)]))),
  });

/** What a line of our counts says of a campaign. */
export const countsIn = (words: Words, { members, open, due, unassigned, ...counts }: Values): Values => ({
  ...{ contacts: members, open, due, unassigned },
  states: Object.fromEntries(statesOf(words).map((state) => [state, counts[state]])),
});

/** How far it may be with a contact of a campaign. */
export function statesOf(words: Words): readonly string[] {
  const { kind } = words("campaignContact");
  return kind.field(kind.joins!.state)!.type.choices!;
}

export const among = (campaignIds: readonly string[] | undefined): [string, string][] =>
  campaignIds === undefined ? [] : [["campaigns", campaignIds.join(",")]];
