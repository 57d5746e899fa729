import type { Row, View } from "../derive/render.ts";
import type { Written } from "../derive/schema.ts";
import type { IdReference, IdSource } from "../kit/id.ts";
import { Problem } from "../kit/problem.ts";
import { oneOf } from "../kit/words.ts";
import { definitionOf, fieldOf, linksOf, type RecordDefinition } from "../records/define.ts";
import { authorValues, columnsOf, HISTORY_COLUMNS, historySelect } from "./columns.ts";
import type { Author, Database } from "./database.ts";
import { constraintOf } from "./failure.ts";
import { resolveId, resolveLink, wrongKind } from "./references.ts";
import { getRow } from "./rows.ts";
import { numbered, type Statement, sql } from "./sql.ts";
import { tableOf } from "./table.ts";

export type Outcome = "created" | "updated" | "unchanged";
export type Saved = { row: Row; outcome: Outcome };

/** Handles are eight characters: among a million records a new one meets an old one now and then, and is made anew. */
const ATTEMPTS = 5;

/**
 * Creates a record, or updates the one that holds its natural key: one statement, so that of any number of callers with one address
 * exactly one creates. The change and its history entry are that same statement.
 */
export async function upsertRow(db: Database, author: Author, ids: IdSource, view: View, written: Written): Promise<Saved> {
  const { definition } = view;
  const values = await prepareValues(db, author, definition, written);
  if (written.version !== undefined && !(await holderOf(db, author.workspaceId, view, written))) {
    throw new Problem(
      "version_conflict",
      `there is no ${definition.name} to have version ${written.version}`,
      "leave the version out to create one",
    );
  }
  for (let attempt = 1; ; attempt++) {
    const id = ids(definition.prefix);
    const saved = await save(db, view, "upsert", writeValues(author, ids, id, values, written), attempt);
    if (saved) return saved;
    await refuseMissingLinks(db, author, definition, values.sent);
    const found = await holderOf(db, author.workspaceId, view, written);
    if (found) return unchanged(found, written);
    if (attempt === ATTEMPTS)
      throw new Problem("busy", "the record kept changing while it was written", "read it, then try again");
  }
}

/** Changes the fields that were sent and no other; concurrent changes of other fields are kept. */
export async function updateRow(
  db: Database,
  author: Author,
  ids: IdSource,
  view: View,
  reference: IdReference,
  written: Written,
): Promise<Saved> {
  const { definition } = view;
  if (reference.prefix !== definition.prefix) throw wrongKind(db, definition, reference);
  const values = await prepareValues(db, author, definition, written);
  const saved = await save(db, view, "update", writeValues(author, ids, reference.key, values, written), 1);
  if (saved) return saved;
  const row = await getRow(db, author.workspaceId, view, reference);
  await refuseMissingLinks(db, author, definition, values.sent);
  return unchanged(row, written);
}

type Values = { sent: Record<string, unknown>; initial: Record<string, unknown>; removed: string[] };

/** Puts links into the values by key, and takes apart which custom keys are set and which removed. */
async function prepareValues(db: Database, author: Author, definition: RecordDefinition, written: Written): Promise<Values> {
  const sent: Record<string, unknown> = { ...written.sent };
  for (const { field, name, target } of linksOf(definition)) {
    const choice = written.links[name];
    if (choice === undefined) continue;
    sent[field.name] = await resolveLink(db, author.workspaceId, definitionOf(db.dictionary, target), choice);
  }
  const members = Object.entries((sent.custom as Record<string, unknown> | null | undefined) ?? {});
  if (sent.custom) sent.custom = Object.fromEntries(members.filter(([, value]) => value !== null));
  return { sent, initial: written.initial, removed: members.filter(([, value]) => value === null).map(([key]) => key) };
}

function writeValues(author: Author, ids: IdSource, id: string, values: Values, written: Written): unknown[] {
  return [...authorValues(author), ids("ch"), id, values.sent, values.initial, values.removed, written.version ?? null];
}

async function save(
  db: Database,
  view: View,
  way: "upsert" | "update",
  values: unknown[],
  attempt: number,
): Promise<Saved | undefined> {
  try {
    const [row] = await db.pool.rows(statementOf(db, view, way)(values));
    return row && { row, outcome: row.at(-1) === true ? "created" : "updated" };
  } catch (error) {
    if (constraintOf(error)?.endsWith("_handle_key") && attempt < ATTEMPTS) return undefined;
    throw refusal(view.definition, error);
  }
}

/** Nothing was written: either nothing would change, or the caller expected another version. */
function unchanged(row: Row, written: Written): Saved {
  const version = row[1] as number;
  if (written.version !== undefined && written.version !== version) {
    throw new Problem(
      "version_conflict",
      `the record is at version ${version}, not ${written.version}`,
      "GET it again, then repeat the change with its version",
      {
        values: { version },
      },
    );
  }
  return { row, outcome: "unchanged" };
}

async function holderOf(db: Database, workspaceId: string, view: View, written: Written): Promise<Row | undefined> {
  const key = view.definition.naturalKey;
  const value = key && written.sent[key];
  if (!value) return undefined;
  const table = tableOf(view.definition, db.dictionary);
  const column = table.column(fieldOf(view.definition, key)!);
  const [row] = await db.pool.rows(
    sql`select ${table.select(view)} from ${table.name} r ${table.joins} where r.workspace_id = ${workspaceId} and ${column} = ${value} and r.deleted_at is null`,
    { retry: true },
  );
  return row;
}

