import { ask } from "./client.ts";
import type { Person } from "./place.ts";
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
 * The time of each term alone, the best of three so that neither a cold page nor a neighbour's load counts. All terms in contacts, every
 * fifth elsewhere.
 */
export async function searchCosts(product: Contender, say: (line: string) => void): Promise<SearchCost[]> {
  const costs: SearchCost[] = [];
  for (const person of ["big", "small"] as const) {
    for (const path of ["/contacts?search=", "/activities?search=", "/search?q="]) {
      const terms = path === "/contacts?search=" ? TERMS : TERMS.filter((_, i) => i % 5 === 0);
      costs.push(await timeOf(product, person, path, terms, "terms"));
      costs.push(await timeOf(product, person, path, SLIPS, "near misses"));
      say(`${person} ${path} done`);
    }
  }
  return costs;
}

async function timeOf(
  product: Contender,
  person: Person,
  path: string,
  terms: readonly string[],
  what: string,
): Promise<SearchCost> {
  const headers = await signIn(product, person);
  const times: { term: string; ms: number }[] = [];
  let found = 0;
  for (const term of terms) {
    let best = Number.POSITIVE_INFINITY;
    let lines = 0;
    for (let i = 0; i < 3; i++) {
      const { ms, text } = await ask(product.baseUrl, `${path}${encodeURIComponent(term)}`, headers);
      best = Math.min(best, ms);
      lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
      if (ms > 1000) break;
    }
    times.push({ term, ms: best });
    if (lines > 0) found += 1;
  }
  times.sort((a, b) => a.ms - b.ms);
  const median = times[Math.floor(times.length / 2)]!.ms;
  const slowest = times.slice(-5).reverse();
  return { what: `${person} ${path} ${what}`, terms: terms.length, median, worst: slowest[0]!.ms, found, slowest };
}
