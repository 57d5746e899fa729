import { inTurns } from "../kit/turns.ts";

/**
 * Something that is worked out once for each kind (or catalog, or view) and kept on it, so that it goes when that goes. Rooms further up add
 * what only they know: `const viewsOf = derived((kind: Kind) => …)`.
 */
export function derived<On extends object, Made>(make: (on: On) => Made): (on: On) => Made {
  const key = Symbol();
  return (on) => {
    const holder = on as { [key]?: Made };
    let made = holder[key];
    if (made === undefined) {
      made = make(on);
      Object.defineProperty(on, key, { value: made });
    }
    return made;
  };
}

/** The same of what takes a while for many kinds: it is made in turns with other work, once for all who wait for it. What fails is tried again. */
export function derivedInTurns<On extends object, Made>(
  making: (on: On) => Generator<unknown, Made, void>,
): (on: On) => Made | Promise<Made> {
  const known = derived((_: On): { made?: Made | Promise<Made> } => ({}));
  return (on) => {
    const holder = known(on);
    holder.made ??= inTurns(making(on)).then(
      (made) => {
        holder.made = made;
        return made;
      },
      (error: unknown) => {
        delete holder.made;
        throw error;
      },
    );
    return holder.made;
  };
}
