import type { Database } from "../db/database.ts";
import {
  decide,
  getProposal,
  keepProposal,
  listProposals,
  lockOpen,
  type Open,
  proposalView,
  renewProposal,
} from "../db/records/proposals.ts";
import { type Difference, type RequestChanges, requestChanges } from "../db/records/requestChanges.ts";
import { readPosition } from "../db/records/rows.ts";
import { inUnit, ofMany, rehearse } from "../db/unit.ts";
import { ASIDE, cursor, limit } from "../derive/parameters.ts";
import { queryWithout, readLimit, single } from "../derive/query.ts";
import { type Row, rowId } from "../derive/view.ts";
import { choice, required, text } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import { writeCursor } from "../kit/cursor.ts";
import { type IdReference, readId, shortId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import type { Ask, Authenticated, Route } from "../service/route.ts";
import { proposal } from "../views/proposal.ts";
import { innerProblem } from "./innerProblem.ts";
import { listAnswer } from "./lists.ts";

const STATES = ["open", "approved", "rejected"] as const;
const MOST = 200;

export const proposalRoutes: Route[] = [
  {
    method: "GET",
    path: "/proposals",
    about: "writes that were proposed, newest first",
    needs: "read",
    parameters: { state: choice(STATES, { about: "what has become of them" }), limit: limit(MOST), cursor },
    answers: { is: "list", of: [proposal] },
    handle: list,
  },
  {
    method: "GET",
    path: "/proposals/{id}",
    about: "one proposal, with what it would change",
    needs: "read",
    answers: { is: "record", of: proposal },
    handle: async (context) => shown(await getProposal(context.db, context.session.workspaceId, readProposalId(context))),
  },
  {
    method: "POST",
    path: "/proposals/{id}/approve",
    about: "make the change that was proposed, with your own rights",
    needs: "member",
    body: {
      is: "values",
      values: { mark: required(text({ about: "the mark of the proposal as you saw it: GET /proposals/{id} shows it" })) },
      example: { mark: "Zk3x0PqWb1" },
    },
    answers: { is: "record", of: proposal },
    refuses: ["not_found", "already_exists", "version_conflict", "unprocessable", "scope_required"],
    handle: approve,
  },
  {
    method: "POST",
    path: "/proposals/{id}/reject",
    about: "drop a proposal",
    needs: "write",
    body: { is: "values", values: { reason: text({ about: "why" }) }, example: { reason: "not this one" } },
    answers: { is: "record", of: proposal },
    refuses: ["not_found", "already_exists"],
    handle: reject,
  },
];

async function list(context: Authenticated): Promise<Answer> {
  const { db, parameters, services, session } = context;
  const state = single(parameters, "state");
  if (state !== undefined && !STATES.some((each) => each === state))
    throw new Problem("invalid_value", `state cannot be ${echo(state)}`, `state is one of ${STATES.join(", ")}`);
  const most = readLimit(single(parameters, "limit"), MOST);
  const binding = [session.workspaceId, "proposals", state ?? ""];
  const after = single(parameters, "cursor") || undefined;
  const before = after === undefined ? undefined : readPosition(after, binding, services.seal).id;
  const rows = await listProposals(db, session.workspaceId, state, before, most + 1);
  const cursorAfter = (row: Row) => writeCursor({ value: null, id: rowId(row) }, binding, services.seal);
  return listAnswer(proposalView, { rows: rows.slice(0, most), more: rows.length > most, cursorAfter });
}

function readProposalId({ path }: Authenticated): IdReference {
  const reference = readId(path.id!, { name: "proposal", prefix: "pp" });
  if (reference?.prefix === "pp") return reference;
  throw new Problem("not_found", `${echo(path.id!)} is not the id of a proposal`, "GET /proposals shows them");
}

const DIFF = proposalView.columns.findIndex(({ name }) => name === "diff") + 2;
const TOLD = 20;

/** The proposal, and what it would change a line each. */
function shown(row: Row, outcome?: string): Answer {
  const diff = row[DIFF] as Difference[];
  const lines = diff.slice(0, TOLD).map(told);
  const more = diff.length > TOLD ? ["and more: JSON shows the first 100"] : [];
  return { is: "record", view: proposalView, row, lines: [...lines, ...more], ...(outcome ? { outcome } : {}) };
}

function told({ kind, record, action, changes }: Difference): string {
  const fields = Object.entries(changes).map(([name, { from, to }]) => `${name}: ${brief(from)} -> ${brief(to)}`);
  return [`${kind}${record ? `/${record}` : ""} ${action}`, ...(fields.length > 0 ? [fields.join("; ")] : [])].join(": ");
}

/** A value of a preview, cut where it is long. */
export const brief = (value: unknown) =>
  value === null ? "null" : echo(typeof value === "string" ? value : JSON.stringify(value), 60);

/** The session in which a write is rehearsed: a token may propose, and rehearse, what it may not do by itself. */
export function proposing({ mustPropose, session }: Authenticated): Authenticated["session"] {
  return mustPropose && session.scopes ? { ...session, scopes: [...session.scopes, "write", "delete"] } : session;
}

/** Keeps a write in place of making it. `write` makes it in the unit that it is given, which is taken back. */
export async function propose(
  context: Authenticated,
  route: Route,
  write: (unit: Database) => Promise<unknown> | unknown,
): Promise<Answer> {
  const { db, author, services, session, requestId, headers, body } = context;
  const rehearsed = async (unit: Database) => {
    await write(unit);
    return requestChanges(unit, session.workspaceId, requestId, author.now);
  };
  const changes = await rehearse(db, rehearsed, ofMany(session.workspaceId));
  const proposed = {
    method: route.method,
    target: targetOf(context),
    contentType: headers["content-type"] ?? null,
    ifMatch: headers["if-match"] ?? null,
    body: body.text,
  };
  const row = await keepProposal(db, author, services.ids("pp"), proposed, changes);
  return { ...shown(row, "proposed"), status: 202 };
}

/** Path and query of the write itself. */
function targetOf({ pathname, parameters }: Authenticated): string {
  const query = queryWithout(parameters, ASIDE);
  return query === "" ? pathname : `${pathname}?${query}`;
}

/** The request was made, and did something else than what was seen. */
class Moved extends Error {
  readonly changes: RequestChanges;
  readonly id: string;

  constructor(id: string, changes: RequestChanges) {
    super("the records of the proposal have moved on");
    this.id = id;
    this.changes = changes;
  }
}

async function approve(context: Authenticated, ask: Ask): Promise<Answer> {
  const { db, author, session } = context;
  const { mark } = context.body.values as { mark: string };
  const reference = readProposalId(context);
  try {
    await inUnit(
      db,
      async (unit) => {
        const open = await lockOpen(unit, session.workspaceId, reference);
        const answer = await ask({ ...context, db: unit, approved: approvedBy(open) }, requestOf(open));
        if (answer.status >= 400) throw innerProblem(answer, (message) => `the proposal cannot be approved: ${message}`);
        const changes = await requestChanges(unit, session.workspaceId, context.requestId, author.now);
        if (changes.mark !== mark) throw new Moved(open.id, changes);
        await decide(unit, author, open.id, "approved", null);
      },
      ofMany(session.workspaceId),
    );
  } catch (error) {
    if (!(error instanceof Moved)) throw error;
    await renewProposal(db, session.workspaceId, error.id, error.changes);
    throw new Problem("version_conflict", "the proposal would do something else by now", [
      ...error.changes.diff.slice(0, TOLD).map(told),
      `if that is right: POST /proposals/${shortId(error.id)}/approve {"mark":"${error.changes.mark}"}`,
    ]);
  }
  return shown(await getProposal(db, session.workspaceId, reference), "approved");
}

const approvedBy = ({ id, at, actor, agent, reason }: Open) => ({
  at,
  reason: `${shortId(id)}, proposed by ${actor}${agent ? ` (${agent})` : ""}${reason ? `: ${reason}` : ""}`.slice(0, 500),
});

function requestOf({ method, target, contentType, ifMatch, body }: Open) {
  const headers = {
    accept: "application/json",
    ...(contentType ? { "content-type": contentType } : {}),
    ...(ifMatch ? { "if-match": ifMatch } : {}),
  };
  return { method, target, headers, body };
}

async function reject(context: Authenticated): Promise<Answer> {
  const { db, author, session } = context;
  const { reason } = context.body.values as { reason?: string | null };
  const reference = readProposalId(context);
  await inUnit(db, async (unit) => {
    const { id } = await lockOpen(unit, session.workspaceId, reference);
    await decide(unit, author, id, "rejected", reason ?? null);
  });
  return shown(await getProposal(db, session.workspaceId, reference), "rejected");
}
