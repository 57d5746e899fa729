import { readId } from "../kit/id.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Field, Kind } from "../records/kind.ts";
import { isGroupable } from "./grouping.ts";
import { exampleOf } from "./newRecord.ts";

/** What leads on from a request that no route takes, as the kinds of the workspace tell it. */

const MOST = 3;

/** In place of a path that is none. `/stages` is the values of a field, `/calls` the records whose field has that value. */
export function leadsFrom({ kinds }: Catalog, segments: readonly string[]): string[] {
  const [word = "", ...more] = segments;
  if (word === "" || more.length > 0) return [];
  const words = spellings(word);
  const named = kinds.flatMap((kind) => fieldCalled(kind, words).map((field) => valuesOf(kind, field))).slice(0, MOST);
  const values = kinds.flatMap((kind) => valuesCalled(kind, words));
  return [...named, ...values, ...elsewhere(words)].slice(0, MOST).map((request) => `you may mean ${request}`);
}

/** What others call what stands elsewhere here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  ...{ me: "/whoami", profile: "/whoami", account: "/whoami" },
  ...{ user: "/workspaces/{id}/members", team: "/workspaces/{id}/members" },
  ...{ dashboard: "/overview", report: "/overview", stat: "/overview" },
  ...{ forecast: "/pipeline", funnel: "/pipeline", sales: "/pipeline" },
  ...{ agenda: "/reminders", today: "/reminders", todo: "/reminders", due: "/reminders" },
};

const elsewhere = (words: readonly string[]): string[] =>
  words.flatMap((each) => (Object.hasOwn(ELSEWHERE, each) ? [`GET ${ELSEWHERE[each]}`] : [])).slice(0, 1);

/** Filters for a field that may have this value: `overdue` is a status of invoices, `call` a usual kind of activities. */
const valuesCalled = (kind: Kind, words: readonly string[]): string[] =>
  kind.fields.flatMap(({ name, type }) =>
    words
      .filter((value) => (type.choices ?? type.known)?.includes(value))
      .map((value) => `GET /${kind.plural}?${name}=${value}`),
  );

/** In place of the id of a record: `/deals/stages`, `/invoices/overdue`, `/deals/forecast`. */
export function leadsWithin(kind: Kind, word: string): string[] {
  const words = spellings(word);
  const named = fieldCalled(kind, words).map((field) => valuesOf(kind, field));
  return [...named, ...valuesCalled(kind, words), ...elsewhere(words)]
    .slice(0, MOST)
    .map((request) => `you may mean ${request}`);
}

/** A method that a path has not, where the path is of a record or of what hangs on it. */
export function leadsInstead(catalog: Catalog, method: string, segments: readonly string[]): string[] {
  const [plural = "", id = "", sub, ...more] = segments;
  const kind = catalog.byPlural(plural);
  if (!kind || (method !== "POST" && method !== "PUT") || more.length > 0) return [];
  if (sub !== undefined) {
    const other = catalog.byPlural(sub);
    return other ? [`make one: ${exampleOf(other)}; GET /help/${sub} tells what it is attached to`] : [];
  }
  if (readId(id, kind)) return [`change it: PATCH /${plural}/${id}`];
  return [
    `make one: ${exampleOf(kind)}`,
    `many: PATCH /${plural}?<filters> changes all that they find, POST /${plural}/import takes a file, POST /batch several requests`,
  ];
}

const fieldCalled = ({ fields }: Kind, words: readonly string[]): Field[] =>
  fields.filter(({ name, link }) => !link && words.includes(name)).slice(0, 1);

const valuesOf = ({ plural }: Kind, field: Field): string =>
  isGroupable(field) ? `GET /${plural}?group_by=${field.name}` : `GET /${plural}?fields=${field.name}`;

/** What others call a value of ours. */
const MEANT: Readonly<Record<string, string>> = { dunning: "overdue" };

/** A word, what it means here, and what it may be the plural of. */
function spellings(word: string): string[] {
  const lower = word.toLowerCase().replaceAll("-", "_");
  const meant = Object.hasOwn(MEANT, lower) ? [MEANT[lower]!] : [];
  return [...new Set([...meant, lower, lower.replace(/s$/, ""), lower.replace(/es$/, ""), lower.replace(/ies$/, "y")])];
}
