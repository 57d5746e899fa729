/** Letters that sound alike, or stand for one another where an umlaut cannot be typed. Each goes both ways. */
const ALIKE: readonly (readonly [string, string])[] = [
  ["j", "y"],
  ["c", "k"],
  ["ph", "f"],
  ["i", "y"],
  ["s", "z"],
  ["v", "w"],
  ["th", "t"],
  ["ck", "k"],
  ["ie", "i"],
  ["ae", "a"],
  ["oe", "o"],
  ["ue", "u"],
  ["ei", "ai"],
  ["x", "ks"],
  ["dt", "t"],
  ["sch", "sh"],
];

const RULES = ALIKE.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]);

const LONGEST_SWAPPED = 8;
/** Each costs a look into an index: a hundredth of a millisecond. */
const MOST = 64;
/** `cathya` is three steps from `katja`. */
const STEPS = 3;

/**
 * Other spellings of a word, those with the fewest changes first: two letters next to each other that changed places, letters that sound
 * alike, double letters. None for what is no plain word. A short word with a slip has hardly a group of three letters in common with what was
 * meant, and such groups are what near misses go by.
 */
export function spellings(word: string): string[] {
  const plain = word.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
  if (!/^\p{L}{3,24}$/u.test(plain)) return [];
  const found = new Set([plain]);
  const add = (all: readonly string[]) => {
    for (const each of all) if (found.size <= MOST) found.add(each);
  };
  add([...plain].length <= LONGEST_SWAPPED ? swapped([...plain]) : []);
  add(alike(plain));
  add(doubled(plain));
  let last = alike(plain);
  for (let step = 1; step < STEPS; step++) {
    last = last.flatMap((each) => [...alike(each), ...single(each)]).slice(0, 4 * MOST);
    add(last);
  }
  found.delete(plain);
  return [...found];
}

/** With each two neighbours the other way round. */
const swapped = (letters: readonly string[]): string[] =>
  letters.slice(1).map((letter, i) => [...letters.slice(0, i), letter, letters[i], ...letters.slice(i + 2)].join(""));

/** With one place written as it sounds, for each place and rule. */
function alike(word: string): string[] {
  const found: string[] = [];
  for (const [from, to] of RULES) {
    for (let at = word.indexOf(from); at >= 0; at = word.indexOf(from, at + 1))
      found.push(word.slice(0, at) + to + word.slice(at + from.length));
  }
  return [...single(word), ...found];
}

/** With one double letter single. */
const single = (word: string): string[] =>
  [...word.matchAll(/(\p{L})\1/gu)].map(({ index }) => word.slice(0, index) + word.slice(index + 1));

/** With one consonant double. */
const doubled = (word: string): string[] =>
  [...word.matchAll(/[bcdfgklmnprstz]/g)].map(({ index }) => word.slice(0, index) + word[index] + word.slice(index));
