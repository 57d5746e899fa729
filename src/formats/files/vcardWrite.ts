import { contentLine, escapeText, utcText } from "./contentLine.ts";
import type { Gathered } from "./gather.ts";

/** `fields` are those of a contact as a file's reader gathers them; those that vCard has no property for are left out. */
export type VcardRecord = { uid: string; stamp?: number | undefined; fields: Gathered };

const PLAIN: readonly [property: string, field: string][] = [
  ["TITLE", "title"],
  ["NICKNAME", "custom.nickname"],
  ["URL", "custom.website"],
  ["NOTE", "notes"],
];

/** Cards of vCard 4.0 (RFC 6350). The reader gives the fields back. */
export async function* writeVcards(records: AsyncIterable<VcardRecord>): AsyncGenerator<string> {
  for await (const record of records) yield cardText(record);
}

export function cardText({ uid, stamp, fields }: VcardRecord): string {
  const one = (field: string) => listOf(fields[field])[0] ?? "";
  let text = contentLine("BEGIN", "VCARD") + contentLine("VERSION", "4.0") + contentLine("UID;VALUE=text", escapeText(uid));
  text += simple("FN", one("name") || one("email"));
  text += compound("N", [one("last_name"), one("first_name"), "", "", ""]);
  text += several("EMAIL", [...listOf(fields["email"]), ...listOf(fields["emails"])]);
  text += several("TEL", [...listOf(fields["phone"]), ...listOf(fields["phones"])]);
  text += compound("ORG", [one("company"), one("custom.department")].slice(0, one("custom.department") ? 2 : 1));
  const place = ["street", "city", "region", "postal_code", "country"].map(one);
  text += compound("ADR", ["", "", ...place]);
  for (const [property, field] of PLAIN) for (const value of listOf(fields[field])) if (value) text += simple(property, value);
  const birthday = one("custom.birthday");
  if (/^\d{4}-\d\d-\d\d$/.test(birthday)) text += contentLine("BDAY", birthday.replaceAll("-", ""));
  else if (birthday) text += contentLine("BDAY;VALUE=text", escapeText(birthday));
  const tags = listOf(fields["tags"]);
  if (tags.length > 0) text += contentLine("CATEGORIES", tags.map(escapeText).join(","));
  return text + (stamp === undefined ? "" : contentLine("REV", utcText(stamp))) + contentLine("END", "VCARD");
}

/** A property without parts: there, some programs take an escaped `;` for two characters (RFC 6350, 3.4 allows either). */
const simple = (property: string, value: string) => contentLine(property, escapeText(value).replaceAll("\\;", ";"));

const listOf = (value: string | string[] | undefined): string[] => (value === undefined ? [] : [value].flat());

function compound(property: string, parts: readonly string[]): string {
  return parts.every((part) => part === "") ? "" : contentLine(property, parts.map(escapeText).join(";"));
}

/** The first is the main one. */
function several(property: string, values: readonly string[]): string {
  return values.map((value, i) => simple(i === 0 ? `${property};PREF=1` : property, value)).join("");
}
