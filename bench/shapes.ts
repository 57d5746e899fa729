import { isPaged } from "../src/derive/paging.ts";
import { readListQuery } from "../src/derive/query.ts";
import { zone } from "../src/kit/time.ts";
import { catalog } from "../src/records/all.ts";
import type { Field, Kind } from "../src/records/kind.ts";
import { PEOPLE, type Person, type Sql } from "./place.ts";
import { OWNERS } from "./words.ts";

/** A list as callers ask for it. `$company` and the like stand for the record of that kind with the most links to it. */
export type Shape = {
  path: string;
  /** Whether the product says that an index gives its pages, which then cost the same at any size. */
  paged: boolean;
  sort?: { kind: string; field: string; descending: boolean };
};

/** Each kind in every order both ways, by every field with every operator, and by what people combine. */
export function shapes(): Shape[] {
  return catalog.kinds.flatMap((kind) => {
    const sorts = kind.fields.flatMap(({ name, sort }) => (sort ? [name, `-${name}`] : []));
    const filters = kind.fields.filter(({ shown }) => shown !== "asked").flatMap((field) => filtersOf(kind, field));
    const queries = ["", ...sorts.map((order) => `sort=${order}`), ...filters, ...(COMBINED[kind.plural] ?? [])];
    return queries.map((query): Shape => {
      const path = `/${kind.plural}${query && "?"}${query}`;
      const paged = isPagedQuery(kind, query);
      const [, minus, field] = /^sort=(-?)(\w+)$/.exec(query) ?? [];
      return field && !kind.field(field)?.touched
        ? { path, paged, sort: { kind: kind.name, field, descending: minus === "-" } }
        : { path, paged };
    });
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
  `/reminders?owner=${OWNERS[0]}`,
  `/reminders?owner=${OWNERS[9]}`,
  "/search?q=garcia",
  "/search?q=berlin",
  "/search?q=zeppelin",
].map((path) => ({ path, paged: !path.startsWith("/search") }));

/** Any id and time will do: only the shape decides. */
function isPagedQuery(kind: Kind, query: string): boolean {
  const parameters = [...new URLSearchParams(query.replace(/\$(\w+)/g, (_, name) => idOf(name)))];
  return isPaged(kind, readListQuery(kind, parameters, { now: 0, zone: zone("UTC"), me: "" }));
}

const idOf = (name: string) => `${catalog.get(name)!.prefix}_00000000`;

/** `field=op:value` for every operator of the field: with a common value and a rare one, and in both directions. */
function filtersOf(kind: Kind, field: Field): string[] {
  const { name, type, column, touched } = field;
  if (name === "custom") return CUSTOM;
  const known = touched ? TOUCHED[touched.is] : (VALUES[`${kind.name}.${name}`] ?? VALUES[name]);
  const link = kind.links.find(({ id }) => id.name === name);
  const values = column === "id" ? [`$${kind.name}`] : (known ?? (link ? [`$${link.target.name}`] : usual(kind, field)));
  const [common, rare = common] = values as readonly [string, string?];
  const forms: Partial<Record<string, readonly string[]>> = {
    eq: [...new Set([common, rare])],
    ne: [`ne:${common}`],
    gte: [`gte:${rare}`],
    lt: [`lt:${rare}`],
    like: [`like:${common.slice(0, 6)}`],
    starts: [`starts:${rare.slice(0, 6)}`],
    in: common === rare ? [] : [`in:${common},${rare}`],
    has: [`has:${common}`, `has:${rare}`],
    is: ["is:null"],
    not: ["not:null"],
  };
  return type.operators.flatMap((operator) => (forms[operator] ?? []).map((form) => `${name}=${form}`));
}

/** When something last happened to a record, and how often something did. */
const TOUCHED = { last: ["-60d", "-1d"], count: ["3", "40"] } as const;

/** Sample values that the declaration gives. */
function usual({ example }: Kind, { name, type }: Field): readonly string[] {
  const said = type.choices ?? type.known;
  if (said) return said;
  if (type.sqlType === "integer") return ["1", "5"];
  const shown = example[name] ?? /(?:such as|:) ([^\s,]+)/.exec(type.expects)?.[1] ?? name;
  return [String(shown)];
}

/** A value that many records have, and one that few have, by field. Of what is not here, the declaration gives one. */
const VALUES: Record<string, readonly [string, string?]> = {
  name: ["Jane Smith", "Zuzanna Kalomi"],
  "company.name": ["Smith Foods", "Kalomi Media"],
  email: ["jane.smith1@acme.example"],
  phone: ["+49 30 1000000"],
  title: ["CTO", "Astronaut"],
  "deal.title": ["Smith for pilot"],
  "task.title": ["for about and a"],
  company: ["Smith Foods", "Kalomi Media"],
  contacts: ["$contact"],
  companies: ["$company"],
  involves: ["acme.example"],
  contact: ["Jane Smith", "Zuzanna Kalomi"],
  deal: ["Smith for pilot"],
  subject: ["for about and a"],
  requester: ["Jane Smith", "Zuzanna Kalomi"],
  stage: ["lead", "paused"],
  "deal.stage": ["discovery", "renewal"],
  owner: [OWNERS[0]!, OWNERS[9]!],
  assignee: [OWNERS[0]!, OWNERS[9]!],
  created_by: [OWNERS[0]!, "nobody@bench.example"],
  tags: ["saas", "rare"],
  industry: ["Software", "Insurance"],
  domain: ["smith1.example"],
  follow_up_note: ["berlin", "zeppelin"],
  notes: ["berlin", "zeppelin"],
  body: ["berlin", "zeppelin"],
  amount_cents: ["125000", "9000000"],
  currency: ["USD", "GBP"],
  version: ["1", "5"],
  close_date: ["2026-10-15", "2027-03-01"],
  closed_at: ["2026-10-15", "2025-01-10"],
  lost_reason: ["price", "never seen"],
  follow_up_at: ["2026-10-15", "2027-03-01"],
  due_at: ["2026-10-15", "2027-03-01"],
  at: ["2026-10-15", "2024-11-10"],
  created_at: ["2026-10-15", "2024-11-10"],
  updated_at: ["2026-10-15", "2025-01-10"],
};

const CUSTOM = ["custom.tier=gold", "custom.seats=7", "custom.seats=gte:490", "custom.tier=like:gol", "custom=is:null"];

const COMMON = [
  "updated_at=gte:2026-10-01&updated_at=lt:2026-10-15",
  "created_at=gte:2026-06-01&sort=created_at",
  "search=garcia",
  "search=garcia&sort=-updated_at",
  "count=true",
];

/** By the path of the kind. */
const COMBINED: Record<string, readonly string[]> = {
  contacts: [
    "company.industry=Software",
    "last_activity_at=lt:-60d&sort=-last_activity_at",
    ...COMMON,
    "stage=lead&sort=name",
    "stage=paused&updated_at=gte:2026-10-01",
    "stage=lead&sort=updated_at",
    `stage=lead&owner=${OWNERS[0]}`,
    `stage=paused&owner=${OWNERS[9]}`,
    "company_id=$company&sort=name",
    "company_id=$company&stage=lead",
    "name=like:jane&stage=lead",
    "tags=has:saas&sort=-created_at",
    "follow_up_at=lt:2026-10-01&sort=follow_up_at",
    "stage=lead&count=true",
  ],
  companies: COMMON,
  deals: [
    ...COMMON,
    "status=open&sort=-amount_cents",
    "status=open&stage=proposal",
    "amount_cents=gte:1000000&amount_cents=lt:1100000&sort=amount_cents",
    "close_date=lt:2026-11-01&status=open&sort=close_date",
  ],
  activities: [
    ...COMMON,
    "contact_id=$contact&kind=call",
    "kind=meeting&at=gte:2026-10-01",
    "contact_id=$contact&at=gte:2026-01-01",
  ],
  tasks: [
    ...COMMON,
    "done=false&sort=due_at",
    "done=false&due_at=lt:2026-11-01&sort=due_at",
    `assignee=${OWNERS[9]}&done=false`,
    `assignee=${OWNERS[0]}&done=false&sort=due_at`,
  ],
};

/** The records that `$contact` and the like stand for: the first of a kind has the most links. */
export async function linkedRecords(sql: Sql, person: Person): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { name, plural, prefix } of catalog.kinds) {
    const [row] = await sql<{ id: string }[]>`
      select id from ${sql(plural)} where workspace_id = ${PEOPLE[person].workspaceId} order by id limit 1`;
    found.set(`$${name}`, `${prefix}_${row!.id.slice(-8)}`);
  }
  return found;
}

/** The path as one sends it, with `$contact` and the like put in. */
export function pathFor(path: string, linked: ReadonlyMap<string, string>): string {
  return encodeURI(path.replace(/\$[a-z]+/g, (name) => linked.get(name) ?? name)).replaceAll("+", "%2B");
}
