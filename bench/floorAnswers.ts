import postgres from "postgres";

export type Answer = { status: number; text: string };

/** What floor and peers answer: the same statements and the same rendering, so that only what is around them differs. */
export type Answers = { get: (url: string) => Promise<Answer>; post: (url: string, body: Body) => Promise<Answer> };

type Body = Record<string, string>;
type Row = Record<string, string | number | Date | null>;

const CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz";
const CLIENTS = 6;
const PAGE = 50;
const SEARCH = "?search=";

const CONTACT = `r.id, r.name, r.email, r.phone, r.title, r.company_id, company.name as company, r.stage, r.owner, r.tags, r.follow_up_at, r.follow_up_note`;
const CONTACTS = `from contacts r
  left join lateral (select name from companies where workspace_id = r.workspace_id and id = r.company_id limit 1) company on true
  where r.workspace_id = $1 and r.deleted_at is null`;

const ONE = `select ${CONTACT}, r.notes, r.custom, r.version, r.created_at, r.created_by, r.updated_at ${CONTACTS} and r.id = $2`;
const LIST = `select ${CONTACT}, r.updated_at ${CONTACTS} order by r.updated_at desc, r.id desc limit ${PAGE}`;
const FILTERED = `select ${CONTACT}, r.updated_at ${CONTACTS} and r.stage = $2 order by r.updated_at desc, r.id desc limit ${PAGE}`;
/**
 * What has all words, without an order: the trigram index alone finds them, one or two letters where a word begins. Neither whole words nor
 * titles come first, and near misses are not looked for.
 */
const searched = (words: readonly string[]) => {
  const has = words.map((word, i) =>
    [...word].length > 2 ? `r.search like '%' || crm_fold($${i + 2}) || '%'` : `r.search ~ ('\\m' || crm_fold($${i + 2}))`,
  );
  return `select ${CONTACT}, r.updated_at ${CONTACTS} and ${has.join(" and ")} limit ${PAGE}`;
};
/**
 * The page is merged first, then the fifty are told whom to call. Lateral with a limit, because a generic plan takes every workspace to be of
 * average size, and would join the fifty with all contacts of a big one.
 */
const REMINDERS = `
  select due.kind, due.id, due_at, due.name, note, due.owner, company.name as company, contact.phone, contact.email from (
    (select 'contact' as kind, id, follow_up_at as due_at, name, follow_up_note as note, owner, id as contact_id, company_id from contacts
      where workspace_id = $1 and deleted_at is null and follow_up_at < $2 order by follow_up_at, id limit ${PAGE})
    union all (select 'deal', id, follow_up_at, title, follow_up_note, owner, contact_id, company_id from deals
      where workspace_id = $1 and deleted_at is null and follow_up_at < $2 order by follow_up_at, id limit ${PAGE})
    union all (select 'task', id, due_at, title, left(notes, 300), assignee, contact_id, company_id from tasks
      where workspace_id = $1 and deleted_at is null and not done and due_at < $2 order by due_at, id limit ${PAGE})
    order by due_at, id limit ${PAGE}) due
  left join lateral (select phone, email from contacts where workspace_id = $1 and id = due.contact_id limit 1) contact on true
  left join lateral (select name from companies where workspace_id = $1 and id = due.company_id limit 1) company on true
  order by due_at, id`;
const UPSERT = `insert into contacts as r (workspace_id, id, name, email, title, stage, version, created_at, created_by, updated_at)
  values ($1, $2, $3, $4, $5, $6, 1, $7, 'floor', $7)
  on conflict (workspace_id, email) where email is not null and deleted_at is null
  do update set name = excluded.name, title = excluded.title, stage = excluded.stage, version = r.version + 1, updated_at = excluded.updated_at
  returning id, name, email, title, stage, version, created_at, created_by, updated_at`;
const ACTIVITY = `insert into activities (workspace_id, id, kind, at, contact_id, body, version, created_at, created_by, updated_at)
  values ($1, $2, $3, $4, $5, $6, 1, $4, 'floor', $4) returning id, kind, at, contact_id, body, version, created_at, created_by, updated_at`;

