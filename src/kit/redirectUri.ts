/** Redirect URIs: OAuth 2.1, section 2.3, and RFC 8252 for installed programs. */

const LONGEST = 2_000;

/** Schemes that a browser would run, show or hand to the system instead of to the program. */
const DANGEROUS =
  /^(about|blob|chrome[\w-]*|content|data|file|filesystem|ftp|intent|jar|javascript|mailto|ms-[\w-]*|res|resource|search-ms|shell|sms|tel|vbscript|view-source|wss?)$/;

/** Describes the fault of a redirect URI. Undefined when it may be registered. */
export function redirectUriFault(uri: string): string | undefined {
  if (uri.length > LONGEST || !/^[!-~]+$/.test(uri) || !URL.canParse(uri)) return "is no URI";
  if (uri.includes("#")) return "has a fragment";
  const { protocol, username, password, hostname } = new URL(uri);
  if (username || password) return "holds a name or password";
  const scheme = protocol.slice(0, -1);
  if (!uri.toLowerCase().startsWith(`${scheme}:`) || DANGEROUS.test(scheme)) return "has a scheme that is not taken";
  if (scheme === "http" && !isLoopbackName(hostname)) return "is http, which only a loopback address may be";
  if (/^https?$/.test(scheme) && !/^https?:\/\/[^/\\]/i.test(uri)) return "is no URI";
  return undefined;
}

/**
 * Compares letter by letter, but ignores the port of a loopback address: a local program listens on any free port (RFC 8252,
 * section 7.3).
 */
export function sameRedirectUri(registered: string, asked: string): boolean {
  if (registered === asked) return true;
  return isLoopback(registered) && isLoopback(asked) && withoutPort(registered) === withoutPort(asked);
}

/** True when the URI leads to a program on the person's own machine over http. */
export function isLoopback(uri: string): boolean {
  if (!URL.canParse(uri)) return false;
  const { protocol, hostname } = new URL(uri);
  return protocol === "http:" && isLoopbackName(hostname);
}

const isLoopbackName = (hostname: string) => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);

const withoutPort = (uri: string) => uri.replace(/^(http:\/\/(?:\[[^\]]*\]|[^/:?]+)):\d+/i, "$1");

/** The host of a redirect URI, or the scheme of an installed program, as the consent page shows it. */
export function shownRedirect(uri: string): string {
  const { protocol, host } = new URL(uri);
  return protocol === "https:" || protocol === "http:" ? host : protocol;
}
