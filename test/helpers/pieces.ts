import fc from "fast-check";
import type { Machine } from "../../src/formats/files/stream.ts";

export const MIB = 1_048_576;

/** Text or bytes in pieces that are cut at any places, some of them empty. */
export function pieces<T extends { length: number; slice: (from: number, to?: number) => T }>(
  whole: T,
  cuts: readonly number[],
): T[] {
  const places = [0, ...cuts.map((cut) => cut % (whole.length + 1)), whole.length].sort((a, b) => a - b);
  return places.slice(1).map((place, i) => whole.slice(places[i]!, place));
}

export const cuts = fc.array(fc.nat(), { maxLength: 20 });

/** All that a machine makes of these pieces. */
export function run<In, Out>(machine: Machine<In, Out>, some: readonly In[]): Out[] {
  return [...some.flatMap((piece) => [...machine.push(piece)]), ...machine.end()];
}

export async function* stream<T>(some: readonly T[]): AsyncGenerator<T> {
  yield* some;
}

export async function all<T>(some: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const one of some) list.push(one);
  return list;
}

/** Storable text that would break a careless reader or writer of files. */
const NASTY = [
  ...['"', '""', ",", ";", "\t", "|", "\n", "\r", "\r\n", " ", "'", "'=", "=1+1", "-2", "+49", "@x", "\\", "\\n", "\\,"],
  ...[
    ":",
    "=3D",
    "=\n",
    "é",
    "€",
    "ß",
    "山",
    "😀",
    "\ufeff",
    "\u2028",
    "\u0085",
    "\u00a0",
    "BEGIN:VCARD",
    "END:VCARD",
    "sep=;",
    "#",
    "x",
  ],
];

export const storable = fc
  .array(fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: "binary", maxLength: 4 })), { maxLength: 8 })
  .map((parts) => parts.join("").replaceAll("\0", ""))
  .filter((text) => !/\p{Surrogate}/u.test(text));

/** A file after an accident: bytes dropped, doubled, changed or put in. */
export function mutilated(whole: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const accident = fc.record({ at: fc.nat(), drops: fc.nat(3), puts: fc.uint8Array({ maxLength: 3 }) });
  return fc.tuple(whole, fc.array(accident, { minLength: 1, maxLength: 5 })).map(([bytes, accidents]) =>
    accidents.reduce((now, { at, drops, puts }) => {
      const place = at % (now.length + 1);
      return Buffer.concat([now.subarray(0, place), puts, now.subarray(place + drops)]);
    }, Buffer.from(bytes)),
  );
}
