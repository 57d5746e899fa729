import { Problem } from "../kit/problem.ts";
import {
  isBroken,
  isCancelled,
  isConflict,
  isForgotten,
  isLost,
  isStale,
  isUnanswered,
  toProblem,
  unknownOutcome,
} from "./failure.ts";
import type { Sort } from "./hosts.ts";
import type { Statement } from "./sql.ts";
import { createUnits, type PoolOptions, type Unit, type UnitOptions, type Units } from "./unit.ts";
import type { Wire } from "./wire.ts";
import type { Rows } from "./wireQuery.ts";

export type StatementOptions = {
  /**
   * `custom` is planned for its values each time: `like`, `in`, ranges on skewed columns, and texts whose shapes callers choose.
   * `named`, the default, is prepared once a connection, and after five runs its plan no longer looks at the values.
   */
  plan?: "named" | "custom";
};

export type TurnOptions = Omit<UnitOptions, "holder" | "sort"> & {
  /** Whose work of unknown length it is. It has connections of its own: however much of it there is, the rest finds its turn. */
  longFor?: string;
};

export type RowsOptions = StatementOptions &
  TurnOptions & {
    /** A read, or else safe to run twice: repeated when its connection was lost. */
    retry?: boolean;
    /**
     * A write as short as that of one record: it may follow others' on a connection, and so lose its answer to what befalls one of them.
     * For callers that can find out what became of it.
     */
    short?: boolean;
  };

/** What refuses, refuses with a Problem whose cause is the driver's error. */
export type Transaction = {
  /** `custom` unless asked: within a transaction a name that a pooler does not know (PgBouncer before 1.21) could not be repeated. */
  rows: (statement: Statement, options?: StatementOptions) => Promise<Rows>;
  /** Several statements without values, for migrations. */
  simple: (text: string) => Promise<void>;
};

export type Pool = {
  /** One statement, atomic by itself. Values by column type: see values.ts. */
  rows: (statement: Statement, options?: RowsOptions) => Promise<Rows>;
  /** begin … commit, or rollback when the work throws. For the few places where one statement cannot do. */
  transaction: <T>(work: (tx: Transaction) => Promise<T>, options?: TurnOptions) => Promise<T>;
  simple: (text: string, options?: TurnOptions) => Promise<void>;
  stats: () => ReturnType<Units["stats"]> & { named: number };
  /** Refuses who waits, lets finish who works, and closes the connections. */
  close: () => Promise<void>;
};

/** Statements with a name: postgres.js never frees one, and a connection holds each of them at 10-50 kB of the server's memory. */
const NAMED_LIMIT = 300;
/** Texts that have come once: the fields of a write and of a view are the callers' to choose, and what nobody repeats is not worth a name. */
const SEEN_LIMIT = 1_000;
const CONFLICT_REPEATS = 3;
/** What followed others and runs by itself in the end has at least this long. */
const LEAST_MS = 500;

