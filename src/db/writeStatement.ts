import type { View } from "../derive/render.ts";
import { type Dictionary, definitionOf, linksOf, type RecordDefinition } from "../records/define.ts";
import { columnsOf, HISTORY_COLUMNS, historySelect } from "./columns.ts";
import type { Database } from "./database.ts";
import { numbered, type Statement } from "./sql.ts";
import { tableOf } from "./table.ts";

/** A create counts against `cap`, where the plan has one for the kind; with `claims` it happens once for its idempotency key. */
export type Way = { creates: boolean; claims?: boolean; cap?: number | undefined };

const statements = new WeakMap<View, Map<string, (values: unknown[]) => Statement>>();

export function writeStatement(db: Database, view: View, way: Way): (values: unknown[]) => Statement {
  const ways = statements.get(view) ?? new Map<string, (values: unknown[]) => Statement>();
  statements.set(view, ways);
  const key = JSON.stringify(way);
  const statement = ways.get(key) ?? numbered(writeSql(db, view, way));
  ways.set(key, statement);
  return statement;
}

/**
 * `$1`-`$7` the author, `$8` id of the history entry, `$9` new id or the key of the record, `$10` the values that were sent, `$11` further
 * values of a new record. Where a key is claimed, it and the fingerprint that belongs to it come next; last the custom keys to remove and the
 * expected version or null.
 *
 * A linked record is locked against deletion while its id is written (`for key share`), so that a link never points to what is gone.
 */
function writeSql(db: Database, view: View, { creates, claims, cap }: Way): string {
  const { definition } = view;
  const table = tableOf(definition, db.dictionary);
  const columns = columnsOf(definition);
  const links = linksOf(definition);
  const isLink = (name: string) => links.some((link) => link.field.name === name);
  // The last two, for a create of a kind without natural key mentions neither, and what is not mentioned must come last.
  const [removed, version] = claims ? ["$14", "$15"] : ["$12", "$13"];
  const incoming = creates ? "excluded" : "input";
  const value = (name: string) => (isLink(name) ? `(select id from link_${name})` : `input."${name}"`);
  const next = columns.map(({ name }) => {
    const fresh = !creates && isLink(name) ? value(name) : `${incoming}."${name}"`;
    if (name === "custom")
      return `case when $10 -> 'custom' = 'null' then null when $10 ? 'custom' then nullif((coalesce(r.custom, '{}') || coalesce(${fresh}, '{}')) - ${removed}::text[], '{}') else r.custom end`;
    return `case when $10 ? '${name}' then ${fresh} else r."${name}" end`;
  });
  const set = columns.map(({ name }, i) => `"${name}" = ${next[i]}`).join(", ");
  const differs = `(${columns.map(({ name }) => `r."${name}"`).join(", ")}) is distinct from (${next.join(", ")})`;
  const expected = `(${version}::integer is null or r.version = ${version})`;
  const linked = links.map(({ field }) => `($10 ->> '${field.name}' is null or exists (select from link_${field.name}))`);
  const found = linkCtes(definition, db.dictionary, creates);
  const key = definition.naturalKey;
  const conflict =
    key &&
    `on conflict (workspace_id, "${key}") where "${key}" is not null and deleted_at is null do update set ${set}, version = r.version + 1, updated_at = excluded.updated_at where ${expected} and ${differs}`;
  const inserted = columns.map(({ name }) => (name === "custom" ? "nullif(input.custom, '{}')" : value(name)));
  const written = {
    create: `insert into ${table.name.text} as r (workspace_id, id, ${columns.map(({ name }) => `"${name}"`).join(", ")}, version, created_at, created_by, updated_at)
      select $1, $9, ${inserted.join(", ")}, 1, $2, $3, $2 from input where ${[claims ? "exists (select from claimed)" : "true", ...linked].join(" and ")}
      ${conflict ?? ""} returning r.*, (r.xmax = 0) as fresh`,
    update: `update ${table.name.text} r set ${set}, version = r.version + 1, updated_at = $2 from input
      where r.workspace_id = $1 and right(r.id, 8) = right($9, 8) and right(r.id, length($9)) = $9 and r.deleted_at is null and ${[expected, ...linked].join(" and ")} and ${differs}
      returning r.*, false as fresh`,
  }[creates ? "create" : "update"];
  const claimed = `claimed as (insert into idempotency_keys (workspace_id, key, fingerprint, record_id, created_at)
      select $1, $12, $13, $9, $2 where ${["true", ...linked].join(" and ")} on conflict do nothing returning key)`;
  const before = claims ? [...found, claimed] : found;
  return `with input as (select * from jsonb_to_record($11::jsonb || $10::jsonb) as i (${columns.map(({ name, type }) => `"${name}" ${type}`).join(", ")})),
    ${[...before, ""].join(",\n    ")}written as (${written}),
    ${creates && cap !== undefined ? usageCte(definition, cap) : ""}history as (insert into changes (${HISTORY_COLUMNS}) ${historySelect("written", definition, { id: "$8", action: "case when fresh then 'created' else 'updated' end" })})
    select ${table.select(view).text}, r.fresh from written r`;
}

/**
 * `link_company_id as (select … for key share)` for each link: the living record whose key was sent. A new record takes a link that was
 * not sent from the records it does link to: the deal of a contact belongs to the contact's company.
 */
function linkCtes(definition: RecordDefinition, dictionary: Dictionary, inherits: boolean): string[] {
  const links = linksOf(definition).map(({ field, target }) => {
    const linked = definitionOf(dictionary, target);
    return { column: field.name, linked, carries: linksOf(linked).map((link) => link.field.name) };
  });
  const sources = ({ column }: { column: string }) => links.filter((link) => link.carries.includes(column)).reverse();
  // What others are taken from comes first.
  const ordered = links.toSorted((a, b) => sources(a).length - sources(b).length);
  return ordered.map((link) => {
    const sent = `$10 ->> '${link.column}'`;
    const taken = sources(link).map((source) => `(select ${link.column} from link_${source.column})`);
    const inherited = `case when not $10 ? '${link.column}' then coalesce(${taken.join(", ")}) end`;
    const key = inherits && taken.length > 0 ? `coalesce(${sent}, ${inherited})` : `(${sent})`;
    const selected = ["id", ...link.carries].map((name) => `t.${name}`).join(", ");
    const match = `right(t.id, 8) = right(${key}, 8) and right(t.id, length(${key})) = ${key}`;
    return `link_${link.column} as (select ${selected} from ${link.linked.plural} t
      where t.workspace_id = $1 and ${match} and t.deleted_at is null for key share)`;
  });
}

/** Counts a record that was created; over the cap, the constraint usage_within_cap fails the statement with all it did. */
function usageCte({ name }: RecordDefinition, cap: number): string {
  return `counted as (insert into usage as u (workspace_id, kind, used, cap) select $1, '${name}', 1, ${Math.trunc(cap)} from written where fresh
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap),
    `;
}
