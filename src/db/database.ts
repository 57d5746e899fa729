import type { Pool } from "../postgres/pool.ts";
import type { Catalog } from "../records/catalog.ts";

/** What every statement about records needs: connections, and the kinds there are. */
export type Database = {
  pool: Pool;
  catalog: Catalog;
  /** All statements are in one transaction (db/unit.ts), so what is written in another way would not be taken back with them. */
  isUnit?: true;
  /** Milliseconds that a search which found nothing may look for near misses; NEAR_MS unless set. */
  nearMs?: number;
};

/** Who makes a change, and all that its history entry keeps about it. */
export type Author = {
  workspaceId: string;
  /** The e-mail address of the person. */
  actor: string;
  tokenId: string | null;
  /** The program that acts for them, in its own words. */
  agent: string | null;
  reason: string | null;
  requestId: string;
  /** Epoch ms: the time the change is dated. */
  now: number;
  /** Whether what is found beside the change may be told: a token that writes one kind need not read others. */
  mayRead: (plural: string) => boolean;
};
