import type { Json } from "../../openapi/names.ts";
import type { Call, Said } from "../dialect.ts";
import { type Entity, entitiesOf } from "./openApi.ts";

/** The client that programs of InCRM import: one file, fetch only. */
export function sdk(call: Call): Said {
  const text = [HEAD, ...entitiesOf(call).map((entity) => functionsOf(call.dialect.base, entity))].join("\n");
  return { is: "text", type: "text/plain; charset=utf-8", text };
}

/** The part that is the same whatever the entities are. It is written so that every strict option of the compiler accepts it. */
const HEAD = `// The client of this service in the words of InCRM. Made by GET /api/v1/sdk.ts.

export type ClientOptions = {
  baseUrl: string;
  apiKey?: string | undefined;
  accessToken?: string | undefined;
  fetch?: typeof globalThis.fetch | undefined;
};

let current: InCRMClient | undefined;

/** Functions use the client that was made last, unless they are given one. */
export class InCRMClient {
  readonly options: ClientOptions;
  constructor(options: ClientOptions) {
    this.options = options;
    current = this;
  }
}

/** A refusal. \`headers\` has names in small letters. */
export class InCRMError extends Error {
  override name = "InCRMError";
  readonly status: number;
  readonly code: number;
  readonly headers: Record<string, string>;
  readonly body: unknown;
  constructor(status: number, code: number, message: string, headers: Record<string, string>, body: unknown) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
    this.body = body;
  }
}

export type Meta = {
  total: number;
  page: number;
  perPage: number;
  currentPage: number;
  lastPage: number;
  prev: number | null;
  next: number | null;
};
export type List<T> = { success: boolean; data: T[]; meta: Meta };
export type One<T> = { success: boolean; data: T };
export type Result<T> = { data: T; status: number; headers: Record<string, string> };
export type ListQuery = {
  page?: number | undefined;
  perPage?: number | undefined;
  where?: string | readonly string[] | undefined;
  orderBy?: string | undefined;
  search?: string | undefined;
};
type Options = { client?: InCRMClient | undefined; signal?: AbortSignal | undefined };
type Sent = Options & { query?: ListQuery | undefined; body?: unknown };

async function send<T>(method: string, path: string, options: Sent): Promise<Result<T>> {
  const client = options.client ?? current;
  if (!client) throw new Error("make a client first: new InCRMClient({ baseUrl, apiKey })");
  const { baseUrl, apiKey, accessToken, fetch: own } = client.options;
  const url = new URL(baseUrl.replace(/\\/+$/, "") + path);
  for (const [name, value] of Object.entries(options.query ?? {}))
    for (const each of Array.isArray(value) ? value : [value]) if (each !== undefined) url.searchParams.append(name, String(each));
  const headers: Record<string, string> = { accept: "application/json" };
  if (apiKey !== undefined) headers["x-api-key"] = apiKey;
  if (accessToken !== undefined) headers["authorization"] = \`Bearer \${accessToken}\`;
  const init: RequestInit = { method, headers };
  if (options.signal) init.signal = options.signal;
  if (options.body !== undefined) {
    headers["content-type"] = "application/json";
    init.body = JSON.stringify(options.body);
  }
  const response = await (own ?? globalThis.fetch)(url, init);
  const told: Record<string, string> = {};
  response.headers.forEach((value, name) => {
    told[name] = value;
  });
  const body = (await response.json()) as { error?: { code?: number; message?: string } };
  if (!response.ok) {
    const { code = response.status * 1000, message = response.statusText } = body.error ?? {};
    throw new InCRMError(response.status, code, message, told, body);
  }
  return { data: body as T, status: response.status, headers: told };
}
`;

function functionsOf(base: string, { table, one, many, about, shown, created, updated }: Entity): string {
  const at = `${base}/${table.name}`;
  const id = `\`${at}/\${encodeURIComponent(options.path.id)}\``;
  return `/** ${about.replaceAll("*/", "* /")} */
export type ${one} = ${typeOf(shown, "")};
export type Create${one} = ${typeOf(created, "", true)};
export type Update${one} = ${typeOf(updated, "", true)};
export const list${many} = (options: Options & { query?: ListQuery | undefined } = {}): Promise<Result<List<${one}>>> =>
  send("GET", "${at}", options);
export const get${one} = (options: Options & { path: { id: string } }): Promise<Result<One<${one}>>> =>
  send("GET", ${id}, options);
export const create${one} = (options: Options & { body: Create${one} }): Promise<Result<One<${one}>>> =>
  send("POST", "${at}", options);
export const update${one} = (options: Options & { path: { id: string }; body: Update${one} }): Promise<Result<One<${one}>>> =>
  send("PUT", ${id}, options);
export const delete${one} = (options: Options & { path: { id: string } }): Promise<Result<One<${one}>>> =>
  send("DELETE", ${id}, options);
`;
}

/** A schema of OpenAPI 3.0 as a type. \`sent\`: what is optional may be undefined too. */
function typeOf(schema: Json, indent: string, sent = false): string {
  const { nullable, enum: choices, anyOf, type, items, properties, required = [] } = schema as Json & { required?: string[] };
  const or = nullable === true ? " | null" : "";
  if (Array.isArray(choices))
    return choices.map((each) => JSON.stringify(each)).join(" | ") + (choices.includes(null) ? "" : or);
  if (Array.isArray(anyOf))
    return `(${[...new Set(anyOf.map((each) => typeOf(each as Json, indent, sent)))].join(" | ")})${or}`;
  if (type === "array") return `${wrapped(typeOf((items ?? {}) as Json, indent, sent))}[]${or}`;
  if (type === "integer" || type === "number") return `number${or}`;
  if (type === "string" || type === "boolean") return `${type}${or}`;
  if (type !== "object") return "unknown";
  if (!properties) return `Record<string, unknown>${or}`;
  const inner = `${indent}  `;
  const members = Object.entries(properties as Record<string, Json>).map(([name, each]) => {
    const optional = !required.includes(name);
    const undefinable = optional && sent ? " | undefined" : "";
    return `${inner}${JSON.stringify(name)}${optional ? "?" : ""}: ${typeOf(each, inner, sent)}${undefinable};`;
  });
  return `{\n${members.join("\n")}\n${indent}}${or}`;
}

const wrapped = (type: string) => (/[ |]/.test(type) ? `(${type})` : type);
