import { compileKind } from "../records/compile.ts";
import { defineRecord } from "../records/define.ts";
import { SHARED_TABLE } from "../records/kind.ts";
import { ORGANISATION_KEY, OWN_MARK, PHONE_KEY } from "./blocks.ts";
import { KEY_SLOT, type Letter, OWN_KEY, OWN_KEYED, slotSql, TITLE_SLOT } from "./slots.ts";

/** Stands for all own kinds where their table and its function are made. */
export const sharedKind = compileKind(
  defineRecord({
    name: "own_record",
    plural: SHARED_TABLE,
    prefix: "z",
    shared: true,
    about: "A record of a kind that a workspace has made.",
    title: "id",
    fields: {},
    example: {},
  }),
);

/** How many slots of each letter have an index. Fields beyond them work as well, and are read one by one. */
export const INDEXED: Partial<Record<Letter, number>> = { t: 8, c: 4, i: 6, n: 4, d: 3, m: 4, l: 8, g: 2 };

const TABLE = SHARED_TABLE;

/** The SQL that makes the table of all own kinds, with its indexes. */
export function sharedTableSql(): string[] {
  return [
    `create table ${TABLE} (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  kind text collate "C" not null,
  own jsonb,
  version integer not null,
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  merged_into text collate "C",
  xid xid8,
  search text generated always as (crm_fold(crm_own_search(own))) stored,
  primary key (workspace_id, id),
  foreign key (workspace_id, kind) references kinds (workspace_id, name)
);`,
    `create unique index ${TABLE}_handle_key on ${TABLE} (workspace_id, "right"(id, 8), kind);`,
    `create unique index ${TABLE}_key on ${TABLE} (workspace_id, kind, ${OWN_KEY}) where ${OWN_KEYED} and deleted_at is null;`,
    `create index ${TABLE}_key_gone_idx on ${TABLE} (workspace_id, kind, ${OWN_KEY}) where ${OWN_KEYED} and deleted_at is not null;`,
    index("created_at", "kind, created_at, id"),
    index("updated_at", "kind, updated_at, id"),
    `create index ${TABLE}_deleted_idx on ${TABLE} (workspace_id, kind, updated_at, id) where deleted_at is not null;`,
    index("title_order", `kind, ${folded(TITLE_SLOT)}, id`, `${folded(TITLE_SLOT)} is not null`),
    index("called", `kind, ${called(TITLE_SLOT)}`, `${called(TITLE_SLOT)} is not null`),
    index("key_called", `kind, ${called(KEY_SLOT)}`, `${called(KEY_SLOT)} is not null`),
    ...Object.entries(INDEXED).flatMap(([letter, most]) =>
      Array.from({ length: most }, (_, i) => slotIndex(letter as Letter, `${letter}${i + 1}`)),
    ),
    ...marks(TITLE_SLOT, ORGANISATION_KEY),
    ...marks(KEY_SLOT, OWN_MARK),
    ...Array.from({ length: INDEXED.t! }, (_, i) => marks(`t${i + 1}`, OWN_MARK)).flat(),
    ...marks("p1", PHONE_KEY),
    index("search", "search gin_trgm_ops", "", "using gin "),
    `create index ${TABLE}_lexemes_idx on ${TABLE} using gin (crm_lexemes(workspace_id, search)) where deleted_at is null;`,
    `alter table ${TABLE} alter column workspace_id set (n_distinct = -0.0002);`,
    `alter table ${TABLE} alter column search set statistics 200;`,
    `alter index ${TABLE}_lexemes_idx alter column 1 set statistics 0;`,
  ];
}

/** As references.ts looks for a name. */
const called = (slot: string) => `"left"(crm_fold(${slotSql(slot, "own")}), 200)`;

const folded = (slot: string) => `lower(${slotSql(slot, "own")})`;

/** Only rows with a value stand in it, so that a record costs as many entries as it has values. */
function slotIndex(letter: Letter, slot: string): string {
  const value = slotSql(slot, "own");
  if (letter === "g") return index(slot, value, `${value} is not null`, "using gin ");
  if (letter === "l" || letter === "c") return index(slot, `kind, ${value}, updated_at, id`, `${value} is not null`);
  const key = letter === "t" ? folded(slot) : value;
  return index(slot, `kind, ${key}, id`, `${key} is not null`);
}

/** The key by which duplicates are found (see blocks.ts). */
function marks(slot: string, key: string): string[] {
  const value = `${key}(${slotSql(slot, "own")})`;
  return [index(`${slot}_same`, `kind, ${value}, id`, `${value} is not null`)];
}

const index = (name: string, on: string, where = "", using = "") =>
  `create index ${TABLE}_${name}_idx on ${TABLE} ${using}(workspace_id, ${on}) where ${where && `${where} and `}deleted_at is null;`;
