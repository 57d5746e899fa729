import type { Derivation } from "../fields/spec.ts";
import type { Field, Kind } from "../records/kind.ts";

/** The parts of a write function that work a value out where the caller sent none. */

/** Where a statement has the workspace and the id of the record, and the addresses of the members if it has read them. */
export type Where = { workspace: string; id: string; members?: string };

type Other = Exclude<Derivation, { is: "left-at" }>;

const membersSql = (workspace: string) => `memberships m join users u on u.id = m.user_id where m.workspace_id = ${workspace}`;

/** The variable of a write function with the addresses of the members, and what sets it: in a change of rows, Citus takes no other table. */
export const MEMBERS = "a_members";
export const readMembersSql = `${MEMBERS} := array(select u.email from ${membersSql("p_workspace")});`;
export const needsMembers = ({ fields }: Kind): boolean => fields.some(({ derived }) => derived?.is === "side");

/** The value as it follows from others of the record, which `of` names. */
export function derivedSql(kind: Kind, { name, derived }: Field, of: (field: string) => string, where: Where): string {
  const { workspace, id, members } = where;
  const from = derived as Other;
  switch (from.is) {
    case "side": {
      const isMember = members
        ? `${of(from.field)} = any (${members})`
        : `exists (select from ${membersSql(workspace)} and u.email = ${of(from.field)})`;
      return `case when ${of(from.field)} is null then null when ${isMember} then 'out' else 'in' end`;
    }
    case "beginning":
      return `crm_beginning(${of(from.field)}, ${of(from.page)})`;
    case "thread": {
      const key = kind.naturalKey!;
      const answered = of(from.field);
      return `coalesce((select t."${name}" from ${kind.plural} t where t.workspace_id = ${workspace} and t."${key}" = any (${answered}) and t."${name}" is not null
        and t.deleted_at is null order by array_position(${answered}, t."${key}") desc limit 1), (${answered})[1], ${of(key)}, ${id})`;
    }
  }
}

/**
 * ` when … then …` of what a derived field becomes with a change of what it is derived from, read from the row as it is locked, so that of writes
 * at once each sees the last. `from` holds the new values.
 */
export function followsSql(kind: Kind, field: Field, from: string): string {
  const { name } = field;
  const derived = field.derived!;
  if (derived.is === "left-at") {
    const is = (row: string) => `${row}."${derived.field}" is not distinct from '${derived.value}'`;
    return ` when p_sent ? '${derived.field}' then case when ${is("r")} and not (${is(from)}) then crm_after(r.updated_at, p_at) when ${is(from)} and not (${is("r")}) then null else r."${name}" end`;
  }
  const sources = [derived.field, ...(derived.is === "beginning" ? [derived.page] : [])];
  const where = { workspace: "p_workspace", id: "r.id", members: MEMBERS };
  const was = derivedSql(kind, field, (each) => `r."${each}"`, where);
  const becomes = (each: string) =>
    sources.includes(each) ? `case when p_sent ? '${each}' then ${from}."${each}" else r."${each}" end` : `r."${each}"`;
  const sent = sources.map((each) => `p_sent ? '${each}'`).join(" or ");
  return ` when (${sent}) and r."${name}" is not distinct from ${was} then ${derivedSql(kind, field, becomes, where)}`;
}
