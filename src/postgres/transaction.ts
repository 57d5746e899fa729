import { Problem } from "../kit/problem.ts";
import type { Wire } from "./connection.ts";
import type { Rows } from "./driver.ts";
import type { Unit, UnitOptions, Units } from "./lease.ts";
import type { Names } from "./preparedStatements.ts";
import { mayRepeat, refusal } from "./retry.ts";
import type { Statement, StatementOptions } from "./sql.ts";

/** What refuses, refuses with a Problem whose cause is the driver's error. */
export type Transaction = {
  /** `custom` unless asked: within a transaction a name that a pooler does not know (PgBouncer before 1.21) could not be repeated. */
  rows: (statement: Statement, options?: StatementOptions) => Promise<Rows>;
  /** Several statements without values, for migrations. */
  simple: (text: string) => Promise<void>;
};

/** begin … commit, or rollback when the work throws: on a connection of its own, that nobody follows. */
export async function runTransaction<T>(
  lane: Units,
  names: Names,
  turn: UnitOptions,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const unit = await lane.enter(turn);
  const halted = new Promise<never>((_, reject) => {
    unit.halt = reject;
  });
  halted.catch(() => {});
  try {
    const wire = await beginOn(lane, unit);
    const tx = onWire(names, unit, wire);
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

/** Nothing has happened yet, so a connection found lost is replaced. */
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
function onWire(names: Names, unit: Unit, wire: Wire) {
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
    rows: ({ text, values }, asked = {}) =>
      inTurn(() => wire.run(text, values, names.note(text, { plan: "custom", ...asked }))),
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
