import { comparedSql } from "../fields/folding.ts";
import type { Field, Kind } from "../records/kind.ts";
import { stored, writable } from "../records/kind.ts";
import { derivedSql, followsSql, MEMBERS, needsMembers, readMembersSql, type Where } from "./derivations.ts";
import { entrySql, placeSql } from "./entry.ts";
import { addressesSql, addressVariables, becomesSql, insertedListSql } from "./further.ts";
import { mentionsOfWritten } from "./mentions.ts";
import { raiseSql } from "./raise.ts";
import { settledCurrencySql, settleSql } from "./settling.ts";
import { KEY_SLOT, OWN_KEY, OWN_LINKS } from "./slots.ts";
import { copiedOf, lackingSql, linksInOrder, linkVariables, lockSql, sourcesOf } from "./writeLinks.ts";

/**
 * The function that creates, upserts or changes one record of a kind, with its history entry, in one call: `select … from contacts_write(…) r`.
 * It gives the record as it was written, or no row where nothing was: a link leads nowhere, the version is another, the idempotency key was
 * used before, or nothing would change. `p_sent` holds the values that were sent, null to clear; `p_initial` further values of a new
 * record. It is PL/pgSQL of plain statements, each about one workspace, so that a database that is spread over several machines runs it
 * on one of them.
 */
export function writeFunctionSql(kind: Kind): string {
  const { table } = kind;
  return `create or replace function ${table}_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof ${table} language plpgsql as $$
declare
  n ${table} := jsonb_populate_record(null::${table}, p_initial || p_sent);
  w ${table};
  o jsonb := p_sent -> 'own';${kind.settles ? `\n  s ${kind.field(kind.settles.link)!.link!.target.table};` : ""}${linkVariables(kind)}${addressVariables(kind)}${needsMembers(kind) ? `\n  ${MEMBERS} text[];` : ""}
begin
${indented([...(needsMembers(kind) ? [readMembersSql] : []), ...(kind.shared ? [LOCK_KIND] : []), ...linksInOrder(kind).map((link) => lockSql(kind, link)), ...lackingSql(kind), LOCK_OWN, ...settledCurrencySql(kind), CLAIM, changeSql(kind), unwrittenSql(kind), countSql(kind), ...settleSql(kind, AUTHOR), ...mentionsOfWritten(kind), FORGET_SEARCH, historySql(kind), "return next w;"])}
end $$;`;
}

const indented = (statements: readonly string[]) => statements.join("\n").replace(/^(?=.)/gm, "  ");

/** Whether a new record takes something from a record that it links to, or settles another: only the kind's function does either. */
export const needsFunction = (kind: Kind): boolean =>
  kind.settles !== undefined || copiedOf(kind).length > 0 || kind.links.some((link) => sourcesOf(kind, link).length > 0);

/** A kind that is deleted takes no records. It is locked against that, as a linked record is. */
const LOCK_KIND = `perform from kinds k where k.workspace_id = p_workspace and k.name = n.kind and k.deleted_at is null for key share;
if not found then
  ${raiseSql("foreign_key_violation", "own_records_kind")};
end if;`;

/** The links among own fields, which \`=links\` names with the tables that they lead to. */
const LOCK_OWN = `if p_sent ? '${OWN_LINKS}' then
  o := crm_linked(p_workspace, o, p_sent -> '${OWN_LINKS}');
  if o is null then
    return;
  end if;
end if;`;

const CLAIM = `if p_key is not null then
  insert into idempotency_keys (workspace_id, key, fingerprint, record_id, created_at)
    values (p_workspace, p_key, p_fingerprint, p_id, p_at) on conflict do nothing;
  if not found then
    return;
  end if;
end if;`;

/** The natural key of a kind with further ones is looked for among the addresses; others are looked for by their index. */
function changeSql(kind: Kind): string {
  if (!kind.furtherKey)
    return `if p_creates then\n${indented([insertSql(kind), ...updateKnownSql(kind)])}\nelse\n${indented([updateSql(kind)])}\nend if;`;
  return addressesSql(
    kind,
    insertSql(kind),
    (where) => `update ${kind.table} r set ${changesSql(kind, "n", "p_at", where)}\n  returning r.* into w;`,
  );
}

export const columnsOf = (kind: Kind) => writable(kind).filter((field) => stored(field) && !field.slot);

function insertSql(kind: Kind): string {
  const { table, shared, keyField, furtherKey } = kind;
  const columns = [...columnsOf(kind), ...copiedOf(kind)];
  const worked = (field: Field) => insertedSql(kind, field, { workspace: "p_workspace", id: "p_id", members: MEMBERS });
  // By itself, for it may look at other rows.
  const isWorkedOut = ({ derived }: Field) => derived !== undefined && derived.is !== "left-at";
  const first = columns.filter(isWorkedOut).map((field) => `n."${field.name}" := ${worked(field)};\n`);
  const values = columns.map((field) => (isWorkedOut(field) ? `n."${field.name}"` : worked(field)));
  const key = keyField && `"${keyField.name}"`;
  const conflict =
    keyField && !furtherKey
      ? `\n  on conflict (workspace_id, ${comparedSql(keyField.type, `"${keyField.name}"`)}) where ${key} is not null and deleted_at is null do nothing`
      : shared
        ? "\n  on conflict do nothing"
        : "";
  return `${first.join("")}insert into ${table} as r (workspace_id, id, ${shared ? "kind, " : ""}${columns.map(({ name }) => `"${name}", `).join("")}own, version, created_at, created_by, updated_at, xid)
  values (p_workspace, p_id, ${shared ? "n.kind, " : ""}${values.map((each) => `${each}, `).join("")}${NEW_OWN}, 1, p_at, p_actor, p_at, pg_current_xact_id())${conflict}
  returning r.* into w;`;
}

