import { readAnyId } from "../db/records/anyId.ts";
import type { Put } from "../db/records/put.ts";
import { getRow } from "../db/records/rows.ts";
import type { Selector } from "../db/records/undo/entries.ts";
import type { Left } from "../db/records/undo/plan.ts";
import { MOST_UNDONE, restoreRow, type Terms, type Undone, undoEntries, undoTo } from "../db/records/undo/undo.ts";
import { nameShown } from "../derive/differences.ts";
import type { Named } from "../derive/operation.ts";
import { chosenFields, DRY, WRITING } from "../derive/parameters.ts";
import { countType } from "../fields/text.ts";
import { sinceType } from "../fields/time.ts";
import { boolean, required, text } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import { type IdReference, readId, shortId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import type { Verb } from "../kit/scope.ts";
import { counted, oneOf } from "../kit/words.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Kind } from "../records/kind.ts";
import { permit } from "../service/permit.ts";
import { type Authenticated, type Route, readPathId } from "../service/route.ts";
import { recordView } from "./readable.ts";

const WISH: Named = {
  change: text({ about: "one change, as the trailer of a write or the history names it; with all it dragged along" }),
  request: text({ about: "all changes of one request, by its X-Request-Id" }),
  token: text({ about: "all changes that came with this token; goes with since" }),
  agent: text({ about: "all changes of this program, as X-Agent named it; goes with since" }),
  since: { type: sinceType, about: "how far back, e.g. -2h" },
  record: text({ about: "a record to take back to a version; goes with version" }),
  version: { type: countType, about: "the version that the record shall be like" },
  force: boolean({ about: "also takes back what others have changed since", initially: false }),
};

export function undoRoutes(catalog: Catalog): Route[] {
  return [
    {
      method: "POST",
      path: "/undo",
      about: "take back a change, a request, or what a token or an agent did",
      needs: "member",
      parameters: WRITING,
      body: { is: "values", values: WISH, example: { change: "ch_t4v6w8y0" } },
      answers: {
        is: "message",
        values: {
          undone: required({ type: countType, about: "how many records were written" }),
          left: required({ type: countType, about: "how many records or fields were left alone" }),
          request: required(text({ about: "undoes the undo" })),
          ...DRY,
        },
      },
      refuses: ["not_found", "scope_required", "already_exists"],
      handle: undo,
    },
    ...catalog.kinds.map(
      (kind): Route => ({
        method: "POST",
        path: `/${kind.plural}/{id}/restore`,
        about: `bring a deleted ${kind.name} back, with the links and dependents its deletion took`,
        needs: "create",
        parameters: { ...chosenFields(kind), ...WRITING },
        answers: { is: "record", of: kind },
        refuses: ["already_exists"],
        handle: (context) => restore(context, kind),
      }),
    ),
  ];
}

async function undo(context: Authenticated): Promise<Answer> {
  const { db, author, services } = context;
  const values = context.body.values as Wish;
  const terms = termsOf(context, values.force === true);
  const selector = selectorOf(values);
  let undone = selector
    ? await undoEntries(db, author, services.ids, selector, terms)
    : await undoRecord(context, values, terms);
  const all = { puts: [...undone.puts], left: [...undone.left], changes: new Map(undone.changes) };
  // A rehearsal is one transaction, so it ends with the first of them.
  while (selector && undone.end && !context.dryRun) {
    undone = await undoEntries(db, author, services.ids, selector, terms, undone.end);
    all.puts.push(...undone.puts);
    all.left.push(...undone.left);
    for (const [id, change] of undone.changes) all.changes.set(id, change);
  }
  const [only] = all.changes.size === 1 ? all.changes.values() : [];
  return {
    is: "message",
    message: `undone: ${told(all.puts)}${undone.end ? ` of the newest ${MOST_UNDONE} changes; without dry_run all go` : ""}`,
    values: { undone: all.puts.length, left: all.left.length, request: context.requestId },
    hints: [...leftLines(all.left), ...(all.puts.length > 0 && !context.dryRun ? [undoHint(context, only)] : [])],
    ...(only && { headers: { "X-Change": shortId(only) } }),
  };
}

type Wish = {
  change?: string;
  request?: string;
  token?: string;
  agent?: string;
  since?: string;
  record?: string;
  version?: number;
  force?: boolean;
};

const SELECTORS = ["change", "request", "token", "agent", "record"] as const;

/** Undefined for a record and its version. */
function selectorOf(values: Wish): Selector | undefined {
  const named = SELECTORS.filter((name) => values[name] != null);
  if (named.length !== 1) {
    throw new Problem(
      named.length === 0 ? "missing_field" : "invalid_value",
      named.length === 0 ? "it is not said what to undo" : `${named.join(" and ")} are two wishes`,
      `send one of ${SELECTORS.join(", ")}: POST /undo {"change":"ch_t4v6w8y0"}; GET /audit shows the changes`,
    );
  }
  const { change, request, token, agent, since, record } = values;
  if (change != null) return { is: "change", reference: referenceOf("change", change, "ch") };
  if (request != null) return { is: "request", id: request.trim() };
  if (record != null) return undefined;
  if (since == null)
    throw new Problem("missing_field", `${token != null ? "token" : "agent"} goes with since`, 'how far back: "since":"-2h"');
  const from = Date.parse(since);
  return token != null
    ? { is: "run", token: referenceOf("token", token, "tok"), since: from }
    : { is: "run", agent: agent!, since: from };
}

function referenceOf(name: string, text: string, prefix: string): IdReference {
  const reference = readId(text, { name, prefix });
  if (reference?.prefix === prefix) return reference;
  throw new Problem(
    "invalid_value",
    `${name} cannot be ${echo(text)}`,
    `it looks like ${prefix}_t4v6w8y0: GET /audit shows it`,
  );
}

async function undoRecord({ db, author, services }: Authenticated, { record, version }: Wish, terms: Terms): Promise<Undone> {
  const reference = await readAnyId(db, author.workspaceId, record!);
  const kind = reference && db.catalog.byPrefix(reference.prefix);
  if (!reference || !kind)
    throw new Problem("invalid_value", `record cannot be ${echo(record!)}`, "it is the id of a record: c_t4v6w8y0");
  if (version == null)
    throw new Problem("missing_field", "record goes with version", `GET /${kind.plural}/${record}/history shows its versions`);
  return undoTo(db, author, services.ids, kind, reference, version, terms);
}

const VERBS: Record<Put["action"], Verb> = { updated: "update", deleted: "delete", restored: "create" };

function termsOf({ session, services }: Authenticated, force: boolean): Terms {
  const agree = (puts: readonly Put[]) => {
    const needed = new Map(
      puts.map(({ kind, action }) => [`${action} ${kind.plural}`, { verb: VERBS[action], plural: kind.plural }]),
    );
    for (const scope of needed.values()) permit(session, scope);
  };
  return { force, caps: services.plans.of(session.plan).caps, agree };
}

/** `3 contacts updated, 1 deal restored` */
function told(puts: readonly Put[]): string {
  const counts = new Map<string, { kind: Kind; action: string; count: number }>();
  for (const { kind, action } of puts) {
    const key = `${kind.name} ${action}`;
    counts.set(key, { kind, action, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  if (counts.size === 0) return "nothing, for all of it is so already or was left alone";
  return [...counts.values()].map(({ kind, action, count }) => `${counted(count, kind)} ${action}`).join(", ");
}

const MOST_TOLD = 20;

function leftLines(left: readonly Left[]): string[] {
  const lines = left
    .slice(0, MOST_TOLD)
    .map(({ kind, id, name, why }) => `left ${kind.name}/${shortId(id)}${name ? ` ${nameShown(kind, name)}` : ""}: ${why}`);
  const more = left.length > MOST_TOLD ? [`and ${left.length - MOST_TOLD} more were left`] : [];
  const forced = left.some(({ why }) => why.includes("since") || why.includes("links"))
    ? ['"force":true takes back what was changed since, too']
    : [];
  return [...lines, ...more, ...forced];
}

const undoHint = ({ requestId }: Authenticated, change: string | undefined) =>
  `to take this back: POST /undo ${JSON.stringify(change ? { change: shortId(change) } : { request: requestId })}`;

async function restore(context: Authenticated, kind: Kind): Promise<Answer> {
  const { db, author, services, session, path } = context;
  const reference = readPathId(kind, path.id!);
  const view = recordView(context, kind);
  const { id, puts, changes, left } = await restoreRow(db, author, services.ids, kind, reference, termsOf(context, false));
  const row = await getRow(db, session.workspaceId, view, { prefix: kind.prefix, key: id });
  const others = puts.filter((put) => put.id !== id);
  const notes = [...(others.length > 0 ? [`with it: ${told(others)}`] : []), ...leftLines(left)];
  if (puts.length === 0) notes.push(`${oneOf(kind.name)} that is not deleted needs no restore`);
  return { is: "record", view, row, outcome: puts.length === 0 ? "unchanged" : "restored", change: changes.get(id), notes };
}
