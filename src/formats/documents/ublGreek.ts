import type { Party } from "../../fields/items.ts";
import type { Paper } from "./paper.ts";
import { endpointOf, vatNumberOf } from "./ublCodes.ts";
import { tag, type Xml } from "./ublElement.ts";

/** What the rules of Peppol want of Greek sellers (GR-R-001 to GR-R-010). */

export const isGreek = (party: Party): boolean => /^EL/.test(vatNumberOf(party) ?? "") || party.country === "GR";

/** The number of a Greek taxpayer, whose last digit checks the others. */
const TIN = /^EL(\d{9})$/;
const tinOf = (party: Party): string | undefined => TIN.exec(vatNumberOf(party) ?? "")?.[1];

export function unfitInGreece({ mark, seller, buyer }: Paper): string[] {
  const lacks: string[] = [];
  const wants = (who: string, party: Party) => {
    if (!tinOf(party)) lacks.push(`${who} has no tax_id such as EL094259216, which Greece needs`);
    if (endpointOf(party)?.scheme !== "9933")
      lacks.push(`${who} has an endpoint of another scheme than 9933, which Greece needs`);
  };
  wants("the workspace", seller);
  if (isGreek(buyer)) wants("the buyer", buyer);
  if (!buyer.name) lacks.push("the buyer has no name, which Greece needs");
  if (!/^[1-9]\d*$/.test(mark ?? "")) lacks.push("it has no mark, the number that myDATA gave it, which Greece needs");
  return lacks;
}

/** A number in six parts: the seller's, the day, the branch, the type of document, the series, and our number. */
export function greekNumber(
  { seller, items, takesBack, series }: Paper,
  number: string,
  date: string,
  credited = false,
): string {
  const services = items.length > 0 && items.every((item) => item["service"]);
  const type = takesBack && !credited ? "5.1" : services ? "2.1" : "1.1";
  return [
    tinOf(seller),
    date.split("-").reverse().join("/"),
    "0",
    type,
    (series ?? "0").replaceAll("|", "/"),
    number.replaceAll("|", "/"),
  ].join("|");
}

export const markOf = (mark: string): Xml =>
  tag("cac:AdditionalDocumentReference", tag("cbc:ID", mark), tag("cbc:DocumentDescription", "##M.AR.K##"));
