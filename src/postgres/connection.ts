import type net from "node:net";
import type { Readable, Writable } from "node:stream";
import postgres from "postgres";
import type { Address } from "./address.ts";
import { TYPES, unencoded } from "./codec.ts";
import { type Backend, cancel, dial, gone } from "./dial.ts";
import { type Copy, createDispatch } from "./dispatch.ts";
import { executeOf, type Rows, statementQuery } from "./driver.ts";
import type { ParameterTypes } from "./parameterTypes.ts";

/**
 * One connection: a postgres.js client of `max: 1` that connects once. It is opening, then open, then lost or closed, and never opens again:
 * the known crashes and hangs of postgres.js come with a connection that it opens again or shares between callers.
 */
export type Connection = {
  readonly lost: boolean;
  /** True while the server has a statement to answer. */
  readonly running: boolean;
  /** When the server last answered, or got its first statement after a pause (ms of performance.now()). */
  readonly progressAt: number;
  open: (withinMs: number) => Promise<void>;
  run: (text: string, values: readonly unknown[], named: boolean) => Promise<Rows>;
  /** One statement, whatever its text says, with the columns of its answer. */
  described: (text: string, values: readonly unknown[]) => Promise<Described>;
  /** Runs statements without values, and resolves with the command tag of the last one. */
  script: (text: string) => Promise<string>;
  /** Starts `copy … from stdin`. */
  copyIn: (text: string) => Promise<Copy<Writable>>;
  /** Starts `copy … to stdout`. */
  copyOut: (text: string) => Promise<Copy<Readable>>;
  /** Asks the server to cancel what runs; best effort. */
  cancel: () => void;
  /** Drops the connection in any state. What runs rejects with the reason. */
  lose: (reason: Error) => void;
  close: () => Promise<void>;
};

/** Columns by name and type (pg_type.oid). */
export type Described = { columns: readonly { name: string; type: number }[]; rows: Rows };

/** `parsers`: in place of those of codec.ts. `onBytes` is told of all that the server sends. */
export type ConnectionExtras = { parsers?: typeof TYPES; onBytes?: (bytes: number) => void };

/** `onLost` is called once, however the connection was lost, and must not throw. */
export function createConnection(
  to: Address,
  types: ParameterTypes,
  onLost: (connection: Connection) => void,
  { parsers = TYPES, onBytes }: ConnectionExtras = {},
): Connection {
  let lost = false;
  let socket: net.Socket | undefined;
  let backend: Backend | undefined;

  const client = postgres({
    host: to.host,
    port: to.port,
    user: to.user,
    password: to.password,
    database: to.database,
    ssl: false,
    max: 1,
    fetch_types: false,
    types: parsers,
    connection: { application_name: "cardfile" },
    socket: connect,
    max_lifetime: null,
    keep_alive: 15,
    onnotice() {},
    onclose: closed,
  } as postgres.Options<Record<never, never>>);
  const dispatch = createDispatch(executeOf(client));

  /** The driver asks for a second socket, at once and without end, when the first closed before the server was ready. */
  async function connect(): Promise<net.Socket> {
    if (socket || lost) throw gone();
    const ready = await dial(to, (dialled) => {
      socket = dialled;
      if (lost) dialled.destroy();
    });
    if (onBytes) ready.on("data", ({ length }) => onBytes(length));
    return ready;
  }

  /** A statement of known types, which others may be pipelined with. */
  function runKnown(text: string, values: readonly unknown[], known: readonly number[], named: boolean): Promise<Rows> {
    if (lost) return Promise.reject(gone());
    return dispatch
      .send((settle) => statementQuery(text, values, known, named, settle))
      .then(
        (result) => {
          types.learn(text, known);
          return withoutMeta(result);
        },
        (error) => {
          types.forget(text);
          throw error;
        },
      );
  }

  /** The first run of a statement asks the server for its types, in a round trip of its own. Nothing is pipelined behind it. */
  async function runFirst(text: string, values: readonly unknown[]): Promise<Rows> {
    if (lost) throw gone();
    const result = await dispatch.track(() => client.unsafe(text, unencoded(values) as never[], { prepare: false }).values());
    types.learn(text, result.statement.types);
    return withoutMeta(result as unknown as Rows);
  }

  /** Never by the simple protocol, which the driver chooses for a text without values: that one takes several statements. */
  async function described(text: string, values: readonly unknown[]): Promise<Described> {
    if (lost) throw gone();
    const options = { prepare: false, simple: false };
    const result = await dispatch.track(() => client.unsafe(text, unencoded(values) as never[], options).values());
    const columns = (result.statement.columns ?? []).map(({ name, type }) => ({ name, type }));
    return { columns, rows: withoutMeta(result as unknown as Rows) };
  }

  async function script(text: string): Promise<postgres.ResultMeta<number>> {
    if (lost) throw gone();
    const result = await dispatch.track(() => client.unsafe(text).values());
    // Several statements give a list of results, one statement its own.
    return "command" in result ? result : (result as postgres.ResultMeta<number>[]).at(-1)!;
  }

  function resume(): void {
    socket?.resume();
  }

  /** The driver has taken its listeners off the socket by then: an error event without a listener would end the process. */
  function closed(): void {
    socket?.on("error", () => {});
    lose(gone());
  }

  function lose(reason: Error): void {
    if (lost) return;
    lost = true;
    dispatch.rejectAll(reason);
    socket?.destroy();
    client.end({ timeout: 0 }).catch(() => {});
    onLost(connection);
  }

  const connection: Connection = {
    get lost() {
      return lost;
    },
    get running() {
      return dispatch.size > 0 && backend !== undefined;
    },
    get progressAt() {
      return dispatch.progressAt;
    },
    async open(withinMs) {
      let timer = setTimeout(outOfTime, withinMs, performance.now());
      /** Where the event loop was held up, timers come before what the server has answered meanwhile: the time counts anew. */
      function outOfTime(since: number): void {
        const late = performance.now() - since - withinMs;
        if (late < HELD_UP_MS) lose(timeoutError(withinMs));
        else timer = setTimeout(outOfTime, withinMs, performance.now());
      }
      try {
        const { state } = await script("select 1");
        backend = { pid: state.pid, secret: state.secret };
      } finally {
        clearTimeout(timer);
      }
    },
    run(text, values, named) {
      const known = values.length === 0 ? NO_TYPES : types.of(text);
      return known ? runKnown(text, values, known, named) : runFirst(text, values);
    },
    described,
    script: async (text) => (await script(text)).command,
    copyIn: (text) => (lost ? Promise.reject(gone()) : dispatch.copy<Writable>(text, resume)),
    copyOut: (text) => (lost ? Promise.reject(gone()) : dispatch.copy<Readable>(text, resume)),
    cancel() {
      if (backend) cancel(to, backend);
    },
    lose,
    async close() {
      if (lost) return;
      lost = true;
      await client.end({ timeout: 1 }).catch(() => {});
      dispatch.rejectAll(gone());
      socket?.destroy();
    },
  };
  return connection;
}

/** A timer that is so late was held up by work of this process. */
const HELD_UP_MS = 250;

const NO_TYPES: readonly number[] = [];

/** A plain array in place of the driver's subclass. By hand, because slice() takes 20 times as long on the subclass. */
function withoutMeta(result: Rows): Rows {
  const rows = new Array<unknown[]>(result.length);
  for (let i = 0; i < rows.length; i++) rows[i] = result[i]!;
  return rows;
}

function timeoutError(milliseconds: number): Error {
  return Object.assign(new Error(`no connection to the database within ${milliseconds} ms`), { code: "CONNECT_TIMEOUT" });
}
