import { formatPairs } from "./line.ts";

export type Facts = Record<string, string | number | boolean | null | undefined>;

/** A log of events. Each event is one logfmt line: `time=… level=info event=listening port=8080`. */
export type Log = {
  info: (event: string, facts?: Facts) => void;
  warn: (event: string, facts?: Facts) => void;
  error: (event: string, facts?: Facts) => void;
};

/** Matches anything that looks like a bearer token or a key of signatures. The log blanks it, whichever field holds it. */
const SECRET = /ck[a-z]?_[\w-]{8,}|acrm_(?:dev|live)_\w{8,}|whsec_[\w+/=-]{8,}/g;

export function createLog(write: (line: string) => void, now: () => number): Log {
  const at =
    (level: string) =>
    (event: string, facts: Facts = {}) => {
      const line = formatPairs({ time: new Date(now()).toISOString(), level, event, ...facts });
      write(`${line.replace(SECRET, "ck_[redacted]")}\n`);
    };
  return { info: at("info"), warn: at("warn"), error: at("error") };
}

/** A log that discards everything, for tests and commands. */
export const silentLog: Log = { info() {}, warn() {}, error() {} };
