import type { Parameters } from "../derive/query.ts";
import { Problem } from "../kit/problem.ts";
import { besideBody, besideFilters } from "./beside.ts";
import type { Call, Reply, Said, Table, Values } from "./dialect.ts";
import { tableOfKind, vocabularyFor } from "./engine.ts";
import { pageNumbered } from "./pages.ts";
import { isObject, toOurs, toTheirs, type Vocabulary } from "./vocabulary.ts";

/** What can be done with the records of a table, each by requests to our own routes. */

/** Parameters that every write takes, as ours do. */
export const WRITES = ["dry_run", "propose", "reason"];

export const queryOf = (parameters: Parameters): string => {
  const query = parameters.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&");
  return query === "" ? "" : `?${query}`;
};

/** The parameters of a write of ours that stand in the request. */
export const writing = ({ parameters }: Call): Parameters => parameters.filter(([name]) => WRITES.includes(name));

const oneOf = (table: Table, id: string) => `/${table.of}/${encodeURIComponent(id)}`;

export async function list(call: Call): Promise<Said> {
  const words = vocabularyFor(call);
  const { lookups = {} } = words.table;
  const isLookup = (name: string) => Object.hasOwn(lookups, name);
  const asked = call.dialect.readQuery(
    call.parameters.filter(([name]) => !isLookup(name)),
    words,
    await besideFilters(call, words),
  );
  const query = [...asked.query];
  const { page } = asked;
  try {
    for (const [name, value] of call.parameters) if (isLookup(name)) query.push(...(await lookups[name]!(value, call)));
    const get = (more: Parameters) => call.ask("GET", `/${words.kind.plural}${queryOf([...query, ...more])}`);
    const { number } = page;
    return number === undefined
      ? listed(words, page, await get([]))
      : await pageNumbered(call, words, query, { ...page, number }, get);
  } catch (error) {
    if (error instanceof Problem && namesNothing(error, query)) return nothing(page);
    throw error;
  }
}

/** We refuse a filter that names a record that is not there; a database just finds no row. One of several may still be there. */
const namesNothing = ({ code }: Problem, query: Parameters): boolean =>
  (code === "not_found" || code === "unprocessable") && !query.some(([, value]) => value.startsWith("in:"));

const nothing = (page: { limit: number; number?: number }): Said => ({
  is: "many",
  rows: [],
  page: { ...page, next: null, ...(page.number === undefined ? {} : { total: 0 }) },
});

/** A list of ours in their words. */
export function listed(words: Vocabulary, page: { limit: number; number?: number }, { json }: Reply): Said {
  const items = json.items as Values[];
  const { total } = json as { total?: number };
  return {
    is: "many",
    rows: items.map((item) => toTheirs(words, item)),
    page: { ...page, next: json.next_cursor as string | null, ...(total === undefined ? {} : { total }) },
  };
}

export async function one(call: Call): Promise<Said> {
  const words = vocabularyFor(call);
  const deleted = call.parameters.filter(([name]) => name === "include_deleted").map(([, value]) => value);
  const query = deleted.includes("true") ? "?deleted=include" : "";
  const { json } = await call.ask("GET", oneOf(words.table, call.path.id!) + query);
  return { is: "one", row: { ...toTheirs(words, json), ...(await related(call, words, json)) } };
}

/** The records that one record links to, and those that link to it. What the caller may not read is left out. */
async function related(call: Call, { kind, table }: Vocabulary, record: Values): Promise<Values> {
  const shown: Values = {};
  if (call.dialect.linkNames) return shown;
  for (const { name, id, target } of kind.links) {
    const held = record[id.name];
    const other = tableOfKind(call.dialect, target);
    if (typeof held !== "string") shown[name] = null;
    else
      shown[name] = await readable(async () =>
        toTheirs(vocabularyFor(call, other), (await call.ask("GET", oneOf(other, held))).json),
      );
  }
  for (const plural of table.holds ?? []) {
    const kind = call.catalog.byPlural(plural);
    if (!kind) continue;
    const other = tableOfKind(call.dialect, kind);
    const words = vocabularyFor(call, other);
    const path = `${oneOf(table, record.id as string)}/${plural}`;
    shown[other.name] = await readable(async () =>
      ((await call.ask("GET", path)).json.items as Values[]).map((item) => toTheirs(words, item)),
    );
  }
  return shown;
}

/** What is not there, or not for this token, is null. */
export async function readable<T>(get: () => Promise<T>): Promise<T | null> {
  try {
    return await get();
  } catch (error) {
    if (error instanceof Problem && [403, 404, 410].includes(error.status)) return null;
    throw error;
  }
}

/** Creates, and refuses a value that another record holds: there is no upsert over there. */
export async function create(call: Call): Promise<Said> {
  const words = vocabularyFor(call);
  const body = titled(words, toOurs(words, call.body, await besideBody(call, words)));
  const target = `/${words.kind.plural}${queryOf(writing(call))}`;
  try {
    const reply = await call.ask("POST", target, body, { "if-none-match": "*" });
    return { ...written(words, reply), status: reply.status };
  } catch (error) {
    throw error instanceof Problem && error.code === "already_exists" ? taken(words, body, error) : error;
  }
}

