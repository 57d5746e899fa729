import type net from "node:net";
import postgres from "postgres";
import type { Address } from "./address.ts";
import { TYPES } from "./codec.ts";
import { type Backend, cancel, dial, gone } from "./dial.ts";
import { learn, type Query, type Result, type Rows, type Settle, type Shapes, scriptQuery, valuedQuery } from "./driver.ts";

/**
 * One connection: a postgres.js instance that connects once and is thrown away with its socket. All that is known to crash or hang
 * postgres.js 3.4.9 (shared/postgres.md) comes with a connection it opens again, or gives to several.
 */
export type Wire = {
  readonly lost: boolean;
  /** Whether a statement is at the server. */
  readonly running: boolean;
  /** When the server last answered, or was given something to do while it had nothing (ms of performance.now()). */
  readonly movedAt: number;
  open: (withinMs: number) => Promise<void>;
  run: (text: string, values: readonly unknown[], named: boolean) => Promise<Rows>;
  /** Statements without values; resolves with the last one's command tag. */
  script: (text: string) => Promise<string>;
  cancel: () => void;
  /** Drops the connection whatever state it is in; what runs rejects with the reason. */
  lose: (reason: Error) => void;
  close: () => Promise<void>;
};

/** `onLost` hears of it once, however the connection went, and must not throw. `shapes` are those of the database, for all wires. */
export function createWire(to: Address, shapes: Shapes, onLost: (wire: Wire) => void): Wire {
  let lost = false;
  let socket: net.Socket | undefined;
  let backend: Backend | undefined;
  const sent = new Set<Query>();
  let movedAt = 0;

  const client = postgres({
    host: to.host,
    port: to.port,
    user: to.user,
    password: to.password,
    database: to.database,
    ssl: false,
    max: 1,
    fetch_types: false,
    types: TYPES,
    connection: { application_name: "cardfile" },
    socket: connect,
    max_lifetime: null,
    keep_alive: 15,
    onnotice() {},
    onclose: closed,
  } as postgres.Options<Record<never, never>>);
  const handle = (client.unsafe("") as unknown as { handler: (query: Query) => void }).handler;

  /** postgres.js asks again when the connection has closed before it was ready, at once and without end. */
  async function connect(): Promise<net.Socket> {
    if (socket || lost) throw gone();
    return dial(to, (dialled) => {
      socket = dialled;
      if (lost) dialled.destroy();
    });
  }

  /** `sent` is for lose(): postgres.js forgets a statement it is given while the socket breaks. */
  function send(make: (settle: Settle) => Query): Promise<Result | Result[]> {
    if (lost) return Promise.reject(gone());
    return new Promise((resolve, reject) => {
      const query = make({
        resolve(result) {
          done(query);
          learn(query, shapes, true);
          resolve(result);
        },
        reject(error) {
          done(query);
          learn(query, shapes, false);
          reject(error);
        },
      });
      if (sent.size === 0) movedAt = performance.now();
      sent.add(query);
      handle(query);
    });
  }

  function done(query: Query): void {
    sent.delete(query);
    movedAt = performance.now();
  }

  /** By then postgres.js has taken its listeners off the socket. */
  function closed(): void {
    socket?.on("error", () => {});
    lose(gone());
  }

  function lose(reason: Error): void {
    if (lost) return;
    lost = true;
    for (const query of [...sent]) query.reject(reason);
    socket?.destroy();
    client.end({ timeout: 0 }).catch(() => {});
    onLost(wire);
  }

  const wire: Wire = {
    get lost() {
      return lost;
    },
    get running() {
      return sent.size > 0 && backend !== undefined;
    },
    get movedAt() {
      return movedAt;
    },
    async open(withinMs) {
      const timer = setTimeout(() => lose(timeoutError(withinMs)), withinMs);
      try {
        const { state } = last(await send((settle) => scriptQuery("select 1", settle)));
        backend = { pid: state.pid, secret: state.secret };
      } finally {
        clearTimeout(timer);
      }
    },
    async run(text, values, named) {
      const result = await send((settle) => valuedQuery(text, values, named, shapes, settle));
      return plain(result as Result);
    },
    async script(text) {
      return last(await send((settle) => scriptQuery(text, settle))).command;
    },
    cancel() {
      if (backend) cancel(to, backend);
    },
    lose,
    async close() {
      if (lost) return;
      lost = true;
      await client.end({ timeout: 1 }).catch(() => {});
      for (const query of [...sent]) query.reject(gone());
      socket?.destroy();
    },
  };
  return wire;
}

/** Without postgres.js's subclass of Array. By hand, because slice() takes 20 times as long on it. */
function plain(result: Rows): Rows {
  const rows = new Array<unknown[]>(result.length);
  for (let i = 0; i < rows.length; i++) rows[i] = result[i]!;
  return rows;
}

/** Several statements give a list of results, one statement its own. */
function last(result: Result | Result[]): Result {
  return "command" in result ? result : result.at(-1)!;
}

function timeoutError(milliseconds: number): Error {
  return Object.assign(new Error(`no connection to the database within ${milliseconds} ms`), { code: "CONNECT_TIMEOUT" });
}
