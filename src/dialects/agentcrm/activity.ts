import { readLimit } from "../../derive/query.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import type { Call, Said, Values } from "../dialect.ts";
import { tableOfKind, vocabularyFor } from "../engine.ts";
import { queryOf } from "../verbs.ts";
import { isObject, type Vocabulary } from "../vocabulary.ts";
import { idHere, idOrNone, idThere } from "./ids.ts";
import { MOST } from "./query.ts";

/** What the feed may be asked for, and the filter of our history that it is. */
const FILTERS: Record<string, (value: string) => [name: string, value: string]> = {
  since: (value) => ["at", `gte:${value}`],
  occurred_at_after: (value) => ["at", `gt:${value}`],
  occurred_at_gte: (value) => ["at", `gte:${value}`],
  occurred_at_lte: (value) => ["at", `lte:${value}`],
  occurred_at_before: (value) => ["at", `lte:${value}`],
  subject_type: (value) => ["kind", anyOf(value)],
  subject_id: (value) => [
    "record",
    anyOf(
      value
        .split(",")
        .map((id) => idOrNone(id, RECORD))
        .join(),
    ),
  ],
  verb: (value) => ["action", anyOf(value)],
  actor: actorFilter,
};

export const ACTIVITY_PARAMETERS = [...Object.keys(FILTERS), "limit", "cursor"];

/** Prefixes under which there is nothing. */
const RECORD = { name: "", prefix: "c" };
const ENTRY = { name: "change", prefix: "ch" };
const TOKEN = { name: "token", prefix: "tok" };

const anyOf = (value: string) => (value.includes(",") ? `in:${value}` : `eq:${value}`);

/** `api_key:ak_…` or `user:jane@acme.com`. */
function actorFilter(value: string): [string, string] {
  const [, by, who = value] = /^(api_key|user):(.*)$/s.exec(value) ?? [];
  return by === "api_key" ? ["token_id", `eq:${idOrNone(idHere("key", who!), TOKEN)}`] : ["actor", `eq:${who}`];
}

/** The history of the workspace, newest first. */
export async function activity(call: Call): Promise<Said> {
  const { parameters } = call;
  const limit = readLimit(parameters.find(([name]) => name === "limit")?.[1] || undefined, MOST);
  const asked = parameters.flatMap(([name, value]): [string, string][] => {
    const filter = FILTERS[name];
    if (filter) return [filter(value)];
    return name === "cursor" && value !== "" ? [["cursor", value]] : [];
  });
  const { json } = await call.ask("GET", `/audit${queryOf([...asked, ["limit", String(limit)]])}`);
  const rows = (json.items as Values[]).map((entry) => shown(call, entry));
  return { is: "many", rows, page: { limit, next: json.next_cursor as string | null } };
}

export async function entry(call: Call): Promise<Said> {
  const id = call.path.id!;
  const { json } = await call.ask("GET", `/audit${queryOf([["id", `eq:${idOrNone(idHere("entry", id), ENTRY)}`]])}`);
  const [found] = json.items as Values[];
  if (!found) throw new Problem("not_found", `there is no entry ${echo(id)}`, "GET /v1/activity lists them");
  return { is: "one", row: shown(call, found) };
}

function shown(call: Call, entry: Values): Values {
  const { id, at, actor, action, kind, record, name, changes, token_id, agent, reason, request_id } = entry;
  const found = call.catalog.get(String(kind));
  const table = found && tableOfKind(call.dialect, found);
  const words = table && vocabularyFor(call, table);
  return {
    id: idThere("entry", String(id)),
    occurred_at: at,
    actor: typeof token_id === "string" ? `api_key:${idThere("key", token_id)}` : `user:${actor}`,
    verb: action,
    subject_type: table?.singular ?? kind,
    subject_id: record,
    subject_repr: name ?? null,
    changes: isObject(changes) && words ? renamed(words, changes) : (changes ?? null),
    custom: { user: actor, agent, reason, request_id },
  };
}

/** Columns as the table calls them. */
function renamed({ entries, dialect }: Vocabulary, changes: Values): Values {
  const names = new Map(entries.map(({ ours, theirs }) => [ours, theirs]));
  return Object.fromEntries(
    Object.entries(changes)
      .filter(([name]) => !dialect.hidden.includes(name))
      .map(([name, change]) => [names.get(name) ?? name, change]),
  );
}
