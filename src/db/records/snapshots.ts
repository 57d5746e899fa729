import { mentionedInJson } from "../../derive/mentions.ts";
import { columnOf, type Row, type View } from "../../derive/view.ts";
import { LargeJson } from "../../kit/largeJson.ts";
import { showTime } from "../../kit/time.ts";
import { each } from "../../kit/turns.ts";
import { raw } from "../../postgres/sql.ts";
import type { Catalog } from "../../records/catalog.ts";
import { columnName, type Field } from "../../records/kind.ts";
import { type Snapshot, timeOfJson } from "../../views/change.ts";
import { holdersSql } from "./mentions.ts";
import { FIRST_VALUE, rowsOf } from "./table.ts";

/** The records that history entries hold, from the rows as they were stored to the shape that the record itself has. */

/** What a reader sees of a kind; undefined of what is none, such as the workspace itself. */
export type ViewOf = (kind: string) => View | undefined;

/** A stored row with the names of what it links to and the ids of what it mentions, as they are today, by a statement about the entry that `alias` stands for; `row` is all of it, `$1` the workspace. */
export function* namedRow({ kinds }: Catalog, alias: string, row: string): Generator<void, string, void> {
  const cases = yield* each(kinds, (kind) => {
    const names = kind.links.map(({ id, name, target }) => {
      const title = `t."${columnName(target.titleField)}"`;
      return `'${name}', (select ${title} from ${rowsOf(target).text} t where t.workspace_id = $1 and t.id = ${alias}.row ->> '${columnName(id)}')`;
    });
    for (const { name, mentioned } of kind.fields) {
      if (!mentioned?.target) continue;
      const holders = holdersSql(mentioned.target, raw(mentionedInJson(kind, `${alias}.row`)), FIRST_VALUE);
      names.push(`'${name}', (select to_jsonb(array_agg(distinct a.record_id)) ${holders.text})`);
    }
    return names.length > 0 ? [`when '${kind.name}' then jsonb_build_object(${names.join(", ")})`] : [];
  });
  return `((${row}) || case ${alias}.kind ${cases.flat().join(" ")} else '{}' end)`;
}

type Stored = Record<string, unknown>;

/** The rows with their records put into shape, in the fields of `change` that hold whole ones. */
export function shapeRecords(view: View, fields: readonly Field[], viewOf: ViewOf, rows: readonly Row[]): Row[] {
  const columns = fields.flatMap((field) => columnOf(view, field) ?? []);
  if (columns.length === 0) return [...rows];
  return rows.map((row) => {
    const shaped = [...row];
    for (const column of columns) shaped[column] = shapedRecord(row[column], viewOf);
    return shaped;
  });
}

function shapedRecord(stored: unknown, viewOf: ViewOf): unknown {
  const shape = (value: unknown) => snapshotOf(value as [string, Stored], viewOf);
  if (stored instanceof LargeJson) return stored.shaped(shape);
  return stored === null ? null : shape(stored);
}

function snapshotOf([kind, stored]: [kind: string, stored: Stored], viewOf: ViewOf): Snapshot {
  const view = viewOf(kind);
  // Of a kind that was deleted since.
  if (!view) return () => JSON.stringify(stored);
  const row = [stored.id, stored.version, ...view.columns.map((field) => storedValue(field, stored))];
  const deletedAt = stored.deleted_at as string | null | undefined;
  return (showing) => {
    const json = view.json(row, showing);
    if (deletedAt == null) return json;
    return `${json.slice(0, -1)},"deleted_at":"${showTime(timeOfJson(deletedAt), showing.zone)}"}`;
  };
}

/** As the driver gives it. A field that the record had not yet is absent. */
function storedValue({ name, column, type }: Field, stored: Stored): unknown {
  const value = stored[column ?? name] ?? null;
  return type.sqlType === "timestamptz" && value !== null ? timeOfJson(value as string) : value;
}
