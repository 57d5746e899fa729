const PLAIN = /[^"(<,;:]+/y;

/**
 * The addresses in a header of a mail (RFC 5322, section 3.4), as they are written: `Jane Doe <jane@acme.com>`, `"Doe, Jane" <jane@acme.com>`,
 * `jane@acme.com (Jane)`, a group `Team: a@acme.com, b@acme.com;`, several of them between commas or semicolons. Names and comments fall away. A
 * part in which there is no address is given back as it is, for the caller to refuse. One walk, whatever the text.
 */
export function addressesIn(header: string): string[] {
  const found: string[] = [];
  let bare = "";
  let angled: string | undefined;
  let depth = 0;
  const end = () => {
    // What stands before `<` is a name, which may hold a comma that nobody quoted: `Doe, Jane <jane@acme.com>`.
    const address = angled ?? bare;
    if (angled !== undefined || bare.includes("@")) found.push(unquotedLocal(withoutRoute(address.trim())));
    else if (bare.trim() !== "") pending.push(bare.trim());
    if (angled !== undefined) pending.length = 0;
    bare = "";
    angled = undefined;
  };
  const pending: string[] = [];
  for (let at = 0; at < header.length; at++) {
    const character = header[at]!;
    if (character === "\\" && depth > 0) at++;
    else if (character === "(") depth++;
    else if (depth > 0) depth -= character === ")" ? 1 : 0;
    else if (character === '"') {
      const text = quotedAt(header, at);
      bare += text;
      at += text.length - 1;
    } else if (character === "<") {
      const close = header.indexOf(">", at);
      if (close < 0) bare += header.slice(at);
      else angled = header.slice(at + 1, close);
      at = close < 0 ? header.length : close;
    } else if (character === "," || character === ";") end();
    else if (character === ":") {
      // The name of a group, or `mailto:`.
      bare = "";
      pending.length = 0;
    } else {
      // As far as nothing means anything.
      PLAIN.lastIndex = at;
      const [text] = PLAIN.exec(header)!;
      bare += text;
      at += text.length - 1;
    }
  }
  end();
  return [...found, ...pending];
}

/** From a quote to the one that closes it, or to the end. */
function quotedAt(text: string, from: number): string {
  let at = from + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return text.slice(from, at + 1);
}

/** `<@relay.example:jane@acme.com>` went by way of a relay once. */
const withoutRoute = (address: string) => (address.startsWith("@") ? address.slice(address.indexOf(":") + 1) : address);

/** `"jane"@acme.com` is jane@acme.com. */
function unquotedLocal(address: string): string {
  const at = address.lastIndexOf('"@');
  if (!address.startsWith('"') || at < 1) return address;
  return address.slice(1, at).replace(/\\(.)/gs, "$1") + address.slice(at + 1);
}
