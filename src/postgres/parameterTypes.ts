/** The types (pg_type.oid) of the parameters of each statement, as the server inferred them in its first run. Shared by all connections. */
export type ParameterTypes = {
  of: (text: string) => readonly number[] | undefined;
  learn: (text: string, types: readonly number[]) => void;
  /** Called when a statement failed: the type of a column may have changed. */
  forget: (text: string) => void;
};

/** Callers choose the texts of lists, so the number of texts has no other bound. When it is reached, all are forgotten. */
const LIMIT = 1_000;
/** A longer text is not learnt: a thousand of them would be too much to keep. */
const LONGEST = 8_000;

export function createParameterTypes(): ParameterTypes {
  const known = new Map<string, readonly number[]>();
  return {
    of: (text) => known.get(text),
    learn(text, types) {
      if (known.has(text) || text.length > LONGEST) return;
      if (known.size >= LIMIT) known.clear();
      known.set(text, types);
    },
    forget: (text) => void known.delete(text),
  };
}
