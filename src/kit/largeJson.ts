/** JSON of a stored value that takes a while to parse: whoever shows it chooses when. */
export class LargeJson {
  readonly text: string;
  readonly #shape: (value: unknown) => unknown;

  constructor(text: string, shape = (value: unknown) => value) {
    this.text = text;
    this.#shape = shape;
  }

  /** What `shape` makes of its value, once that is parsed. */
  shaped(shape: (value: unknown) => unknown): LargeJson {
    return new LargeJson(this.text, (value) => shape(this.#shape(value)));
  }

  whole(): unknown {
    return this.#shape(JSON.parse(this.text));
  }
}

/** In characters: parsed within a millisecond. */
const LARGE = 65_536;

/** The value of a JSON text as the database gives it, or a `LargeJson` of it. */
export function readJson(text: string): unknown {
  return text.length > LARGE ? new LargeJson(text) : JSON.parse(text);
}

export function wholeOf(stored: unknown): unknown {
  return stored instanceof LargeJson ? stored.whole() : stored;
}
