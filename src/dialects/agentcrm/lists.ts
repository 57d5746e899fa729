import type { Parameters } from "../../derive/query.ts";
import { Problem } from "../../kit/problem.ts";
import type { Call, Page, Reply, Said, Values } from "../dialect.ts";
import { tableOf, tablesOf, vocabularyFor } from "../engine.ts";
import { agreed, listed, queryOf } from "../verbs.ts";
import { isObject, toTheirs, unknownColumn, type Vocabulary } from "../vocabulary.ts";
import { BY_SQL, foundBySql, idsBySql, MOST_PREDICATE } from "./bySql.ts";
import { KEPT, plainPage } from "./plain.ts";
import { readPredicate } from "./predicate.ts";

export const at = (call: Call, more = "") => `/lists/${encodeURIComponent(call.path.id!)}${more}`;

/** Deleted ones where they are asked for: our `deleted=`. */
function deletedOf({ parameters }: Call): Parameters {
  const asked = (name: string) => parameters.some(([each, value]) => each === name && value !== "false");
  return asked("only_deleted") ? [["deleted", "only"]] : asked("include_deleted") ? [["deleted", "include"]] : [];
}

export async function lists(call: Call): Promise<Said> {
  const { json } = await call.ask("GET", `/lists${queryOf(deletedOf(call))}`);
  const rows = (json.items as Values[]).map((list) => shown(call, list));
  return plainPage("lists", rows, call.parameters);
}

export async function list(call: Call): Promise<Said> {
  return { is: "one", row: shown(call, (await call.ask("GET", at(call) + queryOf(deletedOf(call)))).json) };
}

function shown(call: Call, list: Values): Values {
  const table = tablesOf(call).find(({ of }) => of === call.catalog.get(String(list.kind))?.plural);
  const { [KEPT]: kept, ...custom } = (list.custom ?? {}) as Values;
  const said = isObject(kept) ? kept : {};
  const dynamic = list.query !== null && list.query !== undefined;
  return {
    id: list.id,
    name: list.name,
    description: list.description ?? null,
    target_table: table?.name ?? list.kind,
    kind: dynamic ? "dynamic" : "static",
    filter_predicate: said.filter_predicate ?? null,
    filter_params: said.filter_params ?? null,
    config: said.config ?? (dynamic && list.query !== BY_SQL ? { query: list.query } : {}),
    custom,
    created_at: list.created_at,
    updated_at: list.updated_at,
    deleted_at: list.deleted_at ?? null,
  };
}

const COLUMNS = ["name", "description", "target_table", "kind", "filter_predicate", "filter_params", "config", "custom"];

export async function createList(call: Call): Promise<Said> {
  const { body } = call;
  allowColumns(body, [...COLUMNS, "member_ids"]);
  const { name, description, target_table, kind, member_ids } = body;
  if (typeof target_table !== "string")
    throw new Problem(
      "missing_field",
      "target_table is missing",
      `one of ${tablesOf(call)
        .map((each) => each.name)
        .join(", ")}`,
    );
  const words = vocabularyFor(call, tableOf(call, target_table));
  const isStatic = kind === "static" || (kind === undefined && body.filter_predicate === undefined);
  if (isStatic && body.filter_predicate)
    throw new Problem(
      "invalid_value",
      "a static list has members and no filter_predicate",
      'send "kind":"dynamic", or leave it out',
    );
  const found = isStatic
    ? { members: member_ids ?? [] }
    : { query: await queryFor(call, words, body.filter_predicate, body.filter_params) };
  const sent = { name, description, kind: words.kind.name, custom: customFor(body, {}), ...found };
  return { is: "one", status: 201, row: shown(call, (await call.ask("POST", "/lists", sent)).json) };
}

export async function changeList(call: Call): Promise<Said> {
  const { body } = call;
  allowColumns(body, COLUMNS);
  const before = (await call.ask("GET", at(call))).json;
  const { target_table, kind } = shown(call, before);
  for (const [column, value] of Object.entries({ target_table, kind }))
    if (body[column] !== undefined && body[column] !== value)
      throw new Problem("invalid_value", `a list keeps its ${column}: ${value}`, "make another list: POST /v1/lists");
  const kept = ((before.custom as Values | undefined)?.[KEPT] ?? {}) as Values;
  const asks = body.filter_predicate !== undefined || body.filter_params !== undefined;
  const said = { ...kept, ...body };
  const words = vocabularyFor(call, tableOf(call, String(target_table)));
  const sent = {
    ...(body.name === undefined ? {} : { name: body.name }),
    ...(body.description === undefined ? {} : { description: body.description }),
    ...(asks ? { query: await queryFor(call, words, said.filter_predicate, said.filter_params) } : {}),
    custom: customFor(body, kept),
  };
  return { is: "one", row: shown(call, (await call.ask("PATCH", at(call), sent)).json) };
}

function allowColumns(body: Values, columns: readonly string[]): void {
  const unknown = Object.keys(body).find((name) => !columns.includes(name));
  if (unknown === undefined) return;
  throw new Problem(
    "invalid_field",
    `column ${JSON.stringify(unknown)} of lists does not exist`,
    `columns: ${columns.join(", ")}`,
  );
}

