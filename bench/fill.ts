import { PEOPLE } from "./place.ts";
import {
  DEAL_STAGES,
  FIRST,
  INDUSTRIES,
  LAST,
  NAMES,
  OWNERS,
  STAGES,
  SYLLABLES,
  TAGS,
  TAILS,
  TITLES,
  VOCABULARY,
  WORDS,
} from "./words.ts";

/**
 * The SQL that fills a database, the same every time: what looks random is a hash of the row's number and a seed. History entries
 * (`changes`) are left out, five million rows of them would say nothing new: the product reads one only where a history is asked for.
 */

/** The newest change of any record. Later times are left to what the benchmark itself writes. */
export const LOADED_UNTIL = "2026-11-01";
const CREATED_FROM = "2024-11-01";

const list = (items: readonly string[]) => `array[${items.map((item) => `'${item}'`).join(", ")}]::text[]`;
/** The same inside a function's text. */
const quoted = (items: readonly string[]) => list(items).replaceAll("'", "''");

/** An id is shaped as a ULID: eight characters that rise with the row's number, then two eights that hash it. The last is a bijection. */
export const FUNCTIONS = `
  create function pg_temp.hash(n bigint, seed bigint) returns bigint language sql immutable as 'select hashint8extended(n, seed) & 4294967295';
  create function pg_temp.unit(n bigint, seed bigint) returns float8 language sql immutable as 'select (hashint8extended(n, seed) & 16777215) / 16777216.0::float8';
  create function pg_temp.hex8(n bigint) returns text language sql immutable as 'select lpad(to_hex(n), 8, ''0'')';
  create function pg_temp.id(prefix text, n bigint) returns text language sql immutable as
    'select prefix || ''_01'' || pg_temp.hex8(1073741824 + n) || pg_temp.hex8(pg_temp.hash(n, 99)) || pg_temp.hex8((n * 2654435761) & 4294967295)';
  create function pg_temp.pick(list text[], at float8) returns text language sql immutable as 'select list[1 + floor(at * cardinality(list))::int]';
  create function pg_temp.rare(rank int) returns text language sql immutable as
    'select (${quoted(SYLLABLES)})[1 + rank % 20] || (${quoted(SYLLABLES)})[1 + rank / 20 % 20] || (${quoted(SYLLABLES)})[1 + rank / 400 % 20]';
  create function pg_temp.last(at float8) returns text language sql immutable as
    'select case when rank < ${LAST.length} then (${quoted(LAST)})[1 + rank] else initcap(pg_temp.rare(rank)) end from (select floor(at * at * ${NAMES})::int as rank) x';
  create function pg_temp.word(at float8) returns text language sql immutable as
    'select case when rank < ${WORDS.length} then (${quoted(WORDS)})[1 + rank] else pg_temp.rare(rank) end from (select floor(at * at * ${VOCABULARY})::int as rank) x';
  create function pg_temp.words(n bigint, many int) returns text language sql immutable as
    'select string_agg(pg_temp.word(pg_temp.unit(n, 1000 + i)), '' '') from generate_series(1, many) i';
  create function pg_temp.tags(n bigint) returns text[] language sql immutable as
    'select case when u < 0.5 then null
      when n % 10000 = 7 then array[''rare'']
      when u < 0.8 then array[pg_temp.pick(${quoted(TAGS)}, (u - 0.5) / 0.3 * (u - 0.5) / 0.3)]
      else array[''saas'', pg_temp.pick(${quoted(TAGS.slice(1))}, (u - 0.8) / 0.2)] end from (select pg_temp.unit(n, 71) as u) x';
  create function pg_temp.custom(n bigint) returns jsonb language sql immutable as
    'select case when n % 7 = 3 then jsonb_build_object(''seats'', n * 7919 % 500, ''tier'', (array[''gold'', ''silver'', ''bronze''])[1 + n % 3]) end';
`;

