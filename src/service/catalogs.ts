import type { Session } from "../db/people/sessions.ts";
import type { Catalog } from "../records/catalog.ts";

/** The kinds of each workspace. */
export type Catalogs = { of: (session: Pick<Session, "workspaceId">) => Catalog | Promise<Catalog> };

/** Every workspace has the built-in kinds. */
export const createCatalogs = (base: Catalog): Catalogs => ({ of: () => base });
