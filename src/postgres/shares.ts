import { tooManyStreams } from "./errors.ts";

/** Counts the streams that run. Beyond `most` in all, or `ofOne` of one owner, a stream is refused when it is begun. */
export function createShares(most: number, ofOne: number) {
  const running = new Map<string, number>();
  let all = 0;

  return async function* admit<T>(
    owner: string | undefined,
    stream: () => AsyncIterable<T>,
  ): AsyncGenerator<T, void, undefined> {
    const key = owner ?? "";
    const mine = running.get(key) ?? 0;
    if (all >= most || (owner !== undefined && mine >= ofOne)) throw tooManyStreams(all >= most ? undefined : mine);
    all += 1;
    running.set(key, mine + 1);
    try {
      yield* stream();
    } finally {
      all -= 1;
      const left = running.get(key)! - 1;
      if (left === 0) running.delete(key);
      else running.set(key, left);
    }
  };
}