function taken({ dialect, table, entries, kind }: Vocabulary, body: Values, { code, message }: Problem): Problem {
  const key = entries.find(({ ours }) => ours === kind.naturalKey);
  const path = `${dialect.base}/${table.name}`;
  const find = key ? ` with ${key.theirs} ${JSON.stringify(body[key.ours] ?? null)}` : "";
  return new Problem(code, message, [`nothing is changed: list ${path}${find}, and change what you find`]);
}

/** A new record without a title has that of its parts. */
function titled({ table, named }: Vocabulary, body: Values): Values {
  const { title } = table;
  if (!title || body[title.ours] !== undefined) return body;
  const composed = composedOf(title.parts.map((part) => valueIn(named(part)?.ours ?? part, body)));
  return composed === "" ? body : { ...body, [title.ours]: composed };
}

function valueIn(ours: string, values: Values): unknown {
  const [name = "", member] = ours.split(".");
  const held = values[name];
  return member === undefined ? held : isObject(held) ? held[member] : undefined;
}

const composedOf = (parts: readonly unknown[]): string =>
  parts.filter((part) => typeof part === "string" && part.trim() !== "").join(" ");

function written(words: Vocabulary, { status, headers, json }: Reply): Said {
  const change = headers["X-Change"];
  const { dry_run, hint, ...record } = json;
  const meta = { ...(dry_run === undefined ? {} : { dry_run }), ...(hint === undefined ? {} : { hint }) };
  if (status === 202) return { is: "one", status, row: json };
  return {
    is: "one",
    row: toTheirs(words, record),
    meta,
    ...(change === undefined ? {} : { headers: { "X-Change": change } }),
  };
}

const TRIES = 3;

/** Changes the fields that are sent. A title that was made of other fields follows them. */
export async function change(call: Call): Promise<Said> {
  const words = vocabularyFor(call);
  const target = oneOf(words.table, call.path.id!);
  const body = toOurs(words, call.body, await besideBody(call, words, target));
  const patch = (sent: Values, headers?: Record<string, string>) =>
    call.ask("PATCH", target + queryOf(writing(call)), sent, headers);
  const { title } = words.table;
  const follows = title && body[title.ours] === undefined && title.parts.some((part) => call.body[part] !== undefined);
  if (!follows) return written(words, await patch(body));
  for (let tried = 1; ; tried++) {
    const { json, headers } = await call.ask("GET", target);
    const names = title.parts.map((part) => words.named(part)!.ours);
    const before = composedOf(names.map((name) => valueIn(name, json)));
    const after = composedOf(
      names.map((name) => (valueIn(name, body) === undefined ? valueIn(name, json) : valueIn(name, body))),
    );
    if (json[title.ours] !== before || after === "") return written(words, await patch(body));
    try {
      return written(words, await patch({ ...body, [title.ours]: after }, { "if-match": headers.ETag! }));
    } catch (error) {
      if (tried === TRIES || !(error instanceof Problem) || error.code !== "version_conflict") throw error;
    }
  }
}

/** Deletes at once: both of our steps are taken. */
export async function remove(call: Call, purge = false): Promise<Said> {
  const words = vocabularyFor(call);
  const target = oneOf(words.table, call.path.id!);
  const asked: Parameters = [...writing(call), ...(purge ? [["purge", "true"] as const] : [])];
  const reply = await agreed(call, "DELETE", target, asked);
  if (purge || reply.json.dry_run || reply.status === 202)
    return { is: "one", row: { id: call.path.id, deleted: true, ...(purge ? { hard: true } : {}) }, meta: dry(reply) };
  const gone = await readable(async () => (await call.ask("GET", `${target}?deleted=include`)).json);
  return { is: "one", row: gone ? toTheirs(words, gone) : { id: call.path.id, deleted: true }, headers: changed(reply) };
}

const dry = ({ json }: Reply): Values => (json.dry_run ? { dry_run: true } : {});

const changed = ({ headers }: Reply): Record<string, string> =>
  headers["X-Change"] === undefined ? {} : { "X-Change": headers["X-Change"] };

/**
 * Takes both steps of what wants a confirm token; the record may move on between them, so it is asked again. A step-up code is mailed to a
 * person, who sends it along; in local mode it is in the answer.
 */
export async function agreed(
  call: Call,
  method: string,
  target: string,
  query: Parameters,
  body?: Values,
  headers?: Record<string, string>,
): Promise<Reply> {
  let second: Parameters = call.parameters.filter(([name]) => name === "code");
  for (let tried = 1; ; tried++) {
    try {
      return await call.ask(method, target + queryOf([...query, ...second]), body, headers);
    } catch (error) {
      if (!(error instanceof Problem) || tried > TRIES) throw error;
      const { confirm, code } = error.values;
      if (error.code === "confirmation_required") second = [["confirm", String(confirm)]];
      else if (error.code === "escalation_required" && code !== undefined) second = [["code", String(code)]];
      else throw error;
    }
  }
}

export async function restore(call: Call): Promise<Said> {
  const words = vocabularyFor(call);
  const reply = await call.ask("POST", `${oneOf(words.table, call.path.id!)}/restore${queryOf(writing(call))}`);
  return written(words, reply);
}
