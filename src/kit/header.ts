import { domainToASCII } from "node:url";
import { oneLine } from "./line.ts";

/** Texts as a mail's header holds them: one line each, ASCII wherever the standards have a way to write it. */

/** An encoded word is 75 characters at most (RFC 2047, section 2), of which 12 are `=?UTF-8?B?` and `?=`. */
const WORD_BYTES = 45;

/** Free text (`Subject`, the name of a mailbox). Text that reads like an encoded word is encoded too, or it would be decoded. */
export function headerText(text: string): string {
  const line = oneLine(text);
  if (/^[ -~]*$/.test(line) && !line.includes("=?")) return line;
  return splitBytes(line, WORD_BYTES)
    .map((bytes) => `=?UTF-8?B?${bytes.toString("base64")}?=`)
    .join("\r\n ");
}

/** A character is never split between two words (RFC 2047, section 5). */
function splitBytes(text: string, most: number): Buffer[] {
  const parts: string[] = [""];
  for (const character of text) {
    const longer = parts.at(-1)! + character;
    if (Buffer.byteLength(longer) <= most) parts[parts.length - 1] = longer;
    else parts.push(character);
  }
  return parts.map((part) => Buffer.from(part));
}

/**
 * A mailbox: `jane@acme.com` or `Jane Doe <jane@acme.com>`. A domain of another script is written as it is looked up (RFC 5891); what stands
 * before the @ has no other form than its own, which is UTF-8 (RFC 6532).
 */
export function headerMailbox(text: string): string {
  const line = oneLine(text);
  const [, name = "", address = line] = /^"?(.*?)"?\s*<([^<>]*)>$/.exec(line) ?? [];
  const at = address.lastIndexOf("@");
  const mailbox = at < 0 ? address : `${address.slice(0, at)}@${domainToASCII(address.slice(at + 1)) || address.slice(at + 1)}`;
  return name === "" ? mailbox : `${headerText(name)} <${mailbox}>`;
}
