import { UNSTORABLE_HINT } from "../fields/text.ts";
import type { Hints } from "../postgres/errors.ts";

const WRONG_VALUE = "GET /help has a page on every kind: its fields and what they hold";
const WRONG_TIME = "write 2026-06-01T09:00:00Z, 2026-06-01, today or +2d";

/** Hints for refusals of PostgreSQL, by SQLSTATE. */
export const HINTS: Hints = {
  "23505": "search= finds it: change that one",
  "23503": "search= finds what there is",
  "23502": WRONG_VALUE,
  "23514": WRONG_VALUE,
  "22P02": WRONG_VALUE,
  "22003": WRONG_VALUE,
  "22007": WRONG_TIME,
  "22008": WRONG_TIME,
  "22021": UNSTORABLE_HINT,
  "22P05": UNSTORABLE_HINT,
};
