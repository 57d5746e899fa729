/** Texts as spreadsheets and other programs show what has a type here: nothing, yes and no, a phone number, a list. */

const NOTHING = new Set(["", "-", "–", "—", "n/a", "N/A", "n.a.", "N.A.", "NULL", "null", "(null)", "0.0.00", "0/0/00"]);

/** What Excel, LibreOffice and Google Sheets show for a value that is missing or could not be worked out, in their languages. */
const SHEET_ERROR =
  /^#(?:N\/A|NV|N\/D|N\/B|REF!|BEZUG!|REF|VALUE!|WERT!|VALEUR!|VALOR!|DIV\/0!|NAME\?|NOME\?|NOM\?|¿NOMBRE\?|NUM!|ZAHL!|NOMBRE!|NULL!|ERROR!)$/i;

export function isNothing(cell: string): boolean {
  const text = cell.trim();
  return NOTHING.has(text) || (text.charCodeAt(0) === 35 && SHEET_ERROR.test(text));
}

const YES = new Set(
  "yes y true t 1 on x ✓ ✔ ☑ checked ja j wahr oui o vrai si sí s verdadero vero sim verdadeiro waar tak da igen kyllä evet".split(
    " ",
  ),
);
const NO = new Set(
  "no n false f 0 off ✗ ✘ ☐ unchecked nein falsch non faux falso nee onwaar não nie ne nem ei hayır".split(" "),
);

/** Undefined when it is neither. */
export function readYesNo(cell: string): boolean | undefined {
  const text = cell.trim().toLowerCase();
  return YES.has(text) ? true : NO.has(text) ? false : undefined;
}

const SCIENTIFIC = /^[+-]?\d+(?:[.,]\d+)?E[+-]?\d+$/i;

/** Whether a spreadsheet has shortened a long number: its last digits are lost. */
export const isShortened = (cell: string): boolean => SCIENTIFIC.test(cell.trim());

/** A phone number as it was typed. Undefined when digits are lost; a number with `.0` is one that a program took for a float. */
export function readPhone(cell: string): string | undefined {
  const text = cell.trim().replace(/^tel:\s*/i, "");
  return isShortened(text) ? undefined : text.replace(/^(\+?\d{5,})\.0$/, "$1");
}

/** Several values in one cell, as Google parts them; `;` and line breaks are what people use. */
export function readList(cell: string): string[] {
  return partsOf(cell, /:::|;|\n|\r/);
}

/**
 * Phone numbers, which people also part by a comma, or by a stroke with another number behind it: in `030 / 1234567` the stroke
 * is a part of one.
 */
export function readPhones(cell: string): string[] {
  return readList(cell).flatMap((part) => {
    if (part.length > 500) return [part];
    const byComma = part.split(/\s*,\s*/);
    if (byComma.length > 1 && byComma.every(isNumber)) return byComma;
    const byStroke = part.split(/\s*\/\s*/);
    const areNumbers = byStroke.length > 1 && byStroke.every(isNumber) && byStroke.slice(1).every((one) => /^[+0(]/.test(one));
    return areNumbers ? byStroke : [part];
  });
}

const isNumber = (text: string) => /^[+\d().\s-]+$/.test(text) && text.replace(/\D/g, "").length >= 6;

/** Records that a cell names, as programs export links: `Jane Doe (jane@acme.com);Max`, `Acme (https://…), Beta (https://…)`. */
export function readLinks(cell: string): { name: string; address?: string }[] {
  if (cell.length > 2_000) return [{ name: cell }];
  const parts = partsOf(cell.replace(/\s*\(https?:\/\/[^\s()]*\)(?:,\s*|$)/g, ";"), /;/);
  return parts.map((part) => {
    const [, name, address] = /^(.+?)\s*\(([^\s()@]+@[^\s()@]+)\)$/.exec(part) ?? [];
    return name === undefined ? { name: part } : { name, address: address!.toLowerCase() };
  });
}

/** E-mail addresses, which hold no comma. `Jane Doe <jane@acme.com>` is the address alone. */
export function readAddresses(cell: string): string[] {
  const bare = (part: string) =>
    part.length > 500
      ? part
      : (/^[^<>]*<\s*(?:mailto:)?([^<>\s]+@[^<>\s]+)\s*>$/i.exec(part)?.[1] ?? part).replace(/^mailto:\s*/i, "");
  return [...new Set(partsOf(cell, /:::|;|,|\n|\r/).map(bare))];
}

/** Tags hold no white space, comma or quote here. Google marks the groups that it has made itself with `* `. */
export function readTags(cell: string): string[] {
  const tags = partsOf(cell, /:::|;|,|\||\n|\r/).filter((part) => !part.startsWith("* "));
  return [...new Set(tags.map((tag) => tag.replaceAll('"', "").trim().replace(/\s+/g, "-")).filter((tag) => tag !== ""))];
}

/** A cell of more parts than any list here may hold is one part, which no field takes. */
const MOST_PARTS = 1_000;

function partsOf(cell: string, separator: RegExp): string[] {
  const parts = cell.split(separator).map((part) => part.trim());
  if (parts.length > MOST_PARTS) return [cell];
  return [...new Set(parts.filter((part) => part !== ""))];
}
