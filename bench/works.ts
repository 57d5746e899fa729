import { type Request, request } from "./client.ts";
import type { Side, Work } from "./duel.ts";
import { LOADED_UNTIL } from "./fill.ts";
import { PEOPLE, type Sql } from "./place.ts";
import type { Contender } from "./servers.ts";
import { DEAL_STAGES, FIRST, LAST, STAGES, TITLES, WORDS } from "./words.ts";

export type Cast = {
  product: Contender;
  floor: Contender;
  /** Bare frameworks on the floor's statements and rendering. */
  peers: Contender[];
  /** Another state of the product, which then stands in the floor's place. */
  before?: { contender: Contender; authorization: Record<string, string> };
  /** Signs the product's requests. */
  authorization: Record<string, string>;
  /** Contacts of the big workspace. */
  ids: string[];
};

const JSON_TYPE = { "Content-Type": "application/json" };

/** By name, in the order they are run in. Requests a slice are chosen so that one takes about half a second. */
export const WORKS: Record<string, (cast: Cast) => Work> = {
  ping: (cast) => versus(cast, "ping", 8000, same("GET", "/ping"), same("GET", "/healthz")),
  get: (cast) => {
    const id = (i: number) => cast.ids[(i * 7919) % cast.ids.length]!;
    const one = (path: (i: number) => string) => (headers: Headers, i: number) => request("GET", path(i), headers);
    return versus(
      cast,
      "get",
      3000,
      one((i) => `/contacts/${id(i)}`),
      one((i) => `/contacts/c_${id(i).slice(-8)}`),
    );
  },
  list: (cast) => versus(cast, "list", 1000, same("GET", "/contacts")),
  filter: (cast) => versus(cast, "filter", 1000, (headers, i) => request("GET", `/contacts?stage=${STAGES[i % 5]}`, headers)),
  reminders: (cast) => versus(cast, "reminders", 1000, same("GET", "/reminders")),
  upsert: (cast) => versus(cast, "upsert", 2000, post("/contacts", contactBody)),
  activity: (cast) =>
    versus(
      cast,
      "activity",
      2000,
      post("/activities", (i) => activityBody(cast.ids, i)),
    ),
  json: (cast) => {
    const text = side(cast.product, cast.authorization, same("GET", "/contacts"), "text");
    const json = side(cast.product, cast.authorization, same("GET", "/contacts?format=json"), "json");
    const fields = LIST_FIELDS.join(",");
    const even = side(
      cast.product,
      cast.authorization,
      same("GET", `/contacts?format=json&fields=${fields}`),
      "json, same fields",
    );
    return { name: "json", requests: 1000, sides: [text, json, even] };
  },
  feed: ({ product, authorization }) => {
    const page = (path: string, name: string) => side(product, authorization, same("GET", path), name);
    const sides: Work["sides"] = [
      page("/contacts?limit=200", "list of 200"),
      page("/changes?limit=200", "feed of 200"),
      page("/audit?limit=200", "audit of 200"),
    ];
    return { name: "feed", requests: 300, sides };
  },
};

/** What a contact's line in a list shows. */
const LIST_FIELDS =
  "id,name,email,phone,title,company_id,company,stage,owner,tags,follow_up_at,follow_up_note,updated_at".split(",");

type Headers = Record<string, string>;
/** `by` is the name of who is asked, so that two of them do not write the same records. */
type Make = (headers: Headers, i: number, by: string) => Request;

/** The floor's request is also the product's, unless that calls it by another path. */
function versus(cast: Cast, name: string, requests: number, bare: Make, full = bare): Work {
  const { product, floor, peers, authorization, before } = cast;
  if (before) {
    const sides: Work["sides"] = [side(before.contender, before.authorization, full), side(product, authorization, full)];
    return { name, requests, sides };
  }
  const sides = [side(product, authorization, full), ...peers.map((peer) => side(peer, {}, bare))];
  return { name, requests, sides: [side(floor, {}, bare), ...sides] };
}

function side(contender: Contender, headers: Headers, make: Make, name = contender.name): Side {
  return { name, contender, next: (i) => make(headers, i, contender.name) };
}

function same(method: string, path: string): Make {
  const made = new Map<Headers, Request>();
  return (headers) => {
    const known = made.get(headers) ?? request(method, path, headers);
    made.set(headers, known);
    return known;
  };
}

function post(path: string, body: (i: number, by: string) => object): Make {
  return (headers, i, by) => {
    return request("POST", path, { ...JSON_TYPE, ...headers }, JSON.stringify(body(i, by)));
  };
}

/** Half of them create, half update what the one before created. */
function contactBody(i: number, by: string): object {
  const n = Math.floor(i / 2);
  const name = `${FIRST[n % FIRST.length]} ${LAST[n % LAST.length]}`;
  return {
    email: `bench.${by}${n}.${RUN}@upsert.example`,
    name,
    title: TITLES[(i * 7) % TITLES.length]!,
    stage: STAGES[i % 7]!,
  };
}

function activityBody(ids: readonly string[], i: number): object {
  const said = Array.from({ length: 12 }, (_, k) => WORDS[(i * 31 + k * 17) % WORDS.length]).join(" ");
  return { kind: "call", contact_id: ids[(i * 7919) % ids.length]!, body: `${said} ${DEAL_STAGES[i % 6]}` };
}

/** Addresses of this run, so that its first upsert of one creates. */
const RUN = process.pid;

/** Contacts of the load, not those that a run left which was cut off: the sweep takes them. */
export async function sampleIds(sql: Sql): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from contacts tablesample system (2) repeatable (1)
    where workspace_id = ${PEOPLE.big.workspaceId} and updated_at < ${LOADED_UNTIL}::timestamptz limit 5000`;
  return rows.map(({ id }) => id);
}

/** These leave something to sweep. */
export const WRITE = ["upsert", "activity", "feed"];

/** Creations and changes of some contacts, for the feed: the load has no history. The sweep takes them away. */
export async function addHistory(sql: Sql): Promise<void> {
  await sql`insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, agent, xid, row)
    select c.workspace_id, 'ch_' || lpad(to_hex(c.n * 2 + v.version), 26, '0'), 'contact', c.id, v.version,
      case v.version when 1 then 'created' else 'updated' end, c.updated_at, 'bench@example.com', 'bench', pg_current_xact_id(),
      to_jsonb(c) - '{n,workspace_id,search,xid}'::text[] || jsonb_build_object('version', v.version, 'stage', 'stage ' || v.version)
    from (select *, row_number() over (order by id) as n from contacts where workspace_id = ${PEOPLE.big.workspaceId} limit 5000) c,
      generate_series(1, 2) v (version)`;
  await sql`analyze changes`;
}

/**
 * Takes away what the works wrote: it is all newer than what was loaded. Without foreign keys (replica), for there is no index on the links of
 * deleted records too, and each contact would be looked for among three million activities.
 */
export async function sweep(sql: Sql): Promise<void> {
  const { workspaceId } = PEOPLE.big;
  await sql`set session_replication_role = replica`;
  await sql`delete from activities where workspace_id = ${workspaceId} and at >= ${LOADED_UNTIL}::timestamptz + interval '1 hour'`;
  await sql`delete from contacts where workspace_id = ${workspaceId} and updated_at >= ${LOADED_UNTIL}::timestamptz + interval '1 hour'`;
  await sql`delete from changes where workspace_id = ${workspaceId}`;
  await sql`set session_replication_role = origin`;
  // With so few rows gone it would leave the indexes alone, whose newest end every later page begins at.
  await sql`vacuum (index_cleanup on, analyze) contacts, activities, changes`;
}
