import type { Wire } from "./connection.ts";
import type { Rows } from "./driver.ts";
import { isBroken, isCancelled, isConflict, isForgotten, isUnanswered, toProblem, unknownOutcome } from "./errors.ts";
import { createUnits, type PoolOptions, type Unit, type UnitOptions, type Units } from "./lease.ts";
import type { Sort } from "./pipeline.ts";
import { createNames } from "./preparedStatements.ts";
import { mayRepeat, refusal } from "./retry.ts";
import type { Statement, StatementOptions } from "./sql.ts";
import { runTransaction, type Transaction } from "./transaction.ts";

export type TurnOptions = Omit<UnitOptions, "holder" | "sort" | "brief"> & {
  /** Whose work of unknown length it is. It has connections of its own: however much of it there is, the rest finds its turn. */
  longFor?: string;
};

export type RowsOptions = StatementOptions &
  TurnOptions & {
    /** A read, or else safe to run again: repeated when its connection was lost. */
    retry?: boolean;
    /**
     * A write as short as that of one record: it may follow others' on a connection, and so lose its answer to what befalls one of them.
     * For callers that can find out what became of it.
     */
    short?: boolean;
    /** A read of the few rows that an index leads to: with others that come at once it leaves for one connection, though more are free. */
    brief?: boolean;
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

/** What followed others and runs by itself in the end has at least this long. */
const LEAST_MS = 500;

export function createPool(options: PoolOptions): Pool {
  const units = createUnits(options);
  const third = (number: number) => Math.ceil(number / 3);
  const longUnits = createUnits({ ...options, size: third(options.size), queueLimit: third(options.queueLimit) });
  const names = createNames(options.prepare, options.log);

  async function rows(statement: Statement, asked: RowsOptions = {}): Promise<Rows> {
    const { text, values } = statement;
    const lane = laneOf(asked);
    const hasName = names.note(text, asked);
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
          return await wire.run(text, values, hasName && names.kept);
        } catch (error) {
          if (isForgotten(error)) names.stop();
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
      if (names.kept && lane.knows(text)) return await host.run(text, values, true);
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
    transaction: (work, asked = {}) => runTransaction(laneOf(asked), names, turnOf(asked), work),
    simple,
    stats: () => ({ ...units.stats(), named: names.size }),
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

function turnOf({ signal, deadlineMs, longFor, brief = false }: RowsOptions, sort?: Sort): UnitOptions {
  return { signal, deadlineMs, holder: longFor, sort, brief };
}
