import { setTimeout as sleep } from "node:timers/promises";
import type { Sql } from "../place.ts";
import type { Contender } from "../servers.ts";
import type { Arena } from "./arena.ts";
import { type Answer, type Caller, callerOf } from "./callers.ts";

/** A write that was acknowledged: this version of this record holds this note. */
type Written = { id: string; version: number; notes: string };

/** People who write and read at once, each with two hands and in a workspace of their own, and who remember what they were told. */
export type Crowd = {
  written: Written[];
  /** How often what was refused; 0 is a connection that broke. */
  refused: Map<string, number>;
  /** Answers that must not be. */
  wrong: string[];
  /** Milliseconds: the longest anybody waited for an answer. */
  longest: () => number;
  /** `performance.now()` of the last success. */
  lastSuccess: () => number;
  stop: () => Promise<void>;
};

const PEOPLE = 6;
const HANDS = 2;

export async function startCrowd(product: Contender): Promise<Crowd> {
  const callers = await Promise.all(Array.from({ length: PEOPLE }, (_, i) => callerOf(product, `person${i}@crowd.example`)));
  const [written, wrong] = [[] as Written[], [] as string[]];
  const refused = new Map<string, number>();
  let over = false;
  let longest = 0;
  let lastSuccess = 0;

  async function work(caller: Caller): Promise<void> {
    const own: Written[] = [];
    for (let i = 0; !over; i++) {
      const since = performance.now();
      const { answer, note } = await step(caller, own, i);
      longest = Math.max(longest, performance.now() - since);
      judge(caller, answer);
      if (answer.status >= 400 || answer.status === 0) {
        await sleep(10);
        continue;
      }
      lastSuccess = performance.now();
      if (note === undefined) continue;
      const { id, version } = JSON.parse(answer.text) as Written;
      own.push({ id, version, notes: note });
      written.push({ id, version, notes: note });
    }
  }

  function judge({ email }: Caller, { status, headers, text }: Answer): void {
    for (const [other] of text.matchAll(/person\d@crowd\.example/g)) {
      if (other !== email) wrong.push(`${email} was shown what is ${other}'s: ${text.slice(0, 200)}`);
    }
    if (status === 200 || status === 201) return;
    const lost = /Timeout/.test(text) ? "unanswered" : "broken";
    const { error = lost, outcome, hint } = status === 0 ? {} : (JSON.parse(text) as Record<string, string>);
    const key = `${status} ${error}${outcome ? ` ${outcome}` : ""}`;
    refused.set(key, (refused.get(key) ?? 0) + 1);
    if (status === 0) return;
    if (status !== 503) wrong.push(`${status} ${text}`);
    else if (!hint || (error === "not_ready" && !outcome && !headers.has("retry-after"))) wrong.push(`no advice: ${text}`);
  }

  const hands = callers.flatMap((caller) => Array.from({ length: HANDS }, () => work(caller)));
  return {
    written,
    refused,
    wrong,
    longest: () => longest,
    lastSuccess: () => lastSuccess,
    async stop() {
      over = true;
      await Promise.all(hands);
    },
  };
}

/** `note`: what a success has written. */
async function step(caller: Caller, own: Written[], i: number): Promise<{ answer: Answer; note?: string }> {
  const last = own.at(-1);
  const note = `${caller.email} ${Math.random()}`;
  if (!last || i % 4 === 0)
    return { answer: await caller.post("/contacts?format=json", { name: caller.email, notes: note }), note };
  if (i % 4 === 1) {
    const answer = await caller.send("PATCH", `/contacts/${last.id}?format=json`, JSON.stringify({ notes: note }));
    return { answer, note };
  }
  const path = i % 4 === 2 ? `/contacts/${last.id}?format=json` : "/contacts?limit=20&format=json&fields=name,notes";
  return { answer: await caller.send("GET", path) };
}

/** Holds what the database has against what the crowd was told. `mayBreak`: who serves was killed with the connections it had. */
export async function judgeCrowd(crowd: Crowd, sql: Sql, check: Arena["check"], mayBreak = false): Promise<void> {
  const told = [...crowd.refused].map(([key, count]) => `${count} x ${key}`).join(", ");
  check(
    "there was work",
    crowd.written.length > 100,
    `${crowd.written.length} writes acknowledged; refused: ${told || "none"}`,
  );
  check(
    "no wrong answer, none to the wrong caller, none without advice",
    crowd.wrong.length === 0,
    crowd.wrong.slice(0, 3).join("; "),
  );
  const lost = [...crowd.refused.keys()].filter((key) => key.startsWith("0 "));
  if (!mayBreak) check("everybody is answered", lost.length === 0, lost.join(", "));
  const torn = await sql`select c.id from contacts c
    left join lateral (select count(*) as entries, max(h.version) as version from changes h
      where h.workspace_id = c.workspace_id and h.record_id = c.id) all_of on true
    left join changes l on l.workspace_id = c.workspace_id and l.record_id = c.id and l.version = c.version
    where (all_of.entries, all_of.version) is distinct from (c.version, c.version) or l.row->>'notes' is distinct from c.notes`;
  check("every row is as its history says", torn.length === 0, `${torn.length} are torn`);
  const rows = await sql<{ record_id: string; version: number; notes: string }[]>`
    select record_id, version, row->>'notes' as notes from changes where kind = 'contact'`;
  const kept = new Set(rows.map(({ record_id, version, notes }) => `${record_id} ${version} ${notes}`));
  const gone = crowd.written.filter(({ id, version, notes }) => !kept.has(`${id} ${version} ${notes}`));
  check("nothing acknowledged is lost", gone.length === 0, `${gone.length} of ${crowd.written.length}`);
}
