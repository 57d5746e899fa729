import type { Declaration } from "./declaration.ts";
import type { Holder, Kind } from "./kind.ts";

/** All kinds that a workspace knows. Nothing may depend on the list being fixed: workspaces bring their own. */
export type Catalog = {
  /** In the order of their declarations. */
  kinds: readonly Kind[];
  /** What they were compiled from. */
  declarations: readonly Declaration[];
  /** In an order in which each comes before those that it links to. */
  dependentsFirst: readonly Kind[];
  plurals: ReadonlySet<string>;
  /** Names of kinds that the workspace has deleted: their history is not shown. */
  gone: readonly string[];
  get: (name: string) => Kind | undefined;
  byPlural: (plural: string) => Kind | undefined;
  byPrefix: (prefix: string) => Kind | undefined;
  /** The links of all kinds to this one. */
  heldBy: (kind: Kind) => readonly Holder[];
};
