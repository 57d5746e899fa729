import { formatPairs } from "./line.ts";

export type Facts = Record<string, string | number | boolean | null | undefined>;

/** One fact, one logfmt line: `time=… level=info event=listening port=8080`. */
export type Log = {
  info: (event: string, facts?: Facts) => void;
  warn: (event: string, facts?: Facts) => void;
  error: (event: string, facts?: Facts) => void;
};

/** Anything that looks like a bearer token, whichever way it got into a message. */
const SECRET = /ck[a-z]?_[\w-]{8,}/g;

export function createLog(write: (line: string) => void, now: () => number): Log {
  const at =
    (level: string) =>
    (event: string, facts: Facts = {}) => {
      const line = formatPairs({ time: new Date(now()).toISOString(), level, event, ...facts });
      write(`${line.replace(SECRET, "ck_[redacted]")}\n`);
    };
  return { info: at("info"), warn: at("warn"), error: at("error") };
}

/** For tests and one-off commands that have nothing to say. */
export const silentLog: Log = { info() {}, warn() {}, error() {} };