export function createAnswers(databaseUrl: string, workspaceId: string): Answers {
  const [, user, host, database] = /^postgres:\/\/([^@]+)@([^/]+)\/(.+)$/.exec(databaseUrl) ?? [];
  const connect = (settings: Record<string, string> = {}) =>
    postgres({
      host: decodeURIComponent(host ?? ""),
      user: user ?? "",
      database: database ?? "",
      max: 1,
      fetch_types: false,
      connection: { application_name: process.env["APPLICATION"] ?? "floor", ...settings },
    });
  const clients = Array.from({ length: CLIENTS }, () => connect());
  // Planned for its words: a plan for all of them would be right for none.
  const searching = connect({ plan_cache_mode: "force_custom_plan" });
  let turn = 0;
  const run = (text: string, values: (string | Date)[]): Promise<Row[]> =>
    clients[turn++ % CLIENTS]!.unsafe<Row[]>(text, values, { prepare: true });
  let made = 0;
  const newId = (prefix: string) => {
    let id = `${prefix}_${Date.now().toString(16).padStart(14, "0").slice(-10)}`;
    for (let i = 0; i < 8; i++) id += CROCKFORD[Math.floor(Math.random() * 32)];
    return id + handle(made++);
  };

  return {
    async get(url) {
      const mark = url.indexOf("?");
      if (url.startsWith(SEARCH, mark)) {
        const words = decodeURIComponent(url.slice(mark + SEARCH.length)).split(/\s+/);
        return list(await searching.unsafe<Row[]>(searched(words), [workspaceId, ...words], { prepare: true }));
      }
      switch (mark < 0 ? url : url.slice(0, mark)) {
        case "/ping":
          return { status: 200, text: "OK alive\n" };
        case "/contacts":
          return list(
            await (mark < 0 ? run(LIST, [workspaceId]) : run(FILTERED, [workspaceId, url.slice(url.indexOf("=") + 1)])),
          );
        case "/reminders":
          return reminders(await run(REMINDERS, [workspaceId, new Date()]));
        default: {
          const [row] = await run(ONE, [workspaceId, url.slice("/contacts/".length)]);
          return row ? { status: 200, text: `${line("contact", row)}\n` } : { status: 404, text: "ERROR not_found\n" };
        }
      }
    },
    async post(url, body) {
      const now = new Date();
      if (url === "/contacts") {
        const { name, email, title, stage } = body as { name: string; email: string; title: string; stage: string };
        const [row] = await run(UPSERT, [workspaceId, newId("c"), name, email, title, stage, now]);
        return { status: 200, text: `${line("contact", row!)}\n` };
      }
      const { kind, contact_id, body: said } = body as { kind: string; contact_id: string; body: string };
      const [row] = await run(ACTIVITY, [workspaceId, newId("a"), kind, now, contact_id, said]);
      return { status: 201, text: `${line("activity", row!)}\n` };
    },
  };
}

/** Where the handles of this process begin. */
const FIRST = Math.floor(Math.random() * 2 ** 35);

/**
 * The last eight characters of an id are unique, and the floor, which does not draw again, must not meet one that is there: "u" is in none of
 * the product's. The rest is all over the index, as random ones are: n times an odd number, modulo 2^35, is a different one for each n.
 */
function handle(n: number): string {
  let rest = (FIRST + ((n * 2_654_435_761) % 2 ** 35)) % 2 ** 35;
  let text = "";
  for (let i = 0; i < 7; i++) {
    text = CROCKFORD[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return `u${text}`;
}

function list(rows: readonly Row[]): Answer {
  let text = "";
  for (const row of rows) text += `${line("contact", row)}\n`;
  return { status: 200, text: `${text}# ${rows.length} contacts\n` };
}

function reminders(rows: readonly Row[]): Answer {
  let text = "";
  for (const { kind, ...row } of rows) text += `${line(kind as string, row)}\n`;
  return { status: 200, text: `${text}# ${rows.length} reminders\n` };
}

function line(kind: string, row: Row): string {
  let text = `${kind}/${short(row["id"] as string)}`;
  for (const name in row) {
    const value = row[name];
    if (value === null || value === undefined || name === "id") continue;
    text += ` ${name}=${name.endsWith("_id") ? short(value as string) : shown(name, value)}`;
  }
  return text;
}

const short = (id: string) => `${id.slice(0, id.indexOf("_") + 1)}${id.slice(-8)}`;

function shown(name: string, value: string | number | Date): string {
  if (value instanceof Date) return `${value.toISOString().slice(0, 19)}Z`;
  if (typeof value === "object") return quote(JSON.stringify(value));
  return quote(name === "tags" ? String(value).slice(1, -1) : String(value));
}

const quote = (text: string) => (/[\s"=\\]/.test(text) ? JSON.stringify(text) : text);
