import { Problem } from "../../kit/problem.ts";
import type { Rows } from "../../postgres/driver.ts";
import type { RowsOptions, Servers } from "../../postgres/pool.ts";
import { type Statement, sql } from "../../postgres/sql.ts";
import { workspace } from "../../views/workspace.ts";
import { COPIED_TABLES } from "./tables.ts";

/**
 * The servers of a spread database, as they answer. One that has ended refuses at once. One that hangs takes what it is sent and says nothing: each
 * statement for it would hold a connection of the pool until its deadline, and on the coordinator a process that cannot even be cancelled. So it
 * is sent nothing but one question, until it answers that.
 */

/** A server has so long to answer; then it is asked whether it is there, and has so long again. */
const LATE_MS = 1_000;

/** How long a server may hang until the question is put anew. */
const PATIENT_MS = 3_600_000;

/** Workspaces of which it is known where they lie. */
const MOST_KNOWN = 10_000;

export type Watch = Servers & {
  /** Refuses a statement that a hanging server would have to answer. Undefined while none hangs. */
  admit: (statement: Statement) => Promise<void> | undefined;
  /** The server that has the rows of a statement, where that is known already. */
  serverOf: (statement: Statement) => number | undefined;
};

type Run = (statement: Statement, options: RowsOptions) => Promise<Rows>;

/** `ask` has connections of its own: those of the pool may all wait for the server in question. */
export function createWatch(ask: Run, breakOff: (server: number, reason: Problem) => void): Watch {
  const hanging = new Set<number>();
  const known = new Map<string, number>();

  async function answerOf(
    { id, near }: { id: number; near: string },
    statement: Statement,
    options: RowsOptions,
  ): ReturnType<Watch["ask"]> {
    if (hanging.has(id)) return undefined;
    const answer = ask(statement, { ...options, near });
    if (await comes(answer)) return answer;
    const sign = lookAt(near);
    if (await comes(sign)) return answer;
    if (!hanging.has(id)) void hang(id, near, sign);
    return undefined;
  }

  const lookAt = (near: string) => ask(sql`select 1`, { near, deadlineMs: PATIENT_MS });

  /** Until it answers, or refuses at once: then it has ended, and holds nobody up. */
  async function hang(id: number, near: string, first: Promise<unknown>): Promise<void> {
    hanging.add(id);
    breakOff(id, away("the server with this workspace"));
    for (let sign = first; ; sign = lookAt(near)) {
      const isPrompt = await comes(sign);
      const isThere = await sign.then(
        () => true,
        () => false,
      );
      if (isPrompt || isThere) break;
    }
    hanging.delete(id);
  }

  async function admitOnly({ text, values }: Statement): Promise<void> {
    if (COPIED.test(text)) throw away("one of the servers, which all have to agree,");
    for (const value of values)
      if (isWorkspace(value) && hanging.has(await find(value))) throw away("the server with this workspace");
  }

  async function find(workspaceId: string): Promise<number> {
    const server = known.get(workspaceId);
    if (server !== undefined) return server;
    const [row] = await ask(
      sql`select groupid from pg_dist_placement where shardid = get_shard_id_for_distribution_column('changes', ${workspaceId}::text)`,
      { retry: true },
    );
    if (known.size === MOST_KNOWN) known.clear();
    known.set(workspaceId, row![0] as number);
    return row![0] as number;
  }

  /** Asked for at the first statement about a workspace, and known at the next. */
  function serverOf({ values }: Statement): number | undefined {
    const workspaceId = values.find(isWorkspace);
    if (workspaceId === undefined) return undefined;
    if (!known.has(workspaceId)) find(workspaceId).catch(() => undefined);
    return known.get(workspaceId);
  }

  return {
    ask: answerOf,
    hangs: (id) => hanging.has(id),
    serverOf,
    admit: (statement) => (hanging.size === 0 ? undefined : admitOnly(statement)),
  };
}

/** A change of what every server has a copy of. */
const COPIED = new RegExp(`\\b(?:insert into|update|delete from) (?:${COPIED_TABLES.join("|")})\\b`);

const isWorkspace = (value: unknown): value is string => typeof value === "string" && value.startsWith(`${workspace.prefix}_`);

const away = (who: string) =>
  new Problem(
    "not_ready",
    `${who} does not answer`,
    "nothing was changed: wait as long as Retry-After says, then repeat the request",
    {
      headers: { "Retry-After": "5" },
    },
  );

/** Whether it has come, or was refused, before it is late. */
async function comes(answer: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, LATE_MS, false);
  });
  const came = answer.then(
    () => true,
    () => true,
  );
  return Promise.race([came, late]).finally(() => clearTimeout(timer));
}