/** One row a workspace: how many records of each kind, and the number its first one has. */
export function roomsSql(rows: number): string {
  const { big, thousand, small } = PEOPLE;
  const smalls = Math.max(1, Math.round(rows / 1000));
  const first = (kind: string) => `sum(${kind}) over (order by nr) - ${kind} as ${kind}_from`;
  return `
    create temp table room as
    select *, ${["contacts", "companies", "deals", "activities", "tasks"].map(first).join(", ")} from (
      select -2 as nr, '${big.workspaceId}' as workspace_id, ${rows} as contacts, ${Math.round(rows / 20)} as companies, ${Math.round(rows * 0.3)} as deals, ${rows * 3} as activities, ${Math.round(rows / 20)} as tasks
      union all select -1, '${thousand.workspaceId}', 1000, 1000, 1000, 3000, 1000
      union all select i, left('${small.workspaceId}', -4) || lpad(i::text, 4, '0'), 200, 10, 60, 600, 10 from generate_series(0, ${smalls - 1}) i
    ) sizes;
    insert into users (id, email, default_workspace_id, created_at) values
      ${Object.values(PEOPLE)
        .map(
          ({ email, workspaceId }) => `('u_' || substr('${workspaceId}', 4), '${email}', '${workspaceId}', '${CREATED_FROM}')`,
        )
        .join(", ")};
    insert into workspaces (id, name, timezone, created_at) select workspace_id, 'Workspace ' || nr, 'UTC', '${CREATED_FROM}' from room;
    insert into memberships (workspace_id, user_id, role, created_at)
      select u.default_workspace_id, u.id, 'admin', u.created_at from users u join workspaces w on w.id = u.default_workspace_id;`;
}

/** `n` numbers a kind's records over all workspaces, `k` within the workspace. Links follow a cube: a few hold very many. */
function each(kind: string): string {
  return `from room, lateral (select k, room.${kind}_from::bigint + k as n from generate_series(0, room.${kind} - 1) k) as rows,
    lateral (select timestamptz '${CREATED_FROM}' + (timestamptz '${LOADED_UNTIL}' - timestamptz '${CREATED_FROM}') * (k / room.${kind}::float8) as made) as m,
    lateral (select date_trunc('milliseconds', made) as created_at, date_trunc('milliseconds',
      made + (timestamptz '${LOADED_UNTIL}' - made) * pg_temp.unit(n, 11) * pg_temp.unit(n, 12)) as updated_at) as times`;
}

const linkTo = (prefix: string, kind: string, share: number, seed: number) =>
  `case when pg_temp.unit(n, ${seed}) < ${share} then pg_temp.id('${prefix}', room.${kind}_from::bigint + floor(power(pg_temp.unit(n, ${seed + 1}), 3) * room.${kind})::bigint) end`;
const pick = (items: readonly string[], seed: number, power = 1) =>
  `pg_temp.pick(${list(items)}, ${power === 1 ? `pg_temp.unit(n, ${seed})` : `power(pg_temp.unit(n, ${seed}), ${power})`})`;
const some = (share: number, seed: number, value: string) => `case when pg_temp.unit(n, ${seed}) < ${share} then ${value} end`;
/** From half a year before to half a year after the load. */
const around = (seed: number) =>
  `date_trunc('minute', timestamptz '${LOADED_UNTIL}' + interval '365 days' * (pg_temp.unit(n, ${seed}) - 0.5))`;
const OWN = "workspace_id, id, version, created_at, created_by, updated_at";
const own = (prefix: string) =>
  `room.workspace_id, pg_temp.id('${prefix}', n), 1 + (pg_temp.hash(n, 13) % 5)::int, created_at, '${OWNERS[0]}', updated_at`;

