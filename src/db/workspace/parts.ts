import { dependenciesFirst, recordColumns } from "../../derive/workspaceColumns.ts";
import type { Part, PartColumn, PartRow } from "../../formats/files/workspacePart.ts";
import { each, inTurns } from "../../kit/turns.ts";
import type { Catalog } from "../../records/catalog.ts";
import { derived } from "../../records/derived.ts";
import type { Field, Kind } from "../../records/kind.ts";
import { change } from "../../views/change.ts";
import { savedList } from "../../views/list.ts";
import { proposal } from "../../views/proposal.ts";
import { slugOf } from "../lists/lists.ts";
import { faultOfSlots } from "./slots.ts";

/** Under which kind the history tells of the workspace itself: that it was imported, and from where. */
export const WORKSPACE_KIND = "workspace";

/** The same in turns with other work, where the catalog has many kinds. */
export async function partsIn(catalog: Catalog): Promise<readonly Part[]> {
  await inTurns(each(catalog.kinds, recordPart));
  return partsOf(catalog);
}

/** What the file of a workspace has lines of, in their order: all that it holds, but who may come in and what is worked out from the rest. */
export const partsOf = derived((catalog: Catalog): readonly Part[] => {
  const anyRecord = new Set(catalog.kinds.map(({ prefix }) => prefix));
  const records = (name: string): PartColumn => ({ ...needed(name), ids: anyRecord });
  return [
    ...dependenciesFirst(catalog).map(recordPart),
    {
      line: "change",
      table: "changes",
      columns: [
        idOf(change.prefix),
        needed("kind"),
        { ...needed("record_id"), ids: new Set([...anyRecord, "ws"]) },
        { ...needed("version", "integer"), allows: isVersion },
        { ...needed("action"), allows: (action) => change.field("action")!.type.choices!.includes(action as string) },
        needed("at", "timestamptz"),
        needed("actor"),
        ...["token_id", "agent", "reason", "request_id", "cause"].map((name) => text(name)),
        { ...needed("row", "jsonb"), allows: isObject },
      ],
      check: (row) => faultOfEntry(catalog, row),
    },
    {
      line: "purged_record",
      table: "purged_records",
      columns: [records("id"), needed("at", "timestamptz"), needed("actor")],
      refers: ["id"],
    },
    {
      line: "list",
      table: "lists",
      columns: [
        idOf(savedList.prefix),
        needed("name"),
        needed("slug"),
        { ...needed("kind"), allows: (kind) => catalog.get(kind as string) !== undefined },
        ...["query", "description"].map((name) => text(name)),
        { name: "custom", holds: "jsonb", allows: isObject },
        needed("created_at", "timestamptz"),
        needed("created_by"),
        needed("updated_at", "timestamptz"),
        { name: "deleted_at", holds: "timestamptz" },
      ],
      check: ({ name, slug }) => (slug === slugOf(name as string) ? undefined : "its slug is not that of its name"),
    },
    {
      line: "list_member",
      table: "list_members",
      columns: [
        { ...needed("list_id"), ids: new Set([savedList.prefix]) },
        records("record_id"),
        needed("added_at", "timestamptz"),
        needed("added_by"),
      ],
      refers: ["record_id"],
    },
    {
      line: "dismissed_pair",
      table: "dismissed_pairs",
      columns: [records("a"), records("b"), needed("at", "timestamptz"), needed("actor")],
      refers: ["a", "b"],
      check: ({ a, b }) => ((a as string) < (b as string) ? undefined : "a is the lesser of the two ids"),
    },
    {
      line: "proposal",
      table: "proposals",
      columns: [
        idOf(proposal.prefix),
        needed("at", "timestamptz"),
        needed("actor"),
        ...["token_id", "agent", "reason"].map((name) => text(name)),
        { ...needed("method"), allows: (method) => ["POST", "PUT", "PATCH", "DELETE"].includes(method as string) },
        { ...needed("target"), allows: (target) => /^\/[!-~]*$/.test(target as string) },
        ...["content_type", "if_match"].map((name): PartColumn => ({ ...text(name), allows: isHeader })),
        needed("body"),
        { ...needed("diff", "jsonb"), allows: isDiff },
        needed("changes", "integer"),
        needed("mark"),
        needed("state"),
        { name: "decided_at", holds: "timestamptz" },
        ...["decided_by", "decision"].map((name) => text(name)),
      ],
    },
    {
      line: "series",
      table: "series",
      columns: [needed("name"), { ...needed("last", "bigint"), allows: (last) => (last as number) > 0 }],
    },
  ];
});