async function refuseMissingLinks(
  db: Database,
  author: Author,
  definition: RecordDefinition,
  sent: Record<string, unknown>,
): Promise<void> {
  for (const { field, target } of linksOf(definition)) {
    const key = sent[field.name] as string | null | undefined;
    const linked = definitionOf(db.dictionary, target);
    if (key) await resolveId(db, author.workspaceId, linked, { prefix: linked.prefix, key }, "unprocessable");
  }
}

function refusal(definition: RecordDefinition, error: unknown): unknown {
  const constraint = constraintOf(error);
  if (constraint === `${definition.plural}_${definition.naturalKey}_key`) {
    return new Problem(
      "already_exists",
      `another ${definition.name} has this ${definition.naturalKey}`,
      `GET /${definition.plural}?${definition.naturalKey}=… shows it`,
    );
  }
  if (constraint === `${definition.plural}_needs_one_of`) {
    return new Problem(
      "missing_field",
      `${oneOf(definition.name)} keeps at least one of ${definition.needsOneOf?.join(", ")}`,
      "set another link in the same request",
    );
  }
  return error;
}

const statements = new WeakMap<View, Map<string, (values: unknown[]) => Statement>>();

function statementOf(db: Database, view: View, way: "upsert" | "update"): (values: unknown[]) => Statement {
  const ways = statements.get(view) ?? new Map<string, (values: unknown[]) => Statement>();
  statements.set(view, ways);
  let statement = ways.get(way);
  if (!statement) {
    statement = numbered(writeSql(db, view, way));
    ways.set(way, statement);
  }
  return statement;
}

/**
 * `$1`-`$7` the author, `$8` id of the history entry, `$9` new id or the key of the record, `$10` the values that were sent, `$11` further
 * values of a new record, `$12` custom keys to remove, `$13` the expected version or null.
 *
 * A linked record is locked against deletion while its id is written (`for key share`), so that a link never points to what is gone.
 */
function writeSql(db: Database, view: View, way: "upsert" | "update"): string {
  const { definition } = view;
  const table = tableOf(definition, db.dictionary);
  const columns = columnsOf(definition);
  const links = linksOf(definition);
  const isLink = (name: string) => links.some((link) => link.field.name === name);
  const incoming = way === "upsert" ? "excluded" : "input";
  const value = (name: string) => (isLink(name) ? `(select id from link_${name})` : `input."${name}"`);
  const next = columns.map(({ name }) => {
    const fresh = way === "update" && isLink(name) ? value(name) : `${incoming}."${name}"`;
    if (name === "custom")
      return `case when $10 -> 'custom' = 'null' then null when $10 ? 'custom' then nullif((coalesce(r.custom, '{}') || coalesce(${fresh}, '{}')) - $12::text[], '{}') else r.custom end`;
    return `case when $10 ? '${name}' then ${fresh} else r."${name}" end`;
  });
  const set = columns.map(({ name }, i) => `"${name}" = ${next[i]}`).join(", ");
  const differs = `(${columns.map(({ name }) => `r."${name}"`).join(", ")}) is distinct from (${next.join(", ")})`;
  const expected = "($13::integer is null or r.version = $13)";
  const linked = links.map(({ field }) => `($10 ->> '${field.name}' is null or exists (select from link_${field.name}))`);
  const found = links.map(({ field, target }) => {
    const key = `($10 ->> '${field.name}')`;
    const match = `right(t.id, 8) = right(${key}, 8) and right(t.id, length(${key})) = ${key}`;
    return `link_${field.name} as (select t.id from ${definitionOf(db.dictionary, target).plural} t where t.workspace_id = $1 and ${match} and t.deleted_at is null for key share)`;
  });
  const key = definition.naturalKey;
  const conflict =
    key &&
    `on conflict (workspace_id, "${key}") where "${key}" is not null and deleted_at is null do update set ${set}, version = r.version + 1, updated_at = excluded.updated_at where ${expected} and ${differs}`;
  const inserted = columns.map(({ name }) => (name === "custom" ? "nullif(input.custom, '{}')" : value(name)));
  const written = {
    upsert: `insert into ${table.name.text} as r (workspace_id, id, ${columns.map(({ name }) => `"${name}"`).join(", ")}, version, created_at, created_by, updated_at)
      select $1, $9, ${inserted.join(", ")}, 1, $2, $3, $2 from input ${linked.length > 0 ? `where ${linked.join(" and ")}` : ""}
      ${conflict ?? ""} returning r.*, (r.xmax = 0) as fresh`,
    update: `update ${table.name.text} r set ${set}, version = r.version + 1, updated_at = $2 from input
      where r.workspace_id = $1 and right(r.id, 8) = right($9, 8) and right(r.id, length($9)) = $9 and r.deleted_at is null and ${[expected, ...linked].join(" and ")} and ${differs}
      returning r.*, false as fresh`,
  }[way];
  return `with input as (select * from jsonb_to_record($11::jsonb || $10::jsonb) as i (${columns.map(({ name, type }) => `"${name}" ${type}`).join(", ")})),
    ${[...found, ""].join(",\n    ")}written as (${written}),
    history as (insert into changes (${HISTORY_COLUMNS}) ${historySelect("written", definition, { id: "$8", action: "case when fresh then 'created' else 'updated' end" })})
    select ${table.select(view).text}, r.fresh from written r ${table.joins.text}`;
}