/** Changes the record whose natural key a create has. A statement of its own: Citus takes no sub-select in an insert. */
function updateKnownSql(kind: Kind): string[] {
  const { table, shared, keyField } = kind;
  if (!shared && !keyField) return [];
  const compared = (row: string) => comparedSql(keyField!.type, `${row}."${keyField!.name}"`);
  const known = shared
    ? `r.kind = n.kind and ${OWN_KEY} = lower((o ->> '${KEY_SLOT}') collate "C")`
    : `${compared("r")} = ${compared("n")} and r."${keyField!.name}" is not null`;
  const where = `r.workspace_id = p_workspace and ${known} and r.deleted_at is null`;
  return [
    `if w.id is null then
  update ${table} r set ${indented([changesSql(kind, "n", "p_at", where, true)]).trimStart()}
    returning r.* into w;
end if;`,
    // Citus does not know the index in which the conflict was by the collation of its expression, so it may have been another.
    ...(shared
      ? [
          `if w.id is null and o ->> '${KEY_SLOT}' is null then
  ${raiseSql("unique_violation", `${table}_handle_key`)};
end if;`,
        ]
      : []),
  ];
}

/** What a new record stores. A derived field that was not sent follows the field that it is derived from. */
export function insertedSql(kind: Kind, field: Field, where: Where): string {
  const { name, type, derived, further } = field;
  if (further) return insertedListSql(field);
  const value = type.inserted?.(`n."${name}"`, (each) => `n."${each}"`) ?? `n."${name}"`;
  if (!derived) return value;
  if (derived.is === "left-at")
    return `case when p_sent ? '${name}' then ${value} when n."${derived.field}" is distinct from '${derived.value}' then p_at end`;
  return `coalesce(${value}, ${derivedSql(kind, field, (each) => `n."${each}"`, where)})`;
}

const NEW_OWN =
  "case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end";

/** The living record that the caller named. */
const foundSql = ({ shared }: Kind) =>
  `r.workspace_id = p_workspace and ${shared ? "r.kind = n.kind and " : ""}right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null`;
const EXPECTED = "(p_versions is null or r.version = any (p_versions))";

const updateSql = (kind: Kind) =>
  `update ${kind.table} r set ${changesSql(kind, "n", "p_at", foundSql(kind))}
  returning r.* into w;`;

/** A change that is refused leaves its idempotency key free; one that would change nothing keeps it. */
const unwrittenSql = (kind: Kind) => `if w.id is null then
  if p_key is not null and not p_creates and not exists (select from ${kind.table} r
    where ${foundSql(kind)} and ${EXPECTED}) then
    delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
  end if;
  return;
end if;`;

/** `set` and `where` of a change: the columns that were sent, if that makes a difference. \`from\` holds the new values; \`byKey\`: the key led to the record. */
function changesSql(kind: Kind, from: string, at: string, found: string, byKey = false): string {
  const columns = columnsOf(kind).filter((field) => !(byKey && field === kind.keyField));
  const becomes = (field: Field) => {
    const { name, type, derived, further } = field;
    if (further) return becomesSql(kind, field);
    if (kind.furtherKey && field === kind.keyField)
      return `case when p_sent ? '${name}' and not p_creates then n."${name}" else r."${name}" end`;
    const follows = derived ? followsSql(kind, field, from) : "";
    const value = type.merged?.(`r."${name}"`, `n."${name}"`, name, (each) => `r."${each}"`) ?? `${from}."${name}"`;
    return `case when p_sent ? '${name}' then ${value}${follows} else r."${name}" end`;
  };
  // The key that a create was sent leads to the record, which keeps it as it was written there.
  const sent = byKey && kind.shared ? `o - '${KEY_SLOT}'` : "o";
  const own = `case when o is not null then crm_own(r.own, ${sent}, false) else r.own end`;
  const set = [...columns.map((field) => `"${field.name}" = ${becomes(field)}`), `own = ${own}`];
  const before = [...columns.map(({ name }) => `r."${name}"`), "r.own"].join(", ");
  const after = [...columns.map(becomes), own].join(", ");
  const where = [found, EXPECTED, `(${before}) is distinct from (${after})`];
  return `${set.join(",\n    ")},
    version = r.version + 1, updated_at = crm_after(r.updated_at, ${at}), xid = ${placeSql("r")}
  where ${where.join("\n    and ")}`;
}

/** Counts a record that was created; over the cap, the constraint usage_within_cap fails the whole call. */
const countSql = ({ name, shared }: Kind) => `if w.version = 1 and p_cap is not null then
  insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, ${shared ? "n.kind" : `'${name}'`}, 1, p_cap)
    on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
end if;`;

/** The searched text is as long as the record, and neither the history nor an answer shows it. */
const FORGET_SEARCH = "w.search := null;";

const AUTHOR = {
  workspace: "p_workspace",
  actor: "p_actor",
  token: "p_token",
  agent: "p_agent",
  reason: "p_reason",
  request: "p_request",
};

const historySql = (kind: Kind) =>
  entrySql(kind, {
    id: "p_entry",
    action: "case when w.version = 1 then 'created' else 'updated' end",
    cause: "null",
    row: "w",
    sets: ({ name }) => `p_sent ? '${name}'`,
    author: AUTHOR,
  });
