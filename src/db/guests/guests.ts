import { createHash } from "node:crypto";
import { scramVerifier } from "../../kit/scram.ts";
import type { Seal } from "../../kit/seal.ts";
import { newSecret } from "../../kit/secret.ts";
import { addressOf, type ConnectionOptions } from "../../postgres/address.ts";
import type { Pool } from "../../postgres/pool.ts";
import type { Catalog } from "../../records/catalog.ts";
import { endConnection, endConnections, endGuests } from "./end.ts";
import { type Limits, type Question, type Result, runQuery } from "./query.ts";
import { isNoLogin, refusalOf } from "./refusals.ts";
import { admitConnection, admitRole, forgetRole } from "./roles.ts";
import { createSlots } from "./slots.ts";

/** Callers' own SQL, each in a role of its workspace that can see nothing else. */
export type Guests = {
  /** Runs a query. It holds one of the connections for guests until its batches end. */
  ask: (workspaceId: string, catalog: Catalog, question: Question) => Promise<Result>;
  /** The login of a token for a connection from elsewhere, with a new password. */
  connect: (catalog: Catalog, of: { workspaceId: string; tokenId: string; expiresAt: number | null }) => Promise<Login>;
  disconnect: (tokenId: string) => Promise<void>;
  /** Ends the logins of tokens that have ended. */
  endEnded: () => Promise<void>;
  /** Ends what is not used, too. */
  sweep: () => Promise<void>;
};

export type Login = { user: string; password: string; database: string };

export type GuestsOptions = {
  pool: Pool;
  /** The database without a pooler between, which would not know the roles. */
  direct: ConnectionOptions;
  seal: Seal;
  random: () => number;
  now: () => number;
  /** How long one query may take. */
  seconds: number;
  /** Days without a use after which a token ends. */
  tokenDays: number;
};

/** Queries at once in this process, and of one workspace. */
const AT_ONCE = 6;
const OF_ONE = 2;

/** A workspace's role is looked up once in so long. */
const KNOWN_MS = 30_000;
const MOST_KNOWN = 1_000;

const LIMITS = { batchBytes: 16_000_000, bytes: 64_000_000 } as const;

export function createGuests({ pool, direct, seal, random, now, seconds, tokenDays }: GuestsOptions): Guests {
  const limits: Limits = { ...LIMITS, deadlineMs: seconds * 1_000 };
  const slots = createSlots(AT_ONCE, OF_ONE);
  const known = new Map<string, { catalog: Catalog; name: string; until: number }>();

  const passwordOf = (name: string) => seal.digest("sql", name);
  const saltOf = (name: string) => createHash("sha256").update(seal.digest("sql-salt", name)).digest().subarray(0, 16);
  const verifierOf = (password: (name: string) => string) => (name: string) => scramVerifier(password(name), saltOf(name));
  const freshName = () => `q_${Array.from({ length: 20 }, () => LETTERS[Math.floor(random() * LETTERS.length)]).join("")}`;

  async function roleOf(workspaceId: string, catalog: Catalog): Promise<string> {
    const found = known.get(workspaceId);
    if (found && found.catalog === catalog && found.until > now()) return found.name;
    const fresh = { name: freshName, verifier: verifierOf(passwordOf) };
    const name = await admitRole(pool, catalog, workspaceId, fresh, seconds, now());
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(workspaceId, { catalog, name, until: now() + KNOWN_MS });
    return name;
  }

  async function run(workspaceId: string, catalog: Catalog, question: Question, again: boolean): Promise<Result> {
    const user = await roleOf(workspaceId, catalog);
    const to = { ...addressOf(direct), user, password: passwordOf(user) };
    try {
      return await runQuery(to, question, limits);
    } catch (error) {
      // The role has ended since it was looked up, or the secret of this server is another one now.
      if (!again || !isNoLogin(error)) throw error;
      known.delete(workspaceId);
      await forgetRole(pool, user);
      return run(workspaceId, catalog, question, false);
    }
  }

  const tokenIdleSince = () => now() - tokenDays * 86_400_000;

  return {
    async ask(workspaceId, catalog, question) {
      const release = await slots.take(workspaceId, question.signal);
      const fail = (error: unknown) => refusalOf(error, question.text, catalog, limits.deadlineMs);
      try {
        const { batches, ...result } = await run(workspaceId, catalog, question, true);
        async function* held() {
          try {
            yield* batches();
          } catch (error) {
            throw fail(error);
          } finally {
            release();
          }
        }
        return { ...result, batches: held };
      } catch (error) {
        release();
        throw fail(error);
      }
    },
    async connect(catalog, of) {
      const schema = await roleOf(of.workspaceId, catalog);
      const password = newSecret(random);
      const fresh = { name: freshName, verifier: verifierOf(() => password) };
      const user = await admitConnection(pool, schema, of, fresh, seconds, now());
      return { user, password, database: addressOf(direct).database };
    },
    disconnect: (tokenId) => endConnection(pool, tokenId),
    endEnded: () => endConnections(pool, tokenIdleSince(), now()),
    sweep: () => endGuests(pool, seconds, tokenIdleSince(), now()),
  };
}

const LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz";
