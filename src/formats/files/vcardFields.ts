import { Problem } from "../../kit/problem.ts";
import { customKey } from "./columns.ts";
import { splitValue, unescapeText } from "./contentLine.ts";
import { type Gathered, putItem } from "./gather.ts";
import { has, type Property } from "./vcardProperty.ts";
import { readTags } from "./words.ts";

export type CardFields = { fields: Gathered; uid?: string; skipped: string[]; refused?: Problem };

/** Properties that say how a card is to be read or shown, and nothing of the person. */
const ABOUT_THE_CARD = new Set(
  "VERSION PRODID REV SOURCE CLASS MAILER SORT-STRING LABEL KIND CLIENTPIDMAP X-ABLABEL X-ABADR X-ABSHOWAS X-ABUID X-ABRELATEDNAMES-LABEL".split(
    " ",
  ),
);

type Taker = (fields: Gathered, property: Property, label: string) => void;

const text = (value: string) => unescapeText(value);
const trimmed = (value: string) => unescapeText(value).trim();
/** The values of a property with parts, as an address or a name; a part with several values has them side by side. */
const partsOf = ({ value }: Property) =>
  splitValue(value, ";").map((part) => splitValue(part, ",").map(trimmed).filter(Boolean).join(" "));

/** The first value is the field; a further one gets a number. */
function put(fields: Gathered, field: string, value: string): void {
  if (value.trim() === "") return;
  for (let number = 1; ; number++) {
    const name = number === 1 ? field : `${field.startsWith("custom.") ? "" : "custom."}${field}_${number}`;
    if (fields[name] === value) return;
    if (fields[name] !== undefined) continue;
    fields[name] = value;
    return;
  }
}

const into =
  (field: string): Taker =>
  (fields, { value }) =>
    put(fields, field, text(value));

const TAKERS: { readonly [name: string]: Taker } = {
  FN: (fields, { value }) => put(fields, "name", trimmed(value)),
  N: takeName,
  EMAIL: (fields, { value }) => takeItem(fields, "email", trimmed(value).replace(/^mailto:/i, "")),
  TEL: takePhone,
  ORG: takeOrganisation,
  TITLE: into("title"),
  ROLE: into("custom.role"),
  NICKNAME: into("custom.nickname"),
  URL: into("custom.website"),
  BDAY: (fields, { value }) => put(fields, "custom.birthday", dateOf(trimmed(value))),
  ANNIVERSARY: (fields, { value }) => put(fields, "custom.anniversary", dateOf(trimmed(value))),
  "X-ANNIVERSARY": (fields, { value }) => put(fields, "custom.anniversary", dateOf(trimmed(value))),
  "X-ABDATE": (fields, { value }, label) => put(fields, `custom.${customKey(label || "date")}`, dateOf(trimmed(value))),
  "X-ABRELATEDNAMES": (fields, { value }, label) => put(fields, `custom.${customKey(label || "related")}`, text(value)),
  "X-SOCIALPROFILE": (fields, { params, value }) =>
    put(fields, `custom.${customKey(params.get("TYPE")?.[0] ?? "profile")}`, text(value)),
  GENDER: into("custom.gender"),
  LANG: into("custom.language"),
  NOTE: (fields, { value }) => {
    const before = fields["notes"];
    if (text(value).trim() !== "") fields["notes"] = before === undefined ? text(value) : `${before}\n${text(value)}`;
  },
  CATEGORIES: (fields, { value }) => {
    for (const tag of readTags(text(value))) putItem(fields, "tags", "tags", tag);
  },
  ADR: takeAddress,
};

