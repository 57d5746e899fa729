import { dictionary } from "../src/records/all.ts";
import { PEOPLE, type Person, type Sql } from "./place.ts";
import { OWNERS } from "./words.ts";

/** A list as callers ask for it. `$company` and the like stand for the record of that kind with the most links to it. */
export type Shape = { path: string; sort?: { kind: string; field: string; descending: boolean } };

const OWNER = OWNERS[0]!;
const OTHER = OWNERS[9]!;

/** Each kind by its default, by every field it can be sorted by both ways, and by what people filter it by. */
export function shapes(): Shape[] {
  return [...dictionary.values()].flatMap((definition): Shape[] => {
    const sorts = definition.fields.flatMap((field): Shape[] => {
      const way = (descending: boolean): Shape => ({
        path: `/${definition.plural}?sort=${descending ? "-" : ""}${field.name}`,
        sort: { kind: definition.name, field: field.name, descending },
      });
      return field.sort ? [way(false), way(true)] : [];
    });
    const filters = (FILTERS[definition.plural] ?? []).map((query): Shape => ({ path: `/${definition.plural}?${query}` }));
    return [{ path: `/${definition.plural}` }, ...sorts, ...filters];
  });
}

export const OTHERS: readonly Shape[] = [
  "/contacts/$contact/activities",
  "/contacts/$contact/deals",
  "/companies/$company/contacts",
  "/companies/$company/activities",
  "/deals/$deal/activities",
  "/reminders",
  "/reminders?days=30",
  "/reminders?kind=task",
  `/reminders?owner=${OWNER}`,
  `/reminders?owner=${OTHER}`,
  "/search?q=garcia",
  "/search?q=walnut",
].map((path) => ({ path }));

const COMMON = [
  "updated_at=gte:2026-10-01",
  "updated_at=lt:2025-03-01",
  "created_at=gte:2026-06-01",
  "created_at=gte:2026-06-01&sort=created_at",
  "search=garcia&sort=-updated_at",
];
const OWNED = [`owner=${OWNER}`, `owner=${OTHER}`, "owner=is:null", `owner=ne:${OWNER}`];
const TAGGED = ["tags=has:saas", "tags=has:alumni", "tags=has:rare", "tags=has:saas&sort=-created_at", "tags=is:null"];
const CUSTOM = ["custom.tier=gold", "custom.seats=7", "custom.seats=gte:490"];

const FILTERS: Record<string, readonly string[]> = {
  contacts: [
    ...COMMON,
    ...OWNED,
    ...TAGGED,
    ...CUSTOM,
    "stage=lead",
    "stage=paused",
    "stage=nowhere",
    "stage=is:null",
    "stage=ne:lead",
    "stage=in:lead,customer",
    "stage=in:partner,paused",
    `stage=lead&owner=${OWNER}`,
    `stage=paused&owner=${OTHER}`,
    "stage=lead&sort=name",
    "stage=lead&sort=-created_at",
    "company_id=$company",
    "company_id=$company&sort=name",
    "company=like:foods",
    "company_id=is:null",
    "email=jane.smith1@acme.example",
    "email=like:jane.smith",
    "email=is:null",
    "name=Jane Smith",
    "name=like:garcia",
    "name=like:jane&stage=lead",
    "title=CTO",
    "title=like:sales",
    "phone=like:30 38",
    "follow_up_at=lt:2026-10-01",
    "follow_up_at=lt:2026-10-01&sort=follow_up_at",
    "follow_up_at=is:null",
    "follow_up_at=not:null",
    "count=true",
    "stage=lead&count=true",
  ],
  companies: [
    ...COMMON,
    ...OWNED,
    ...TAGGED,
    ...CUSTOM,
    "industry=Software",
    "industry=Insurance",
    "name=like:smith",
    "domain=like:smith",
  ],
  deals: [
    ...COMMON,
    ...OWNED,
    ...TAGGED,
    ...CUSTOM,
    "status=open",
    "status=lost",
    "status=open&sort=-amount_cents",
    "status=open&sort=close_date",
    "stage=proposal",
    "stage=renewal",
    "status=open&stage=proposal",
    "amount_cents=gte:5000000",
    "amount_cents=gte:9000000",
    "amount_cents=gte:1000000&amount_cents=lt:1100000",
    "close_date=gte:2026-11-01&close_date=lt:2026-12-01",
    "close_date=lt:2026-11-01&status=open&sort=close_date",
    "contact_id=$contact",
    "company_id=$company",
    "currency=GBP",
    "count=true",
  ],
  activities: [
    ...COMMON,
    "kind=call",
    "kind=task",
    "contact_id=$contact",
    "company_id=$company",
    "deal_id=$deal",
    "contact_id=$contact&kind=call",
    "at=gte:2026-10-01",
    "at=lt:2025-03-01",
    "kind=meeting&at=gte:2026-10-01",
    "body=like:zeppelin",
    "company=like:foods",
  ],
  tasks: [
    ...COMMON,
    ...TAGGED.slice(0, 3),
    "done=false",
    "done=true",
    "done=false&sort=due_at",
    "done=false&due_at=lt:2026-11-01&sort=due_at",
    `assignee=${OWNER}`,
    `assignee=${OTHER}&done=false`,
    `assignee=${OWNER}&done=false&sort=due_at`,
    "contact_id=$contact",
    "deal_id=$deal",
  ],
};

/** The records that `$contact` and the like stand for: the first of a kind has the most links. */
export async function linkedRecords(sql: Sql, person: Person): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { name, plural, prefix } of dictionary.values()) {
    const [row] = await sql<{ id: string }[]>`
      select id from ${sql(plural)} where workspace_id = ${PEOPLE[person].workspaceId} order by id limit 1`;
    found.set(`$${name}`, `${prefix}_${row!.id.slice(-8)}`);
  }
  return found;
}

/** The path as one sends it, with `$contact` and the like put in. */
export function pathFor(path: string, linked: ReadonlyMap<string, string>): string {
  return encodeURI(path.replace(/\$[a-z]+/g, (name) => linked.get(name) ?? name));
}
