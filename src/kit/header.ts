import { domainToASCII } from "node:url";
import { oneLine } from "./line.ts";

/** Encodes texts for mail headers: one line each, in ASCII wherever the standards define an encoding. */

/** An encoded word has at most 75 characters (RFC 2047, section 2). `=?UTF-8?B?` and `?=` take 12 of them. */
const WORD_BYTES = 45;

/**
 * Encodes free text (`Subject`, the name of a mailbox). Text that looks like an encoded word is encoded too; mail programs would
 * decode it otherwise.
 */
export function headerText(text: string): string {
  const line = oneLine(text);
  if (/^[ -~]*$/.test(line) && !line.includes("=?")) return line;
  return splitBytes(line, WORD_BYTES)
    .map((bytes) => `=?UTF-8?B?${bytes.toString("base64")}?=`)
    .join("\r\n ");
}

/** Splits text without cutting a character in two (RFC 2047, section 5). */
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
 * Encodes a mailbox: `jane@acme.com` or `Jane Doe <jane@acme.com>`. The domain becomes its ASCII form (RFC 5891). The part before
 * the @ has no ASCII form and stays UTF-8 (RFC 6532).
 */
export function headerMailbox(text: string): string {
  const line = oneLine(text);
  const [, name = "", address = line] = /^"?(.*?)"?\s*<([^<>]*)>$/.exec(line) ?? [];
  const at = address.lastIndexOf("@");
  const mailbox = at < 0 ? address : `${address.slice(0, at)}@${domainToASCII(address.slice(at + 1)) || address.slice(at + 1)}`;
  return name === "" ? mailbox : `${headerText(name)} <${mailbox}>`;
}
