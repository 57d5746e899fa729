import type { Catalog } from "../../records/catalog.ts";
import { SHARED_TABLE } from "../../records/kind.ts";

/** Tables of a workspace besides those of its records, none before one that it refers to. */
const OTHERS = [
  ...["addresses", "changes", "idempotency_keys", "usage", "proposals", "dismissed_pairs", "purged_records"],
  ...["mentions", "lists", "list_members", "imports", "import_rows", "webhooks", "deliveries", "series"],
];

/**
 * All tables whose rows each belong to one workspace, none before one that it refers to. On Citus they are spread by workspace; with a
 * workspace that ends, its rows go from them, backwards.
 */
export const workspaceTables = (catalog: Pick<Catalog, "dependentsFirst">): string[] => [
  ...new Set(["kinds", ...catalog.dependentsFirst.map(({ table }) => table).reverse(), SHARED_TABLE, ...OTHERS]),
];

/** Tables that every server of a spread database has a copy of: they are read everywhere and rarely written. */
export const COPIED_TABLES = ["workspaces", "users", "memberships"];
