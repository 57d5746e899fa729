import type { Author, Database } from "../../db/database.ts";
import type { Hold, Import } from "../../db/imports/imports.ts";
import type { Reading } from "../../fields/type.ts";
import type { IdSource } from "../../kit/id.ts";
import { Problem } from "../../kit/problem.ts";
import { covers, roleAllows, WRITES } from "../../kit/scope.ts";
import type { Kind } from "../../records/kind.ts";
import { lacksScope } from "../../service/permit.ts";
import type { Authenticated } from "../../service/route.ts";
import type { ImportOptions } from "./options.ts";
import type { FileFacts } from "./upload.ts";

/** All that the rows of an import are written with. */
export type Job = {
  db: Database;
  hold: Hold;
  found: Import;
  options: ImportOptions;
  file: FileFacts;
  /** Whether rows could not even be staged. */
  hasUnreadable: boolean;
  /** Of all it writes: the request and the time are those of the first attempt, so that one undo finds the whole. */
  author: Author;
  reading: Reading;
  ids: IdSource;
  now: () => number;
  capOf: (kind: Kind) => number | undefined;
  /** How rows are refused that would create, or change, a record of the kind. */
  lacks: (kind: Kind) => { create?: Problem; update?: Problem };
  /** Kinds of which the plan allows no more. */
  full: Set<Kind>;
  /** Names of linked records that were made, or that a dry run would make, by the plural of their kind, then by what is one name. */
  made: Map<string, Map<string, string>>;
};

export type JobSource = { hold: Hold; found: Import; options: ImportOptions; file: FileFacts; hasUnreadable: boolean };

export function createJob(context: Authenticated, { hold, found, options, file, hasUnreadable }: JobSource): Job {
  const { db, services, session, author, reading } = context;
  const { caps } = services.plans.of(session.plan);
  const full = new Set<Kind>();
  return {
    db,
    hold,
    found,
    options,
    file,
    hasUnreadable,
    author: { ...author, requestId: found.requestId, now: found.at },
    reading,
    ids: services.ids,
    now: services.now,
    capOf: ({ plural }) => caps[plural],
    lacks(kind) {
      const { plural } = kind;
      const role = roleAllows(session.role, "write") ? undefined : viewerRefused(session.role);
      const lacking = WRITES.filter((verb) => role || !covers(session.scopes, verb, plural));
      const refused = Object.fromEntries(lacking.map((verb) => [verb, role ?? lacksScope(session, verb, plural)]));
      return full.has(kind) ? { create: planFull(kind), ...refused } : refused;
    },
    full,
    made: new Map(),
  };
}

const viewerRefused = (role: string) =>
  new Problem("scope_required", `a ${role} of this workspace cannot write here`, "ask for another role");

const planFull = ({ plural }: Kind) =>
  new Problem("plan_limit_reached", `the plan allows no more ${plural}`, "GET /whoami shows the caps");

/** Of so many names it is known whether they were counted already. */
const MOST_COUNTED = 100_000;

export function countMade({ made }: Job, { plural }: Kind, names: readonly (readonly [mark: string, name: string])[]): void {
  const known = made.get(plural) ?? new Map<string, string>();
  made.set(plural, known);
  for (const [mark, name] of names) if (known.size < MOST_COUNTED && !known.has(mark)) known.set(mark, name);
}
