import type { Kind } from "./kind.ts";

/** All kinds that a workspace knows. Nothing may depend on the list being fixed: workspaces bring their own. */
export type Catalog = {
  /** In the order of their declarations. */
  kinds: readonly Kind[];
  /** In an order in which each comes before those that it links to. */
  dependentsFirst: readonly Kind[];
  plurals: ReadonlySet<string>;
  /** Names of kinds that the workspace has deleted: their history is not shown. */
  gone: readonly string[];
  get: (name: string) => Kind | undefined;
  byPlural: (plural: string) => Kind | undefined;
  byPrefix: (prefix: string) => Kind | undefined;
};
