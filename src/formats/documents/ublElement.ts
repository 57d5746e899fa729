export type Xml = { readonly xml: string };

/** What XML cannot hold is left out, and all that means something in it is written so that it does not. */
const escaped = (text: string) =>
  text
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "")
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** An element of values or other elements; one without any is left out. */
export function tag(name: string, ...content: (Xml | string | undefined | null | false)[]): Xml {
  const [element = ""] = name.split(" ");
  const inner = content
    .map((each) => (typeof each === "object" && each !== null ? each.xml : each ? escaped(each) : ""))
    .join("");
  return { xml: inner === "" ? "" : `<${name}>${inner}</${element}>` };
}
