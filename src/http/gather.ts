import { isSpent, turn } from "../kit/turns.ts";

/** Characters that are put together before others have their turn: a millisecond or two. */
const AT_ONCE = 131_072;

/**
 * The text that the parts make. Where it is long, others have their turn between its parts, however many there are, and at each that is empty;
 * and it comes as bytes, for to encode all of it at once would hold them up again. Those end with `end`.
 */
export function gather(parts: Iterator<string>, end = ""): string | Promise<Buffer> {
  let text = "";
  for (let next = parts.next(); next.done !== true; next = parts.next()) {
    text += next.value;
    if (text.length > AT_ONCE || next.value === "") return gatherOn(text, parts, end);
  }
  return text;
}

/** The same of parts that take a while to make: always as bytes. */
export const gatherInTurns = (parts: Iterator<string>, end = ""): Promise<Buffer> => gatherOn("", parts, end);

async function gatherOn(begun: string, parts: Iterator<string>, end: string): Promise<Buffer> {
  const chunks = [Buffer.from(begun)];
  let text = "";
  await turn();
  for (let next = parts.next(); next.done !== true; next = parts.next()) {
    text += next.value;
    if (next.value !== "" && text.length <= AT_ONCE && !isSpent()) continue;
    chunks.push(Buffer.from(text));
    text = "";
    await turn();
  }
  chunks.push(Buffer.from(text + end));
  return Buffer.concat(chunks);
}
