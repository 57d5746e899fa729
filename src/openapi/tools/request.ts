import { COMMON_PARAMETERS } from "../../derive/parameters.ts";
import { echo } from "../../kit/line.ts";
import { nearest } from "../../kit/nearest.ts";
import { Problem } from "../../kit/problem.ts";
import { LIST_PARAMETERS } from "../../records/reserved.ts";
import type { Tool } from "./tools.ts";

export type Values = Readonly<Record<string, unknown>>;

export type ToolRequest = { target: string; body: string | undefined };

/** The request that a tool stands for. `further` are parameters that say how it is run. */
export function requestOf(tool: Tool, input: Values, further: Readonly<Record<string, string>>): ToolRequest {
  const { path, query, body } = tool.input;
  const known = Object.keys(tool.input.schema["properties"] as object);
  for (const name of Object.keys(input)) if (!known.includes(name)) throw unknown(tool, name, known);
  const missing = (tool.input.schema["required"] as string[]).find((name) => input[name] === undefined || input[name] === null);
  if (missing !== undefined)
    throw new Problem(
      "missing_field",
      `${tool.name} needs ${missing}`,
      `POST /tools/${tool.name} ${JSON.stringify({ input: tool.example })}`,
    );
  const filled = tool.path.replace(/\{(\w+)\}/g, (_, name: string) => segment(name, input[name]));
  const parameters = new URLSearchParams();
  const asked = [
    ...filtersIn(tool, input["filters"]),
    ...query.map((name) => [name, input[name]] as const),
    ...Object.entries(further),
  ];
  for (const [name, value] of asked) for (const each of textsOf(name, value)) parameters.append(name, each);
  const search = parameters.size > 0 ? `?${parameters}` : "";
  const sent = Object.fromEntries(body.filter((name) => input[name] !== undefined).map((name) => [name, input[name]]));
  const text = tool.file ? String(input["file"]) : JSON.stringify(sent);
  return { target: `${path.length > 0 ? filled : tool.path}${search}`, body: body.length > 0 ? text : undefined };
}

function unknown(tool: Tool, name: string, known: readonly string[]): Problem {
  const near = nearest(name, known);
  const isFilter = tool.input.filters.includes(name);
  return new Problem("invalid_field", `${tool.name} has no input ${echo(name)}`, [
    isFilter
      ? `filters stand in an object: {"filters":{${JSON.stringify(name)}:"…"}}`
      : `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}input: ${known.join(", ") || "none"}`,
  ]);
}

/** One segment, wherever it would lead. */
function segment(name: string, value: unknown): string {
  const text = typeof value === "string" || typeof value === "number" ? (String(value).split("/").at(-1) ?? "") : "";
  if (text === "" || text === "." || text === "..")
    throw new Problem("invalid_value", `${name} is no id`, "send the id or the handle that lines show, such as c_t4v6w8y0");
  return encodeURIComponent(text);
}

/** No filter may be called as what says how a request is run: it would get past what this says. */
function filtersIn({ input, name: tool }: Tool, filters: unknown): (readonly [string, unknown])[] {
  if (filters === undefined || filters === null) return [];
  if (typeof filters !== "object" || Array.isArray(filters))
    throw new Problem("invalid_value", "filters is no object", '{"filters":{"stage":"lead","updated_at":"gte:-7d"}}');
  for (const name of Object.keys(filters))
    if (!input.filters.includes(name.split(".")[0]!) && isReserved(name))
      throw new Problem("invalid_filter", `${echo(name)} is no filter of ${tool}`, `filters: ${input.filters.join(", ")}`);
  return Object.entries(filters);
}

const RESERVED: readonly string[] = [
  ...["all", "code", "confirm", "dry_run", "propose", "purge", "reason", ...LIST_PARAMETERS],
  ...Object.keys(COMMON_PARAMETERS),
];
const isReserved = (name: string) => RESERVED.includes(name.replace(/\W.*$/s, ""));

function textsOf(name: string, value: unknown): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) return [textOf(name, value)];
  const texts = value.map((each) => textOf(name, each));
  return name === "fields" || name === "group_by" || name === "sum" ? [texts.join(",")] : texts;
}

function textOf(name: string, value: unknown): string {
  if (typeof value === "object")
    throw new Problem("invalid_value", `${name} is an object`, `${name} takes text, a number or true`);
  return String(value);
}
