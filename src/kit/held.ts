/**
 * Long texts that are kept, of at most so many characters together: the least recently used is dropped first. Whoever comes while one is
 * being made waits for it.
 */
export type Held = { get: (key: object, make: () => Promise<string>) => Promise<string> };

export function createHeld(mostLetters: number): Held {
  // A Map iterates in insertion order, so the first key is the least recently used one.
  const texts = new Map<object, { text: Promise<string>; length: number }>();
  let letters = 0;

  function drop(key: object): void {
    letters -= texts.get(key)?.length ?? 0;
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
          letters += length;
          while (letters > mostLetters && texts.size > 1) drop(texts.keys().next().value!);
        },
        () => texts.get(key) === entry && drop(key),
      );
      return entry.text;
    },
  };
}
