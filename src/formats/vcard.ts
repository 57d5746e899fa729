import type { OperationAnswer } from "../derive/operation.ts";
import { type Row, rowId, type View } from "../derive/view.ts";
import type { Showing } from "../fields/type.ts";
import type { CardSource } from "../records/declaration.ts";
import type { Gathered } from "./files/gather.ts";
import { cardText } from "./files/vcardWrite.ts";
import type { Format, RowWriter } from "./format.ts";
import { valuesOf } from "./values.ts";

const CARDS: RowWriter = {
  between: "",
  end: "",
  whole: cardOf,
  *parts(view, row, showing) {
    yield "";
    yield cardOf(view, row, showing);
    yield "";
  },
};

/** Cards of vCard 4.0 (RFC 6350), of kinds whose declaration says what a card of them is. */
export const vcard: Format = {
  name: "vcard",
  mediaTypes: ["text/vcard", "text/x-vcard"],
  contentType: "text/vcard; charset=utf-8",
  suffix: "vcf",
  allFields: true,
  linksNext: true,
  shows: ({ method, answers }) => method === "GET" && hasCards(answers),
  end: "",
  list: { begin: () => "", rows: CARDS, end: () => "" },
  record: ({ view, row }, showing) => cardOf(view, row, showing),
  *recordParts({ view, row }, showing) {
    yield "";
    yield cardOf(view, row, showing);
  },
};

function hasCards(answers: OperationAnswer): boolean {
  if (answers.is === "record") return answers.of.card !== undefined;
  return answers.is === "list" && answers.of.every(({ card }) => card);
}

/** What stands under `custom` in a card's fields. */
const MEMBERS = ["nickname", "website", "department", "birthday"];

function cardOf(view: View, row: Row, showing: Showing): string {
  const { card } = view.kind;
  if (!card) throw new Error(`${view.kind.name} has no card`);
  const values = valuesOf(view, row, showing);
  const fields: Gathered = {};
  for (const [said, field] of Object.entries(without(card))) {
    const value = values.get(field);
    if (typeof value === "string" || isTexts(value)) fields[said] = value;
  }
  const custom = values.get(card.custom ?? "") as Record<string, unknown> | null | undefined;
  for (const name of MEMBERS) {
    const value = custom?.[name];
    if (typeof value === "string") fields[`custom.${name}`] = value;
  }
  const domains = [values.get(card.website ?? ""), values.get(card.websites ?? "")].flat();
  const [first, ...others] = domains.flatMap((domain) => (typeof domain === "string" ? [`https://${domain}`] : []));
  const website = fields["custom.website"] ?? first;
  if (website !== undefined) fields["custom.website"] = [website, ...others].flat();
  // Each card needs a name (section 6.2.1), also where `fields=` leaves it out.
  if (!fields["name"] && !fields["email"]) fields["name"] = rowId(row);
  const changed = values.get("updated_at");
  return cardText({ uid: rowId(row), stamp: typeof changed === "string" ? Date.parse(changed) : undefined, fields });
}

const without = ({ website: _, websites: __, custom: ___, ...said }: CardSource): Record<string, string> => said;

const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every((item) => typeof item === "string");