const text = (name: string): PartColumn => ({ name, holds: "text" });
const needed = (name: string, holds: PartColumn["holds"] = "text"): PartColumn => ({ name, holds, required: true });
const idOf = (prefix = ""): PartColumn => ({ ...needed("id"), ids: new Set([prefix]) });

const recordPart = derived((kind: Kind): Part => {
  return {
    line: "record",
    kind: kind.name,
    table: kind.table,
    columns: recordColumns(kind).map((name) => {
      if (name === "id") return idOf(kind.prefix);
      if (kind.shared && name === "kind") return { ...needed(name), allows: (value) => value === kind.name };
      if (kind.frozen && name === "seal") return text(name);
      if (name === "own") return { name, holds: "jsonb", allows: isObject };
      if (name === "merged_into") return { ...text(name), ids: new Set([kind.prefix]) };
      const link = kind.links.find(({ id }) => id.name === name);
      if (link) return { ...columnOf(link.id), ids: new Set([link.target.prefix]) };
      return columnOf(kind.field(name)!);
    }),
    check: (row) => faultOfRecord(row) ?? faultOfSlots(kind, (row.own ?? {}) as PartRow, true),
  };
});

function columnOf({ name, type, required, readOnly, optional }: Field): PartColumn {
  const column: PartColumn = { name, holds: type.sqlType, required: Boolean(required || (readOnly && !optional)) };
  if (name === "version") return { ...column, allows: isVersion };
  if (type.choices && type.sqlType === "text") return { ...column, allows: (value) => type.choices!.includes(value as string) };
  if (type.sqlType === "text[]") return { ...column, allows: (value) => isList(type, value) };
  if (type.isStored) return { ...column, allows: type.isStored };
  return type.members ? { ...column, allows: isObject } : column;
}

const isList = ({ schema }: Field["type"], value: unknown) =>
  (value as unknown[]).length > 0 && schema.safeParse(value).success;

/** The next version has to fit as well, and a thousand more. */
const isVersion = (value: unknown) => (value as number) >= 1 && (value as number) < 2_147_000_000;

const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);

const isHeader = (value: unknown) => /^[ -~]{1,1000}$/.test(value as string);

/** As proposals show it (`Difference` in db/records/requestChanges.ts). */
function isDiff(value: unknown): boolean {
  const isText = (each: unknown) => typeof each === "string";
  return (
    Array.isArray(value) &&
    value.every((each: unknown) => {
      if (!isObject(each)) return false;
      const { kind, record, action, changes } = each as Record<string, unknown>;
      if (!isText(kind) || !isText(action) || !(record === null || isText(record)) || !isObject(changes)) return false;
      return Object.values(changes as object).every((change: unknown) => isObject(change));
    })
  );
}

function faultOfRecord({ merged_into, deleted_at, id }: PartRow): string | undefined {
  if (merged_into === null || merged_into === undefined) return undefined;
  if (deleted_at === null || deleted_at === undefined) return "it was merged, and is not deleted";
  return merged_into === id ? "it was merged into itself" : undefined;
}

/** The record of an entry has the form of its kind; what it held in columns that are gone stays as it is. */
function faultOfEntry(catalog: Catalog, { kind, record_id: id, version, row }: PartRow): string | undefined {
  const prefix = String(id).slice(0, String(id).indexOf("_"));
  if (kind === WORKSPACE_KIND) return prefix === "ws" ? undefined : "its record is no workspace";
  const known = catalog.get(kind as string);
  if (!known) return `there is no kind ${JSON.stringify(kind)}`;
  if (known.prefix !== prefix) return `its record is no ${known.name}`;
  const stored = row as PartRow;
  if (stored.id !== id) return "its row is of another record";
  if (stored.version !== version) return "its row is of another version";
  const fault = faultOfSlots(known, stored, false);
  return fault && `its row: ${fault}`;
}