export function createPool(options: PoolOptions): Pool {
  const units = createUnits(options);
  const third = (number: number) => Math.ceil(number / 3);
  const longUnits = createUnits({ ...options, size: third(options.size), queueLimit: third(options.queueLimit) });
  const named = new Set<string>();
  const seen = new Set<string>();
  let { prepare } = options;

  async function rows(statement: Statement, asked: RowsOptions = {}): Promise<Rows> {
    const { text, values } = statement;
    const lane = laneOf(asked);
    const hasName = isNamed(text, asked);
    const sort = hasName && lane.knows(text) ? sortOf(asked) : undefined;
    // Not awaited where there is nothing to wait for: what follows must find this one sent.
    const entered = lane.enter(turnOf(asked, sort));
    let unit = entered instanceof Promise ? await entered : entered;
    if (unit.host) {
      const found = await along(lane, unit, unit.host, statement);
      if (typeof found !== "number") return found;
      unit = await lane.enter(turnOf({ ...asked, deadlineMs: found }));
    }
    try {
      for (let attempt = 1; ; attempt++) {
        const connected = lane.connect(unit);
        const wire = connected instanceof Promise ? await connected : connected;
        try {
          return await wire.run(text, values, hasName && prepare);
        } catch (error) {
          if (isForgotten(error)) stopNaming();
          const answer = refusal(unit, wire, error, asked.retry !== true);
          if (!mayRepeat(unit, error, attempt, asked.retry === true)) throw answer;
        }
      }
    } finally {
      lane.leave(unit);
    }
  }

  /** Follows others on their connection. Milliseconds are the time left to run by itself: what refused it was not its own. */
  async function along(lane: Units, unit: Unit, host: Wire, { text, values }: Statement): Promise<Rows | number> {
    const { sort, deadlineMs = options.deadlineMs } = unit.turn;
    const since = performance.now();
    try {
      // Known when it began to wait, but maybe not now.
      if (prepare && lane.knows(text)) return await host.run(text, values, true);
    } catch (error) {
      if (sort === "write" && isUnanswered(error)) throw unknownOutcome(unit.stopped ? "busy" : "not_ready", error);
      if (unit.stopped) throw unit.stopped;
      if (!isForAnother(error)) throw toProblem(error);
    } finally {
      lane.leave(unit);
    }
    return Math.max(LEAST_MS, Math.round(deadlineMs - (performance.now() - since)));
  }

  const laneOf = ({ longFor }: TurnOptions): Units => (longFor === undefined ? units : longUnits);

  function isNamed(text: string, { plan }: StatementOptions): boolean {
    if (plan === "custom" || !prepare) return false;
    if (named.has(text)) return true;
    if (named.size >= NAMED_LIMIT) return false;
    if (seen.delete(text)) {
      named.add(text);
      return true;
    }
    if (seen.size >= SEEN_LIMIT) seen.clear();
    seen.add(text);
    return false;
  }

  /** A server keeps names as long as a connection lasts: between lies a pooler that gives each transaction another one. */
  function stopNaming(): void {
    if (prepare) options.log.warn("prepared_statements_off", { reason: "a pooler does not keep them: see CRM_PREPARE" });
    prepare = false;
  }

  async function transaction<T>(work: (tx: Transaction) => Promise<T>, asked: TurnOptions = {}): Promise<T> {
    const lane = laneOf(asked);
    const unit = await lane.enter(turnOf(asked));
    const halted = new Promise<never>((_, reject) => {
      unit.halt = reject;
    });
    halted.catch(() => {});
    try {
      const wire = await beginOn(lane, unit);
      const tx = onWire(unit, wire);
      try {
        const result = await Promise.race([work(tx.transaction), halted]);
        await tx.finish();
        await commit(unit, wire);
        return result;
      } catch (error) {
        await tx.finish();
        await rollback(unit, wire);
        throw error;
      }
    } finally {
      lane.leave(unit);
    }
  }

  /** Nothing has happened yet, so a connection found lost is replaced once. */
  async function beginOn(lane: Units, unit: Unit): Promise<Wire> {
    for (let attempt = 1; ; attempt++) {
      const wire = await lane.connect(unit);
      try {
        await wire.script("begin");
        return wire;
      } catch (error) {
        const answer = refusal(unit, wire, error, false);
        if (!mayRepeat(unit, error, attempt, true)) throw answer;
      }
    }
  }

  /** One statement after the other, whatever the work awaits: what it left running must not slip in after the rollback. */
  function onWire(unit: Unit, wire: Wire) {
    let last: Promise<unknown> = Promise.resolve();
    let over = false;
    const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
      if (over) return Promise.reject(new Problem("internal", "a statement after the end of its transaction"));
      const mine = last.then(async () => {
        if (unit.stopped) throw unit.stopped;
        return run().catch((error) => {
          throw refusal(unit, wire, error, false);
        });
      });
      last = mine.catch(() => {});
      return mine;
    };
    const transaction: Transaction = {
      rows: ({ text, values }, asked = {}) => inTurn(() => wire.run(text, values, isNamed(text, { plan: "custom", ...asked }))),
      simple(text) {
        unit.spent = true;
        return inTurn(async () => void (await wire.script(text)));
      },
    };
    const finish = async () => {
      over = true;
      await last;
    };
    return { transaction, finish };
  }

  /** On a connection that is closed afterwards: a `set` or a `begin` of the text reaches nobody else. */
  async function simple(text: string, asked: TurnOptions = {}): Promise<void> {
    const unit = await units.enter(turnOf(asked));
    unit.spent = true;
    try {
      const wire = await units.connect(unit);
      await wire.script(text).catch((error) => {
        throw refusal(unit, wire, error, true);
      });
    } finally {
      units.leave(unit);
    }
  }

  return {
    rows,
    transaction,
    simple,
    stats: () => ({ ...units.stats(), named: named.size }),
    close: async () => void (await Promise.all([units.close(), longUnits.close()])),
  };
}

/** Refused for what befell another statement of the connection, or its names: by itself it may succeed. */
const isForAnother = (error: unknown) => isBroken(error) || isConflict(error) || isCancelled(error);

/** What may share a connection. */
function sortOf({ retry, short, longFor }: RowsOptions): Sort | undefined {
  if (longFor !== undefined) return undefined;
  if (short) return "write";
  return retry ? "read" : undefined;
}

function turnOf({ signal, deadlineMs, longFor }: TurnOptions, sort?: Sort): UnitOptions {
  return { signal, deadlineMs, holder: longFor, sort };
}

/** A committed transaction answers COMMIT; one that a statement had broken, though the work caught that, answers ROLLBACK. */
async function commit(unit: Unit, wire: Wire): Promise<void> {
  if (unit.stopped) throw unit.stopped;
  const command = await wire.script("commit").catch((error) => {
    throw refusal(unit, wire, error, true);
  });
  if (command !== "COMMIT") throw new Problem("internal", "the transaction had failed and was rolled back");
}

async function rollback(unit: Unit, wire: Wire): Promise<void> {
  if (unit.stopped || wire.lost) return;
  await wire.script("rollback").catch((error) => wire.lose(error));
}

/** What to tell the caller, with the connection dropped if it is no longer good. `commits`: a lost answer may be that of a change made. */
function refusal(unit: Unit, wire: Wire, error: unknown, commits: boolean): Problem {
  if (isBroken(error)) wire.lose(error as Error);
  const lost = isLost(error) || error === unit.stopped;
  if (lost && commits) return unknownOutcome(unit.stopped?.code === "busy" ? "busy" : "not_ready", error);
  return unit.stopped ?? toProblem(error);
}

/** A statement that was refused did nothing and may be repeated if that can help; one whose answer was lost only if it is `safe`. */
function mayRepeat(unit: Unit, error: unknown, attempt: number, safe: boolean): boolean {
  if (unit.stopped) return false;
  if (isConflict(error)) return attempt <= CONFLICT_REPEATS;
  return attempt === 1 && (isStale(error) || (safe && isLost(error)));
}
