import type { Field, Kind } from "../records/kind.ts";

/**
 * The index of the addresses that records name: a row of `mentions` for each address and for each domain of one. What a record is attached to is read
 * through it and never stored, so that no change of another record has to look for what mentions it.
 */

/** The values of the row, as SQL: its addresses and their domains, each once. */
export function mentionedSql(kind: Kind, row: string): string {
  const fields = kind.mentions!.in.map((name) => kind.field(name)!);
  const listOf = ({ name, type }: Field) => (type.sqlType === "text[]" ? `${row}."${name}"` : `array[${row}."${name}"]`);
  return `crm_mentioned(${fields.map(listOf).join(" || ")})`;
}

/** The same of a row as the history keeps it, in JSON. */
export function mentionedInJson(kind: Kind, row: string): string {
  const fields = kind.mentions!.in.map((name) => kind.field(name)!);
  const listOf = ({ name, type }: Field) =>
    type.sqlType === "text[]"
      ? `array(select jsonb_array_elements_text(coalesce(nullif(${row} -> '${name}', 'null'), '[]')))`
      : `array[${row} ->> '${name}']`;
  return `crm_mentioned(${fields.map(listOf).join(" || ")})`;
}

/** Whether a change of these fields changes the index. */
export const movesMentions = ({ mentions }: Kind, names: readonly string[]): boolean =>
  mentions !== undefined && [...mentions.in, mentions.at].some((name) => names.includes(name));

/** In a write function: the rows of the record that was written. */
export function mentionsOfWritten(kind: Kind): string[] {
  if (!kind.mentions) return [];
  const { at, in: fields } = kind.mentions;
  const sent = [...fields, at].map((name) => `'${name}'`).join(", ");
  return [
    `if w.version = 1 or p_sent ?| array[${sent}] then
  if w.version > 1 then
    delete from mentions m where m.workspace_id = p_workspace and m.record_id = w.id;
  end if;
  insert into mentions (workspace_id, kind, value, at, record_id)
    select p_workspace, '${kind.name}', v, w."${at}", w.id from unnest(${mentionedSql(kind, "w")}) v;
end if;`,
  ];
}

/** Sets the rows of many records: `$1` the workspace, `$2` their ids. */
export const mentionsOfMany = (kind: Kind): { clear: string; index: string } => ({
  clear: "delete from mentions m where m.workspace_id = $1 and m.record_id = any ($2::text[])",
  index: `insert into mentions (workspace_id, kind, value, at, record_id)
    select $1::text, '${kind.name}', v, r."${kind.mentions!.at}", r.id from ${kind.plural} r cross join lateral unnest(${mentionedSql(kind, "r")}) v
    where r.workspace_id = $1 and r.id = any ($2::text[])`,
});