/**
 * A list without a predicate has all rows. What says more than our filters is a query each time that the rows are asked for: it is run once, to see
 * that it can be.
 */
async function queryFor(call: Call, words: Vocabulary, predicate: unknown, params: unknown): Promise<string> {
  if (predicate === undefined || predicate === null) return queryOf([["created_at", "not:null"]]).slice(1);
  try {
    const filters = readPredicate(String(predicate), params, words);
    return queryOf(filters.length > 0 ? filters : [["created_at", "not:null"]]).slice(1);
  } catch (error) {
    if (!(error instanceof Problem) || String(predicate).length > MOST_PREDICATE) throw error;
    await idsBySql(call, words, { predicate: String(predicate), params, after: "", limit: 1 }).catch((fault: unknown) => {
      throw fault instanceof Problem && ["not_available", "scope_required"].includes(fault.code) ? error : fault;
    });
    return BY_SQL;
  }
}

function customFor({ custom, filter_predicate, filter_params, config }: Values, kept: Values): Values {
  const before = isObject(kept.config) ? kept.config : {};
  const merged = isObject(config) ? { ...before, ...config } : config;
  const said = Object.entries({ filter_predicate, filter_params, config: merged }).filter(([, value]) => value !== undefined);
  const own = custom === undefined || custom === null ? {} : custom;
  if (!isObject(own)) throw new Problem("invalid_value", "custom is a JSON object", '"custom":{"team":"west"}');
  return said.length === 0 ? own : { ...own, [KEPT]: { ...kept, ...Object.fromEntries(said) } };
}

export async function removeList(call: Call, hard: boolean): Promise<Said> {
  const found = async () => shown(call, (await call.ask("GET", `${at(call)}?deleted=include`)).json);
  const { id } = await found();
  await agreed(call, "DELETE", at(call), hard ? [["purge", "true"]] : []);
  return { is: "one", row: hard ? { id, deleted: true, hard: true } : await found() };
}

export async function restoreList(call: Call): Promise<Said> {
  return { is: "one", row: shown(call, (await call.ask("POST", at(call, "/restore"))).json) };
}

/** The records of a list, with the columns that the request or the list's config names: own ones, and those of linked rows as `company.name`. */
export async function rows(call: Call): Promise<Said> {
  const found = (await call.ask("GET", at(call))).json;
  const { target_table, config } = shown(call, found) as { target_table: string; config: Values };
  const words = vocabularyFor(call, tableOf(call, target_table));
  const asked = call.parameters.find(([name]) => name === "columns")?.[1].split(",") ?? config.columns;
  const columns = Array.isArray(asked) ? asked.map(String) : undefined;
  const others = call.parameters.filter(([name]) => name !== "columns");
  const { reply, page } = await (found.query === BY_SQL ? foundBySql : foundByFilters)(call, words, found, others);
  const said = listed(words, page, reply);
  if (columns === undefined || said.is !== "many") return said;
  const linked = await linkedRows(call, words, columns, reply.json.items as Values[]);
  const all = said.rows as Values[];
  return { ...said, rows: all.map((row) => Object.fromEntries(columns.map((name) => [name, cell(words, linked, row, name)]))) };
}

type Found = { reply: Reply; page: Page };

async function foundByFilters(call: Call, words: Vocabulary, list: Values, parameters: Parameters): Promise<Found> {
  const { query, page } = call.dialect.readQuery(parameters, words);
  const reply = await call.ask("GET", `/${words.kind.plural}${queryOf([["list", String(list.id)], ...query])}`);
  return { reply, page };
}

type Linked = Map<string, Map<string, Values>>;

/** The rows that the links of these records lead to, by link and id. */
async function linkedRows(
  call: Call,
  words: Vocabulary,
  columns: readonly string[],
  items: readonly Values[],
): Promise<Linked> {
  const linked: Linked = new Map();
  for (const { name, id, target } of words.kind.links) {
    if (!columns.some((column) => column.startsWith(`${name}.`))) continue;
    const other = tablesOf(call).find(({ of }) => of === target.plural);
    const ids = [...new Set(items.map((item) => item[id.name]).filter((each) => typeof each === "string"))];
    const byId = new Map<string, Values>();
    for (let from = 0; other && from < ids.length; from += 100) {
      const some = ids.slice(from, from + 100).join(",");
      const { json } = await call.ask(
        "GET",
        `/${target.plural}${queryOf([
          ["id", `in:${some}`],
          ["limit", "100"],
        ])}`,
      );
      const theirs = vocabularyFor(call, other);
      for (const item of json.items as Values[]) byId.set(String(item.id), toTheirs(theirs, item));
    }
    linked.set(name, byId);
  }
  return linked;
}

function cell(words: Vocabulary, linked: Linked, row: Values, column: string): unknown {
  const [before = "", ...rest] = column.split(".");
  const byId = linked.get(before);
  if (byId) return byId.get(String(row[`${before}_id`]))?.[rest.join(".")] ?? null;
  const entry = words.named(column);
  if (!entry) throw unknownColumn(words, column);
  if (entry.member !== undefined && column.includes(".")) return (row[before] as Values | undefined)?.[entry.member] ?? null;
  return row[column] ?? null;
}
