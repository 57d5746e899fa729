import { resume } from "./stream.ts";

/** How a file begins, and all of it. */
export async function peek(
  bytes: AsyncIterable<Uint8Array>,
  least: number,
): Promise<{ begins: string; bytes: AsyncIterable<Uint8Array> }> {
  const rest = bytes[Symbol.asyncIterator]();
  const taken: Uint8Array[] = [];
  let begins = "";
  while (begins.length < least) {
    const next = await rest.next();
    if (next.done) break;
    taken.push(next.value);
    begins += Buffer.from(next.value.subarray(0, least)).toString("utf8");
  }
  return { begins, bytes: resume(taken, rest) };
}