/** The fields of a contact that a card's properties say. Among several addresses the preferred one is the main one. */
export function fieldsOfCard(properties: readonly Property[]): CardFields {
  const fields: Gathered = {};
  const skipped: string[] = [];
  let uid: string | undefined;
  const labels = new Map(
    properties.filter(({ name }) => name === "X-ABLABEL").map(({ group, value }) => [group, labelOf(value)]),
  );
  for (const property of preferredFirst(properties)) {
    const { name, value, group } = property;
    if (/^(?:X-ADDRESSBOOKSERVER-)?KIND$/.test(name) && /^group$/i.test(value.trim())) {
      return { fields, skipped, refused: new Problem("bad_request", "the card is a group of cards and no person") };
    }
    const take = TAKERS[name];
    if (name === "UID") uid = trimmed(value);
    else if (take) take(fields, property, group === "" ? "" : (labels.get(group) ?? ""));
    else if (!ABOUT_THE_CARD.has(name) && value.trim() !== "") skipped.push(name);
  }
  nameWithout(fields);
  return { fields, skipped, ...(uid && { uid }) };
}

/** Apple writes its own labels as `_$!<Anniversary>!$_`. */
const labelOf = (value: string) => trimmed(value).replace(/^_\$!<(.*)>!\$_$/, "$1");

function preferredFirst(properties: readonly Property[]): Property[] {
  const rank = ({ params }: Property) => Number(params.get("PREF")?.[0] ?? (has(params, "TYPE", "PREF") ? 1 : 101)) || 101;
  return [...properties].sort((a, b) => rank(a) - rank(b));
}

function takeName(fields: Gathered, property: Property): void {
  const [last = "", first = "", middle = "", prefix = "", suffix = ""] = partsOf(property);
  put(fields, "last_name", last);
  put(fields, "first_name", first);
  put(fields, "middle_name", middle);
  put(fields, "custom.name_prefix", prefix);
  put(fields, "custom.name_suffix", suffix);
}

function takeItem(fields: Gathered, field: string, item: string): void {
  if (item !== "") putItem(fields, field, `${field}s`, item);
}

function takePhone(fields: Gathered, { params, value }: Property): void {
  const [number = "", ...extras] = trimmed(value).replace(/^tel:/i, "").split(";");
  const extension = extras.find((extra) => /^ext=/i.test(extra))?.slice(4);
  const phone = /^tel:/i.test(trimmed(value)) ? number + (extension ? ` ext. ${extension}` : "") : trimmed(value);
  if (has(params, "TYPE", "FAX")) put(fields, "custom.fax", phone);
  else takeItem(fields, "phone", phone);
}

function takeOrganisation(fields: Gathered, { value }: Property): void {
  const [company = "", ...units] = splitValue(value, ";").map(trimmed);
  put(fields, "company", company);
  put(fields, "custom.department", units.filter((unit) => unit !== "").join(", "));
}

/** The first address is the contact's; further ones are kept whole. */
function takeAddress(fields: Gathered, property: Property): void {
  const [box = "", extended = "", street = "", city = "", region = "", code = "", country = ""] = partsOf(property);
  const named: [string, string][] = [
    ["street", street],
    ["city", city],
    ["region", region],
    ["postal_code", code],
    ["country", country],
    ["custom.po_box", box],
    ["custom.extended_address", extended],
  ];
  if (named.every(([field]) => fields[field] === undefined)) for (const [field, part] of named) put(fields, field, part);
  else
    put(
      fields,
      "custom.address",
      [box, extended, street, code, city, region, country].filter((part) => part !== "").join(", "),
    );
}

/** `19960415` as `1996-04-15`; a birthday without its year stays `--0415`. */
const dateOf = (value: string) => value.replace(/^(\d{4})(\d\d)(\d\d)(?=T|$)/, "$1-$2-$3");

/** A card without FN is called by its parts, or it is that of an organisation. */
function nameWithout(fields: Gathered): void {
  const { first_name, middle_name, last_name, company, email } = fields;
  delete fields["middle_name"];
  const parts = [first_name, middle_name, last_name].filter((part) => part !== undefined).join(" ");
  const name = parts || company || email;
  if (fields["name"] === undefined && name !== undefined) fields["name"] = name;
}
