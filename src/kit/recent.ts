/** A cache of limited size. When it is full, the least recently used entry is dropped. */
export type Recent<Key, Value> = {
  get: (key: Key) => Value | undefined;
  set: (key: Key, value: Value) => void;
  readonly size: number;
};

export function createRecent<Key, Value>(most: number): Recent<Key, Value> {
  // A Map iterates in insertion order, so the first key is the least recently used one.
  const entries = new Map<Key, Value>();
  return {
    get(key) {
      const value = entries.get(key);
      if (value === undefined) return undefined;
      entries.delete(key);
      entries.set(key, value);
      return value;
    },
    set(key, value) {
      entries.delete(key);
      entries.set(key, value);
      if (entries.size > most) entries.delete(entries.keys().next().value!);
    },
    get size() {
      return entries.size;
    },
  };
}
