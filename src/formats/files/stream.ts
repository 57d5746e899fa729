/** A reader without a clock or a socket: it takes pieces as they come and gives what they complete. It throws on nothing. */
export type Machine<In, Out> = {
  push: (piece: In) => readonly Out[];
  /** What was still held back. Called once, after the last piece. */
  end: () => readonly Out[];
};

/** What a machine makes of a stream, with back-pressure: the next piece is asked for when all of the last one is taken. */
export async function* through<In, Out>(pieces: AsyncIterable<In>, machine: Machine<In, Out>): AsyncGenerator<Out> {
  for await (const batch of batches(pieces, machine)) for (const made of batch) yield made;
}

/** The same as lists, one a piece: a step of a generator costs more than a row, so rows are handed on singly only once. */
export async function* batches<In, Out>(pieces: AsyncIterable<In>, machine: Machine<In, Out>): AsyncGenerator<readonly Out[]> {
  for await (const piece of pieces) yield machine.push(piece);
  yield machine.end();
}

/** A stream of which some was taken already. Ending it early ends what it comes from. */
export async function* resume<T>(taken: readonly T[], rest: AsyncIterator<T>): AsyncGenerator<T> {
  try {
    yield* taken;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

const CHUNK = 65_536;

/** Small texts gathered into chunks of about 64 KiB, so that a socket is not written to once a row. */
export async function* gather(texts: AsyncIterable<string> | Iterable<string>): AsyncGenerator<string> {
  let chunk = "";
  for await (const text of texts) {
    chunk += text;
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = "";
  }
  if (chunk !== "") yield chunk;
}
