/**
 * Long texts that are kept, of at most so many bytes together: the least recently used is dropped first. Whoever comes while one is
 * being made waits for it.
 */
export type Held = { get: (key: object, make: () => Promise<Buffer>) => Promise<Buffer> };

export function createHeld(mostBytes: number): Held {
  // A Map iterates in insertion order, so the first key is the least recently used one.
  const texts = new Map<object, { text: Promise<Buffer>; length: number }>();
  let bytes = 0;

  function drop(key: object): void {
    bytes -= texts.get(key)?.length ?? 0;
    texts.delete(key);
  }

  return {
    get(key, make) {
      const known = texts.get(key);
      if (known) {
        texts.delete(key);
        texts.set(key, known);
        return known.text;
      }
      const entry = { text: make(), length: 0 };
      texts.set(key, entry);
      entry.text.then(
        ({ length }) => {
          if (texts.get(key) !== entry) return;
          entry.length = length;
          bytes += length;
          while (bytes > mostBytes && texts.size > 1) drop(texts.keys().next().value!);
        },
        () => texts.get(key) === entry && drop(key),
      );
      return entry.text;
    },
  };
}
