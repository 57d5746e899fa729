import { domainToASCII, domainToUnicode } from "node:url";
import { composed } from "./text.ts";

const PUNYCODE = /xn--[a-z0-9-]+/g;
const IS_ASCII = /^[\0-\x7f]*$/;

/** What `domainToASCII` would read as more than a host: an escape, a port, a path. */
const FOREIGN = /[\s%/\\:?#@[\]<>^|]/;

/**
 * The one form of a domain, which is stored, shown and compared: lower case, and an internationalised one in letters (`münchen.example`, the U-label
 * of RFC 5890), as people write and search it. What is no such domain stays as it is, in lower case.
 */
export function canonicalDomain(text: string): string {
  const lower = composed(text.toLowerCase());
  if (IS_ASCII.test(lower) && !lower.includes("xn--")) return lower;
  const ascii = asciiDomain(lower);
  if (ascii === undefined) return lower;
  const letters = domainToUnicode(ascii);
  // Some encodings are no name's: `xn--abc-` would read as abc, which is another domain.
  return domainToASCII(letters) === ascii ? letters : lower;
}

/** As the DNS and mail servers take it; undefined when there is no such domain. */
export function asciiDomain(domain: string): string | undefined {
  if (IS_ASCII.test(domain) && !domain.toLowerCase().includes("xn--")) return domain;
  const ascii = FOREIGN.test(domain) ? "" : domainToASCII(domain);
  return ascii !== "" && ascii.split(".").every((label) => label.length <= 63) ? ascii : undefined;
}

/** A text in which the labels of domains stand in letters, for what is part of a domain or an address. */
export function withLetters(text: string): string {
  return text.replace(new RegExp(PUNYCODE, "gi"), (label) => canonicalDomain(label));
}
