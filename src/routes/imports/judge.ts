import { findIds } from "../../db/imports/links.ts";
import type { StagedRow, Verdict } from "../../db/imports/rows.ts";
import { holdersOf } from "../../db/imports/write.ts";
import { settingsOf, USUAL } from "../../db/records/settings.ts";
import { readRecord, takenApart } from "../../derive/body.ts";
import type { Written } from "../../derive/written.ts";
import { convert } from "../../formats/convert.ts";
import type { Facts, Staged } from "../../formats/intake.ts";
import { dayText } from "../../kit/calendar.ts";
import { Problem } from "../../kit/problem.ts";
import { localDay } from "../../kit/time.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import { currencyOf, type Kind } from "../../records/kind.ts";
import type { Job } from "./job.ts";

export type Rows = Pick<Transaction, "rows">;

/** A row that may be written, as far as it can be told from itself and from who sends it. */
export type Passed = {
  n: number;
  row: number;
  written: Written;
  /** What the row says, for people. */
  values: Readonly<Record<string, unknown>>;
  /** The record that it changes. */
  id?: string | undefined;
  /** Its natural key. */
  key?: string | undefined;
  /** The natural keys of the records it links to, by the name of the link. */
  keys: Readonly<Record<string, string>>;
  sent: Record<string, unknown>;
  removed: string[];
};

export type Judged = { passed: Passed[]; refused: Verdict[] };

const NO_FACTS: Facts = { dates: {}, signs: {} };

/**
 * Reads staged rows by the code that reads the body of a single write. One that names a record which is there changes that; else it is a
 * create, which updates the record of its natural key.
 */
export async function judge(tx: Rows, job: Job, kind: Kind, staged: readonly StagedRow[]): Promise<Judged> {
  const known = await findIds(
    tx,
    job.hold,
    kind,
    staged.flatMap(({ said }) => said ?? []),
  );
  const facts = job.file.facts[kind.name] ?? NO_FACTS;
  const converting = {
    dates: job.options.dates,
    today: dayText(localDay(job.reading.now, job.reading.zone)),
    currency: await usualCurrency(tx, job.hold.workspaceId, kind),
  };
  const passed: Passed[] = [];
  const refused: Verdict[] = [];
  for (const { n, row, said, fields } of staged) {
    const id = said === null ? undefined : known.get(said);
    try {
      const { keys, ...values } = convert(kind, fields as Staged, facts, converting);
      const written = readRecord(kind, values, id !== undefined, job.reading);
      const key = kind.naturalKey === undefined ? undefined : ((written.sent[kind.naturalKey] as string | null) ?? undefined);
      passed.push({ n, row, written, values: values.values, id, key, keys, ...takenApart(kind, written.sent) });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      refused.push({ n, row, outcome: "refused", problem: error });
    }
  }
  return permitted(tx, job, kind, { passed, refused });
}

/** That of amounts which name none. */
async function usualCurrency(tx: Rows, workspaceId: string, kind: Kind): Promise<string> {
  const initially = currencyOf(kind)?.initially;
  return typeof initially === "string" ? initially : ((await settingsOf(tx.rows, workspaceId)).currency ?? USUAL.currency);
}

/** Refuses rows that would create or change a record where the sender may not. Whoever may only change changes the one with the key. */
async function permitted(tx: Rows, job: Job, kind: Kind, judged: Judged): Promise<Judged> {
  const { create, update } = job.lacks(kind);
  if (!create && !update) return judged;
  const holders = await holdersOf(
    tx,
    job.hold.workspaceId,
    kind,
    judged.passed.flatMap(({ key }) => key ?? []),
  );
  const refused = [...judged.refused];
  const passed = judged.passed.filter((one) => {
    const holder = one.id ?? (one.key === undefined ? undefined : holders.get(one.key));
    const problem = holder === undefined ? create : update;
    if (problem) refused.push({ n: one.n, row: one.row, outcome: "refused", problem });
    else if (create) {
      one.id = holder;
      if (kind.naturalKey !== undefined && one.key !== undefined) delete one.sent[kind.naturalKey];
    }
    return !problem;
  });
  return { passed, refused };
}