/** In the order of their links. */
export const FILL: Record<string, string> = {
  companies: `insert into companies (${OWN}, name, domain, industry, phone, owner, tags, notes, custom)
    select ${own("co")}, pg_temp.last(pg_temp.unit(n, 21)) || ' ' || ${pick(TAILS, 22)},
      ${some(0.8, 23, `lower(public.unaccent(pg_temp.last(pg_temp.unit(n, 21)))) || n || '.example'`)}, ${some(0.9, 24, pick(INDUSTRIES, 25, 2))},
      ${some(0.5, 26, "'+49 30 ' || (1000000 + pg_temp.hash(n, 27) % 9000000)")}, ${some(0.8, 28, pick(OWNERS, 29, 2))},
      pg_temp.tags(n), ${some(0.3, 31, "pg_temp.words(n, 12)")}, pg_temp.custom(n) ${each("companies")}`,

  contacts: `insert into contacts (${OWN}, name, email, phone, title, company_id, stage, owner, tags, follow_up_at, follow_up_note, notes, custom)
    select ${own("c")}, first || ' ' || last,
      ${some(0.9, 23, `lower(public.unaccent(first || '.' || last)) || n || '@' || (array['mail', 'post', 'acme', 'globex', 'initech'])[1 + n % 5] || '.example'`)},
      ${some(0.5, 26, "'+49 30 ' || (1000000 + pg_temp.hash(n, 27) % 9000000)")}, ${some(0.6, 33, pick(TITLES, 34))},
      ${linkTo("co", "companies", 0.7, 35)}, ${some(0.95, 37, pick(STAGES, 38, 2))}, ${some(0.8, 28, pick(OWNERS, 29, 2))}, pg_temp.tags(n),
      ${some(0.1, 41, around(42))}, ${some(0.1, 41, "pg_temp.words(n, 5)")}, ${some(0.4, 31, "pg_temp.words(n, 20)")}, pg_temp.custom(n)
      ${each("contacts")}, lateral (select ${pick(FIRST, 43)} as first, pg_temp.last(pg_temp.unit(n, 44)) as last) as names`,

  addresses: `insert into addresses (workspace_id, kind, value, record_id)
    select workspace_id, 'company', domain, id from companies where domain is not null
    union all select workspace_id, 'contact', email, id from contacts where email is not null`,

  deals: `insert into deals (${OWN}, title, amount_cents, currency, stage, status, close_date, contact_id, company_id, owner, tags, follow_up_at, follow_up_note, notes, custom)
    select ${own("d")}, pg_temp.last(pg_temp.unit(n, 21)) || ' ' || pg_temp.word(pg_temp.unit(n, 22)) || ' ' || ${pick(["rollout", "renewal", "pilot", "upgrade"], 24)},
      ${some(0.9, 51, "(pg_temp.unit(n, 52) * pg_temp.unit(n, 53) * 10000000)::bigint")}, ${some(0.9, 51, pick(["USD", "EUR", "GBP"], 54, 2))},
      ${some(0.95, 55, pick(DEAL_STAGES, 56, 2))}, ${pick(["open", "won", "lost"], 57, 2)},
      ${some(0.7, 58, `(${around(59)})::date`)}, ${linkTo("c", "contacts", 0.8, 61)}, ${linkTo("co", "companies", 0.6, 63)},
      ${some(0.8, 28, pick(OWNERS, 29, 2))}, pg_temp.tags(n), ${some(0.1, 41, around(42))}, ${some(0.1, 41, "pg_temp.words(n, 5)")},
      ${some(0.3, 31, "pg_temp.words(n, 20)")}, pg_temp.custom(n) ${each("deals")}`,

  activities: `insert into activities (${OWN}, kind, at, contact_id, company_id, deal_id, body, custom)
    select ${own("a")}, ${pick(["email", "call", "note", "meeting", "task"], 21, 2)}, created_at,
      coalesce(${linkTo("c", "contacts", 0.9, 61)}, pg_temp.id('c', room.contacts_from::bigint)),
      ${linkTo("co", "companies", 0.2, 63)}, ${linkTo("d", "deals", 0.2, 65)}, pg_temp.words(n, 8 + (n % 8)::int), null ${each("activities")}`,

  tasks: `insert into tasks (${OWN}, title, due_at, done, assignee, contact_id, company_id, deal_id, tags, notes, custom)
    select ${own("t")}, pg_temp.words(n, 4), ${some(0.8, 21, around(42))}, pg_temp.unit(n, 22) < 0.5, ${some(0.8, 28, pick(OWNERS, 29, 2))},
      ${linkTo("c", "contacts", 0.6, 61)}, ${linkTo("co", "companies", 0.3, 63)}, ${linkTo("d", "deals", 0.3, 65)}, pg_temp.tags(n),
      ${some(0.3, 31, "pg_temp.words(n, 20)")}, null ${each("tasks")}`,
};
