import { readKinds, readVersion } from "../db/kinds/kinds.ts";
import type { Session } from "../db/people/sessions.ts";
import { inTurns } from "../kit/turns.ts";
import type { Pool } from "../postgres/pool.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Declaration } from "../records/declaration.ts";
import { compilingOwn, type OwnKind } from "../records/own.ts";

/** The kinds of each workspace. A session tells the version of them, so that what another process has changed is known with it. */
export type Catalogs = {
  of: (session: Pick<Session, "workspaceId" | "kindsVersion">) => Catalog | Promise<Catalog>;
  /** The kinds of a workspace as they are stored now, with what it has declared. */
  now: (workspaceId: string) => Promise<Known>;
  /** What would become of the workspace's kinds if they were these. It is not kept. */
  with: (workspaceId: string, kinds: readonly OwnKind[]) => Promise<Catalog>;
  /** Changes of one workspace's kinds come one after the other: those that wait for the first hold no connection. */
  alone: <T>(workspaceId: string, change: () => Promise<T>) => Promise<T>;
  /** Whether they have changed since the session was read. */
  changed: (session: Pick<Session, "workspaceId" | "kindsVersion">) => Promise<boolean>;
};

export type Known = { catalog: Catalog; kinds: readonly OwnKind[] };

/** Compiled catalogs that are kept, and the fields that all of them have declared. Each holds its routes and schemas, as far as they were asked for. */
const MOST_KEPT = 200;
const MOST_FIELDS_KEPT = 150_000;

type Kept = Known & { version: number; fields: number };

export function createCatalogs(base: Catalog, builtIn: readonly Declaration[], pool: Pool): Catalogs {
  const kept = new Map<string, Kept>();
  const reading = new Map<string, Promise<Known>>();
  const changing = new Map<string, Promise<unknown>>();
  let fieldsKept = 0;

  /** One after the other: who comes while a catalog is being compiled finds it then. */
  function read(workspaceId: string): Promise<Known> {
    const before = reading.get(workspaceId);
    const mine = before
      ? before.then(
          () => readNow(workspaceId),
          () => readNow(workspaceId),
        )
      : readNow(workspaceId);
    reading.set(workspaceId, mine);
    const done = () => reading.get(workspaceId) === mine && reading.delete(workspaceId);
    mine.then(done, done);
    return mine;
  }

  async function readNow(workspaceId: string): Promise<Known> {
    const known = kept.get(workspaceId);
    const { version, kinds } = await readKinds(pool, workspaceId, known?.kinds);
    if (kinds.length === 0) return { catalog: base, kinds };
    if (known?.version === version) return keep(workspaceId, known);
    const catalog = await compiled(known, kinds);
    const fields = kinds.reduce((sum, { declaration }) => sum + declaration.fields.length, 0);
    return keep(workspaceId, { version, catalog, kinds, fields });
  }

  /** What has not changed stays as it was compiled. Built-in kinds are the same for all workspaces. */
  const compiled = (known: Known | undefined, kinds: readonly OwnKind[]) =>
    inTurns(compilingOwn(builtIn, kinds, known?.catalog ?? base));

  /** The one that was used last is dropped last. */
  function keep(workspaceId: string, used: Kept): Kept {
    drop(workspaceId);
    kept.set(workspaceId, used);
    fieldsKept += used.fields;
    while (kept.size > 1 && (kept.size > MOST_KEPT || fieldsKept > MOST_FIELDS_KEPT)) drop(kept.keys().next().value!);
    return used;
  }

  function drop(workspaceId: string): void {
    fieldsKept -= kept.get(workspaceId)?.fields ?? 0;
    kept.delete(workspaceId);
  }

  function current({ workspaceId, kindsVersion }: Pick<Session, "workspaceId" | "kindsVersion">): Catalog | undefined {
    const known = kept.get(workspaceId);
    return known && known.version >= kindsVersion ? keep(workspaceId, known).catalog : undefined;
  }

  return {
    of(session) {
      if (session.kindsVersion === 0) return base;
      const known = current(session);
      if (known) return known;
      const others = reading.get(session.workspaceId)?.catch(() => {});
      const fresh = () => read(session.workspaceId).then(({ catalog }) => catalog);
      return others ? others.then(() => current(session) ?? fresh()) : fresh();
    },
    now: read,
    alone(workspaceId, change) {
      const before = changing.get(workspaceId);
      const mine = before ? before.then(change, change) : change();
      changing.set(workspaceId, mine);
      const done = () => changing.get(workspaceId) === mine && changing.delete(workspaceId);
      mine.then(done, done);
      return mine;
    },
    with: (workspaceId, kinds) => compiled(kept.get(workspaceId), kinds),
    changed: async ({ workspaceId, kindsVersion }) => (await readVersion(pool, workspaceId)) > kindsVersion,
  };
}
