import { readKinds, readVersion } from "../db/kinds/kinds.ts";
import type { Session } from "../db/people/sessions.ts";
import type { Pool } from "../postgres/pool.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Declaration } from "../records/kind.ts";
import { compileOwn, type OwnKind } from "../records/own.ts";

/** The kinds of each workspace. A session tells the version of them, so that what another process has changed is known with it. */
export type Catalogs = {
  of: (session: Pick<Session, "workspaceId" | "kindsVersion">) => Catalog | Promise<Catalog>;
  /** The kinds of a workspace as they are stored now, with what it has declared. */
  now: (workspaceId: string) => Promise<{ catalog: Catalog; kinds: OwnKind[] }>;
  /** Whether they have changed since the session was read. */
  changed: (session: Pick<Session, "workspaceId" | "kindsVersion">) => Promise<boolean>;
};

/** Compiled catalogs that are kept. Each holds its routes and schemas, as far as they were asked for. */
const MOST_KEPT = 200;

type Kept = { version: number; catalog: Catalog };

export function createCatalogs(base: Catalog, builtIn: readonly Declaration[], pool: Pool): Catalogs {
  const kept = new Map<string, Kept>();

  async function read(workspaceId: string): Promise<{ catalog: Catalog; kinds: OwnKind[] }> {
    const { version, kinds } = await readKinds(pool, workspaceId);
    if (kinds.length === 0) return { catalog: base, kinds };
    const known = kept.get(workspaceId);
    if (known?.version === version) return { catalog: keep(workspaceId, known), kinds };
    const catalog = compileOwn(builtIn, kinds);
    if (!known || known.version < version) keep(workspaceId, { version, catalog });
    return { catalog, kinds };
  }

  /** The one that was used last is dropped last. */
  function keep(workspaceId: string, catalog: Kept): Catalog {
    kept.delete(workspaceId);
    kept.set(workspaceId, catalog);
    if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value!);
    return catalog.catalog;
  }

  return {
    of({ workspaceId, kindsVersion }) {
      if (kindsVersion === 0) return base;
      const known = kept.get(workspaceId);
      return known && known.version >= kindsVersion
        ? keep(workspaceId, known)
        : read(workspaceId).then(({ catalog }) => catalog);
    },
    now: read,
    changed: async ({ workspaceId, kindsVersion }) => (await readVersion(pool, workspaceId)) > kindsVersion,
  };
}
