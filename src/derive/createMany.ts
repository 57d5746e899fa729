import { comparedSql } from "../fields/folding.ts";
import type { Kind } from "../records/kind.ts";
import { entrySql } from "./entry.ts";
import { columnsOf, insertedSql } from "./writeFunction.ts";

/**
 * The statements that insert many new records of a kind, and their history entries, in one transaction: what the kind's function does for
 * one, without its start for each row. Of the insert `$1` is the workspace, `$2` the time, `$3` the actor, then come lists of ids, values sent and
 * further values, and of a kind whose records may have several addresses the one of each, or null; of the history `$1` to `$6` are the author, then
 * come lists of ids and entry ids. A record whose natural key or address is taken is left out.
 */
export function createManySql(kind: Kind): { insert: string; history: string } {
  const { plural, keyField, furtherKey } = kind;
  const columns = columnsOf(kind);
  const key = keyField && `"${keyField.name}"`;
  const conflict = keyField
    ? ` on conflict (workspace_id, ${comparedSql(keyField.type, key!)}) where ${key} is not null and deleted_at is null do nothing`
    : kind.joins
      ? ` on conflict (workspace_id, "${kind.joins.into}", "${kind.joins.whom}") where deleted_at is null do nothing`
      : "";
  const names = columns.map(({ name }) => `"${name}", `).join("");
  const [address, addresses] = furtherKey ? [", address", ", $7::text[]"] : ["", ""];
  const insert = `${takenSql(kind)}insert into ${plural} as r (workspace_id, id, ${names}version, created_at, created_by, updated_at, xid)
  select $1::text, x.id, ${columns.map((field) => `${insertedSql(kind, field, { workspace: "$1", id: "x.id" })}, `).join("")}1, p_at, $3::text, p_at, pg_current_xact_id()
  from (select u.place, u.id, u.initial::jsonb as p_initial, u.sent::jsonb as p_sent, $2::timestamptz as p_at${address}
    from unnest($4::text[], $5::text[], $6::text[]${addresses}) with ordinality as u(id, sent, initial${address}, place)) x
  cross join lateral jsonb_populate_record(null::${plural}, x.p_initial || x.p_sent) n${furtherKey ? FREE : ""}
  order by x.place${conflict} returning r.id`;
  const history = entrySql(kind, {
    id: "u.entry",
    action: "'created'",
    cause: "null",
    row: "w",
    // Laterally and with an offset, which keeps it so: a new workspace has no statistics, by which its records would all be read.
    from: `unnest($7::text[], $8::text[]) as u(id, entry)
    cross join lateral (select t.* from ${plural} t where t.workspace_id = $1 and right(t.id, 8) = right(u.id, 8) and t.id = u.id offset 0) w`,
    author: { workspace: "$1", actor: "$2", token: "$3", agent: "$4", reason: "$5", request: "$6" },
  });
  return { insert, history };
}

/** Of a kind whose records may have several addresses, each takes its address first. */
function takenSql({ furtherKey, name }: Kind): string {
  if (!furtherKey) return "";
  return `with taken as (insert into addresses (workspace_id, kind, value, record_id)
    select $1::text, '${name}', u.value, u.id from unnest($4::text[], $7::text[]) u(id, value) where u.value is not null order by u.value
    on conflict do nothing returning record_id)
  `;
}

const FREE = `
  where x.address is null or x.id in (select record_id from taken)`;
