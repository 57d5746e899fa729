import type { Readable, Writable } from "node:stream";
import { copyQuery, type Execute, type Query, type Result, type Settle } from "./driver.ts";

/** `rows` resolves with the number of rows once the server has answered all, and rejects when it refuses. The stream's own errors may be ignored. */
export type Copy<S extends Readable | Writable> = { stream: S; rows: Promise<number> };

/** A statement that the server has not answered. */
type Pending = { reject: (error: unknown) => void };

/**
 * Hands queries to the driver, and keeps those without an answer so that all can be rejected when the connection is lost. The driver forgets a
 * query that it is given while the socket breaks.
 */
export type Dispatch = {
  readonly size: number;
  /** When the server last answered, or got its first statement after a pause (ms of performance.now()). */
  readonly progressAt: number;
  send: (make: (settle: Settle) => Query) => Promise<Result>;
  /** For a query of the driver's public API. */
  track: <T>(start: () => PromiseLike<T>) => Promise<T>;
  /** `onEnd` must resume the socket: the driver pauses it for a slow reader, and would not read the end of the answer. */
  copy: <S extends Readable | Writable>(text: string, onEnd: () => void) => Promise<Copy<S>>;
  rejectAll: (reason: Error) => void;
};

export function createDispatch(execute: Execute): Dispatch {
  const pending = new Set<Pending>();
  let progressAt = 0;

  function send(make: (settle: Settle) => Query): Promise<Result> {
    return new Promise((resolve, reject) => {
      const query = make({
        resolve(result) {
          finished(query);
          resolve(result as Result);
        },
        reject(error) {
          finished(query);
          reject(error);
        },
      });
      started(query);
      execute(query);
    });
  }

  function track<T>(start: () => PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const query = { reject };
      started(query);
      start().then(
        (result) => {
          finished(query);
          resolve(result);
        },
        (error) => {
          finished(query);
          reject(error);
        },
      );
    });
  }

  function copy<S extends Readable | Writable>(text: string, onEnd: () => void): Promise<Copy<S>> {
    return new Promise((begun, refused) => {
      const rows = new Promise<number>((resolve, reject) => {
        const query = copyQuery(text, {
          resolve(result) {
            if (Array.isArray(result)) {
              finished(query);
              resolve(result.count);
              return;
            }
            // At once, since the server may have refused in the same packet: an error event without a listener would end the process.
            result.on("error", () => {});
            result.once("end", onEnd);
            begun({ stream: result as S, rows });
          },
          reject(error) {
            finished(query);
            refused(error);
            reject(error);
          },
        });
        started(query);
        execute(query);
      });
      rows.catch(() => {});
    });
  }

  function started(query: Pending): void {
    if (pending.size === 0) progressAt = performance.now();
    pending.add(query);
  }

  function finished(query: Pending): void {
    pending.delete(query);
    progressAt = performance.now();
  }

  return {
    get size() {
      return pending.size;
    },
    get progressAt() {
      return progressAt;
    },
    send,
    track,
    copy,
    rejectAll(reason) {
      for (const query of [...pending]) query.reject(reason);
      pending.clear();
    },
  };
}
