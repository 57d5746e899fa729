import type net from "node:net";
import postgres from "postgres";
import { type Address, type Backend, cancel, dial } from "./address.ts";
import { given, TYPES } from "./values.ts";

/** Rows as arrays of values in the order of the columns. */
export type Rows = unknown[][];

/**
 * One connection: a postgres.js instance that connects once and is thrown away with its socket. All that is known to crash or hang
 * postgres.js 3.4.9 (shared/postgres.md) comes with a connection it opens again, or gives to several.
 */
export type Wire = {
  readonly lost: boolean;
  /** Whether a statement is at the server. */
  readonly running: boolean;
  open: (withinMs: number) => Promise<void>;
  run: (text: string, values: readonly unknown[], named: boolean) => Promise<Rows>;
  /** Statements without values; resolves with the last one's command tag. */
  script: (text: string) => Promise<string>;
  cancel: () => void;
  /** Drops the connection whatever state it is in; what runs rejects with the reason. */
  lose: (reason: Error) => void;
  close: () => Promise<void>;
};

/** `onLost` hears of it once, however the connection went, and must not throw. */
export function createWire(to: Address, prepare: boolean, onLost: (wire: Wire) => void): Wire {
  let lost = false;
  let socket: net.Socket | undefined;
  let backend: Backend | undefined;
  let fail: ((reason: unknown) => void) | undefined;

  const client = postgres({
    host: to.host,
    port: to.port,
    user: to.user,
    password: to.password,
    database: to.database,
    ssl: to.ssl,
    max: 1,
    prepare,
    fetch_types: false,
    types: TYPES,
    connection: { application_name: "cardfile" },
    socket: connect,
    max_lifetime: null,
    keep_alive: 15,
    onnotice() {},
    onclose: () => lose(goneError()),
  } as postgres.Options<Record<never, never>>);

  /** postgres.js asks again when the connection has closed before it was ready, at once and without end. */
  async function connect(): Promise<net.Socket> {
    if (socket || lost) throw goneError();
    const dialled = dial(to);
    socket = dialled;
    return new Promise((resolve, reject) => {
      dialled.once("connect", () => resolve(dialled));
      dialled.once("error", reject);
      dialled.once("close", () => reject(goneError()));
    });
  }

  /** postgres.js forgets the statement when a socket breaks right after it went idle, so losing the wire ends it from here. */
  function settle<T>(query: PromiseLike<T>): Promise<T> {
    if (lost) return Promise.reject(goneError());
    return new Promise((resolve, reject) => {
      fail = reject;
      query.then(
        (value) => {
          fail = undefined;
          resolve(value);
        },
        (error) => {
          fail = undefined;
          reject(error);
        },
      );
    });
  }

  function lose(reason: Error): void {
    if (lost) return;
    lost = true;
    fail?.(reason);
    socket?.destroy();
    client.end({ timeout: 0 }).catch(() => {});
    onLost(wire);
  }

  const wire: Wire = {
    get lost() {
      return lost;
    },
    get running() {
      return fail !== undefined && backend !== undefined;
    },
    async open(withinMs) {
      const timer = setTimeout(() => lose(timeoutError(withinMs)), withinMs);
      try {
        const { state } = await settle(client.unsafe("select 1"));
        backend = { pid: state.pid, secret: state.secret };
      } finally {
        clearTimeout(timer);
      }
    },
    async run(text, values, named) {
      const query = client.unsafe<Rows>(text, given(values) as never[], named ? NAMED : UNNAMED);
      return plain(await settle(query.values()));
    },
    async script(text) {
      const result: unknown = await settle(client.unsafe(text));
      return commandOf(result);
    },
    cancel() {
      if (backend) cancel(to, backend);
    },
    lose,
    async close() {
      if (lost) return;
      lost = true;
      await client.end({ timeout: 1 }).catch(() => {});
      socket?.destroy();
    },
  };
  return wire;
}

const NAMED = { prepare: true, simple: false };
const UNNAMED = { prepare: false, simple: false };

/** Without postgres.js's subclass of Array. By hand, because slice() takes 20 times as long on it. */
function plain(result: Rows): Rows {
  const rows = new Array<unknown[]>(result.length);
  for (let i = 0; i < rows.length; i++) rows[i] = result[i]!;
  return rows;
}

/** Several statements give a list of results. */
function commandOf(result: unknown): string {
  const last = Array.isArray(result) && Array.isArray(result[0]) && "command" in result[0] ? result.at(-1) : result;
  return String((last as { command?: unknown }).command);
}

function goneError(): Error {
  return Object.assign(new Error("the connection to the database has gone"), { code: "CONNECTION_CLOSED" });
}

function timeoutError(milliseconds: number): Error {
  return Object.assign(new Error(`no connection to the database within ${milliseconds} ms`), { code: "CONNECT_TIMEOUT" });
}
