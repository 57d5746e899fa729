import { domainToASCII, domainToUnicode } from "node:url";
import { composed } from "./text.ts";

const PUNYCODE = /xn--[a-z0-9-]+/g;
const IS_ASCII = /^[\0-\x7f]*$/;

/** Characters that `domainToASCII` would read as more than a host: an escape, a port, a path. */
const FOREIGN = /[\s%/\\:?#@[\]<>^|]/;

/**
 * The canonical form of a domain, which is stored, shown and compared. It is lower case, with punycode decoded into letters
 * (`münchen.example`, the U-label of RFC 5890), because people write and search it so.
 *
 * Text that is no valid domain is only put into lower case.
 */
export function canonicalDomain(text: string): string {
  const lower = composed(text.toLowerCase());
  if (IS_ASCII.test(lower) && !lower.includes("xn--")) return lower;
  const ascii = asciiDomain(lower);
  if (ascii === undefined) return lower;
  const letters = domainToUnicode(ascii);
  // Some punycode does not round-trip. `xn--abc-` would read as abc, which is another domain.
  return domainToASCII(letters) === ascii ? letters : lower;
}

/** The ASCII form that DNS and mail servers take. Undefined when the domain has none. */
export function asciiDomain(domain: string): string | undefined {
  if (IS_ASCII.test(domain) && !domain.toLowerCase().includes("xn--")) return domain;
  const ascii = FOREIGN.test(domain) ? "" : domainToASCII(domain);
  return ascii !== "" && ascii.split(".").every((label) => label.length <= 63) ? ascii : undefined;
}

/** Decodes punycode labels within a text. It serves parts of domains and addresses, such as a search term. */
export function withLetters(text: string): string {
  return text.replace(new RegExp(PUNYCODE, "gi"), (label) => canonicalDomain(label));
}
