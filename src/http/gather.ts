import { setImmediate as turn } from "node:timers/promises";

/** Characters that are put together before others have their turn: a millisecond or two. */
const AT_ONCE = 131_072;

/**
 * The text that the parts make. Where it is long, others have their turn between its parts, however many there are, and it comes as bytes: to
 * encode all of it at once would hold them up again; those end with `end`.
 */
export function gather(parts: Iterator<string>, end = ""): string | Promise<Buffer> {
  let text = "";
  for (let next = parts.next(); next.done !== true; next = parts.next()) {
    text += next.value;
    if (text.length > AT_ONCE) return gatherInTurns(text, parts, end);
  }
  return text;
}

async function gatherInTurns(begun: string, parts: Iterator<string>, end: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let text = begun;
  for (;;) {
    if (text.length > AT_ONCE) {
      chunks.push(Buffer.from(text));
      text = "";
      await turn();
    }
    const next = parts.next();
    if (next.done === true) break;
    text += next.value;
  }
  chunks.push(Buffer.from(text + end));
  return Buffer.concat(chunks);
}
