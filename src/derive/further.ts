import { EDITED } from "../fields/list.ts";
import type { Field, Kind } from "../records/kind.ts";
import { raiseSql } from "./raise.ts";

/**
 * The parts of a write function that keep further values beside main ones. Of a natural key all of them, main or further, belong to one living
 * record: `addresses` has a row for each. That table's primary key is what decides between callers at once.
 */

/** `a_id`: the record to change. `a_rows`: rows that were written, one by one, because Citus counts those of a list wrongly. `a_values`: the addresses that the record had, or is to have. */
export const addressVariables = ({ furtherKey }: Kind): string =>
  furtherKey ? "\n  a_id text := p_id;\n  a_rows integer;\n  a_value text;\n  a_values text[];" : "";

/** All addresses of a row, as a list. */
export const addressesOf = ({ keyField, furtherKey }: Kind, row: string): string =>
  `array_remove(${row}."${furtherKey!.name}" || ${row}."${keyField!.name}", null)`;

const mine = ({ name }: Kind) => `a.workspace_id = p_workspace and a.kind = '${name}'`;

const COLUMNS = "(workspace_id, kind, value, record_id)";

/**
 * Finds the record of the address that a create was sent, or takes all that were sent for a new record; then changes that record. Who comes
 * second waits in `on conflict` for the first to commit, and then finds its record. Most upserts are by a known main address, so that is looked
 * for first and by itself. The change looks again whether the record still has
 * the address, so that none is written to that has lost it meanwhile.
 */
export function addressesSql(kind: Kind, insert: string, update: (where: string) => string): string {
  const { name, plural, keyField, furtherKey } = kind;
  const [main, list] = [keyField!.name, furtherKey!.name];
  const has = `(r."${main}" = n."${main}" or n."${main}" = any (r."${list}"))`;
  const changes = `p_sent ? '${list}' or p_sent ? '${main}' and not p_creates`;
  const living = "r.workspace_id = p_workspace and r.id = a_id and r.deleted_at is null";
  const indented = (statements: string, by: string) => statements.replace(/^(?=.)/gm, by);
  const named = "right(r.id, 8) = right(a_id, 8) and right(r.id, length(a_id)) = a_id";
  return `for a_turn in 1..3 loop
  if p_creates then
    select r.id into a_id from ${plural} r where r.workspace_id = p_workspace and r."${main}" = n."${main}" and r.deleted_at is null;
    if a_id is null then
      a_values := ${addressesOf(kind, "n")};
      a_rows := 0;
      for a_value in select distinct v from unnest(a_values) v order by v loop
        insert into addresses ${COLUMNS} values (p_workspace, '${name}', a_value, p_id) on conflict do nothing;
        if found then
          a_rows := a_rows + 1;
        end if;
      end loop;
      if a_rows = (select count(distinct v) from unnest(a_values) v) then
${indented(insert, "        ")}
        exit;
      end if;
      delete from addresses a where ${mine(kind)} and a.value = any (a_values) and a.record_id = p_id;
      select a.record_id into a_id from addresses a where ${mine(kind)} and a.value = n."${main}";
      if a_id is null then
        if a_turn = 3 then
          ${raiseSql("unique_violation", "addresses_pkey")};
        end if;
        continue;
      end if;
    end if;
  end if;
  if ${changes} then
    select ${addressesOf(kind, "r")} into a_values from ${plural} r
      where r.workspace_id = p_workspace and ${named} and r.deleted_at is null for no key update;
  end if;
${indented(update(`r.workspace_id = p_workspace and ${named} and r.deleted_at is null and (not p_creates or ${has})`), "  ")}
  if w.id is not null and (${changes}) then
    delete from addresses a where ${mine(kind)} and a.value = any (a_values) and a.value <> all (${addressesOf(kind, "w")}) and a.record_id = w.id;
    insert into addresses ${COLUMNS}
      select distinct p_workspace, '${name}', v, w.id from unnest(${addressesOf(kind, "w")}) v where v <> all (a_values) order by v;
  end if;
  exit when w.id is not null or not p_creates or exists (select from ${plural} r where ${living} and ${has});
end loop;`;
}

/** The list of a new record. */
export const insertedListSql = ({ name, further }: Field): string => `nullif(array_remove(n."${name}", n."${further}"), '{}')`;

/**
 * What a change makes of the list. A former main value stays in it where one of the list takes its place. An upsert leaves the main one, so that
 * the address by which it found the record stays, whatever list was sent.
 */
export function becomesSql(kind: Kind, { name, type, further }: Field): string {
  const [list, main] = [`r."${name}"`, `r."${further}"`];
  const isKey = further === kind.naturalKey;
  const sent = `p_sent ? '${name}'`;
  const sentMain = `p_sent ? '${further}'`;
  const whole = `${sent} and not '${name}.${EDITED}' = any (p_removed)`;
  const swapped = `case when ${sentMain} and n."${further}" = any (${list}) and not (${whole}) then ${main} end`;
  const also = isKey ? `case when p_creates then n."${further}" else ${swapped} end` : swapped;
  const becomes = `case when ${sentMain}${isKey ? " and not p_creates" : ""} then n."${further}" else ${main} end`;
  const value = `case when ${sent} then ${type.merged!(list, `n."${name}"`, name, (each) => `r."${each}"`)} else ${list} end`;
  return `case when ${sent} or ${sentMain} and ${list} is not null then crm_further(${value}, ${becomes}, ${also}) else ${list} end`;
}
