import { ask } from "./client.ts";
import { type Contender, signIn } from "./servers.ts";
import { FIRST, LAST, rare, TAGS, TITLES, WORDS } from "./words.ts";

export type SearchCost = {
  what: string;
  terms: number;
  median: number;
  worst: number;
  /** Terms that had an answer. */
  found: number;
  slowest: { term: string; ms: number }[];
  /** Of the terms that the floor found, for it looks for no near misses: how many, what they took the product, and what the floor in turn. */
  beside: { terms: number; median: number; floor: { median: number; worst: number } } | undefined;
};

/**
 * 200 of what people look for, the common and the rare: names with and without accents, two words, beginnings, parts of addresses and numbers,
 * words of the notes.
 */
export const TERMS: readonly string[] = [
  ...LAST.slice(0, 40),
  ...Array.from({ length: 40 }, (_, i) => rare(200 + i * 70)),
  ...FIRST.slice(0, 15),
  ...FIRST.slice(10, 45).map((first, i) => `${first} ${i % 2 ? LAST[i * 3] : rare(150 + i * 60)}`),
  ...WORDS.slice(-20),
  ...TITLES.slice(0, 5),
  ...TAGS.slice(0, 5),
  ...["ja", "sm", "mü", "z", "ko", "42", "vi", "ee"],
  ...["jane.smith1", "acme.example", "@globex", "garcia77", "+49 30", "385878", "3858785", "123456"],
  ...["jane cto", "smith saas vip", "quartz obelisk", "garcia sales manager", "budget approved", "berlin pilot team"],
  ...["muller", "MÜLLER", "gonzalez", "novak", "zielinski", "soren", "dvorak", "lefevre"],
  ...["nobody", "renkatam 555", "morquin jane", "pollo@", "vaskel", "dunfi", "grahol", "jenkel", "mornis", "tamsul"],
].slice(0, 200);

/** Words with one slip each, that nothing holds. */
export const SLIPS: readonly string[] = [
  ...["schmitd", "gracia", "fernadez", "hofmman", "rodrigeuz", "kowalsky", "nakmaura", "johanson", "espocito", "zielinksi"],
  ...[
    "zepelin",
    "obelsik",
    "marzippan",
    "junipper",
    "procurment",
    "questionaire",
    "brewrey",
    "aluminum",
    "recieved",
    "acountant",
  ],
];

/**
 * The time of each term alone, the best of three so that neither a cold page nor a neighbour's load counts. All terms in contacts, where the
 * floor is asked too, every fifth elsewhere.
 */
export async function searchCosts(
  product: Contender,
  floors: Readonly<Record<"big" | "small", Contender>>,
  say: (line: string) => void,
): Promise<SearchCost[]> {
  const costs: SearchCost[] = [];
  for (const person of ["big", "small"] as const) {
    for (const path of ["/contacts?search=", "/activities?search=", "/search?q="]) {
      const all = path === "/contacts?search=";
      const terms = all ? TERMS : TERMS.filter((_, i) => i % 5 === 0);
      const sides = [{ contender: product, headers: await signIn(product, person) }];
      const beside = all ? [...sides, { contender: floors[person], headers: {} }] : sides;
      costs.push(await costOf(beside, path, terms, `${person} ${path} terms`));
      costs.push(await costOf(sides, path, SLIPS, `${person} ${path} near misses`));
      say(`${person} ${path} done`);
    }
  }
  return costs;
}

type Side = { contender: Contender; headers: Record<string, string> };
type Time = { term: string; ms: number; found: boolean };

/** The first side is the one that is measured, another the floor. */
async function costOf(sides: readonly Side[], path: string, terms: readonly string[], what: string): Promise<SearchCost> {
  const times = sides.map((): Time[] => []);
  for (const term of terms) {
    for (const [i, side] of sides.entries())
      times[i]!.push(await bestOfThree(side, `${path}${encodeURIComponent(term)}`, term));
  }
  const [own, floor] = times as [Time[], Time[]?];
  const found = own.filter((time) => time.found).length;
  const known = floor?.filter((time) => time.found) ?? [];
  const beside =
    floor && known.length > 0
      ? besideOf(
          own.filter((_, i) => floor[i]!.found),
          known,
        )
      : undefined;
  return { what, terms: terms.length, ...summaryOf(own), found, slowest: slowestFirst(own).slice(0, 5), beside };
}

const besideOf = (own: readonly Time[], floor: readonly Time[]) => ({
  terms: floor.length,
  median: summaryOf(own).median,
  floor: summaryOf(floor),
});

async function bestOfThree({ contender, headers }: Side, path: string, term: string): Promise<Time> {
  let best = Number.POSITIVE_INFINITY;
  let found = false;
  for (let i = 0; i < 3; i++) {
    const { ms, text } = await ask(contender.baseUrl, path, headers);
    best = Math.min(best, ms);
    found = text.split("\n").some((line) => line !== "" && !line.startsWith("#"));
    if (ms > 1000) break;
  }
  return { term, ms: best, found };
}

const slowestFirst = (times: readonly Time[]) => [...times].sort((a, b) => b.ms - a.ms);

function summaryOf(times: readonly Time[]): { median: number; worst: number } {
  const sorted = slowestFirst(times).reverse();
  return { median: sorted[Math.floor(sorted.length / 2)]!.ms, worst: sorted.at(-1)!.ms };
}
