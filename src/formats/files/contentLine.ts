/** The lines of vCard (RFC 6350) and iCalendar (RFC 5545), which are written alike. */

const OCTETS = 75;

/** A line of a property, folded to 75 octets a line and never within a character, with CRLF at its end. */
export function contentLine(property: string, value: string): string {
  const line = `${property}:${value}`;
  if (line.length <= OCTETS && !/[^\0-\x7f]/.test(line)) return `${line}\r\n`;
  let folded = "";
  let octets = 0;
  for (const character of line) {
    const size = Buffer.byteLength(character);
    if (octets + size > OCTETS) {
      folded += "\r\n ";
      octets = 1;
    }
    folded += character;
    octets += size;
  }
  return `${folded}\r\n`;
}

/** A text as a value. The formats have no way to write a control character but the line break and the tab: others are left out. */
export function escapeText(text: string): string {
  const breaks = text.replace(/\r\n?/g, "\n").replace(/[\0-\x08\x0b-\x1f\x7f]/g, "");
  return breaks.replace(/[\\,;]/g, "\\$&").replaceAll("\n", "\\n");
}

export function unescapeText(value: string): string {
  return value.replace(/\\([nN,;:\\])/g, (_, character: string) => (character.toLowerCase() === "n" ? "\n" : character));
}

/** The parts of a value at each separator that no `\` stands before, still escaped. */
export function splitValue(value: string, separator: ";" | ","): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let at = 0; at < value.length; at++) {
    if (value[at] === "\\") at++;
    else if (value[at] === separator) {
      parts.push(value.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, value.slice(start)];
}

/** An instant in milliseconds as both formats write it, in UTC: `20260601T081244Z`. */
export function utcText(instant: number): string {
  return `${new Date(instant).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;
}
