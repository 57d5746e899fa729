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
