import assert from "node:assert/strict";
import { z } from "zod";
import type { Json } from "../../src/openapi/names.ts";
import type { Reply } from "./service.ts";

export type ToldOperation = { method: string; path: string; operation: Json };

export function operationsOf(document: Json): ToldOperation[] {
  return Object.entries(document["paths"] as Record<string, Record<string, Json>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

/** An OpenAPI document as a reader takes it that knows nothing of the program. */
export function readOpenApi(document: Json) {
  const components = document["components"] as Record<string, Record<string, Json>>;
  const $defs = withDefs(
    Object.fromEntries(Object.entries(components["schemas"]!).map(([name, each]) => [name, closed(each)])),
  );
  const types = new Map<string, z.ZodType>();

  /** What is wrong with a value, or undefined. A property that the schema does not tell of is wrong too. */
  function fits(schema: Json, value: unknown): string | undefined {
    const key = JSON.stringify(schema);
    const type = types.get(key) ?? z.fromJSONSchema({ ...(withDefs(closed(schema)) as Json), $defs } as never);
    types.set(key, type);
    const { error } = type.safeParse(value);
    return error && `${z.prettifyError(error)}\nin ${JSON.stringify(value)}`;
  }

  function resolve(each: Json): Json {
    const [group, name] = String(each["$ref"] ?? "")
      .split("/")
      .slice(2);
    return group && name ? { ...components[group]![name], ...each } : each;
  }

  /** Holds an answer against what the operation tells: status, type, code, body, and the headers that hold something. */
  function check({ method, path, operation }: ToldOperation, reply: Reply): void {
    const where = `${method} ${path} ${reply.status}\n${reply.text.slice(0, 500)}`;
    const told = (operation["responses"] as Record<string, Json>)[reply.status];
    assert.ok(told, `the status is not told: ${where}`);
    const response = resolve(told);
    for (const name of ["etag", "location", "retry-after", "www-authenticate"]) {
      const known = Object.keys((response["headers"] ?? {}) as Json).some((each) => each.toLowerCase() === name);
      assert.ok(known || !reply.headers.has(name), `the header ${name} is not told: ${where}`);
    }
    if (reply.status === 304) return;
    const type = (reply.headers.get("content-type") ?? "").replace("; charset=utf-8", "");
    const media =
      (response["content"] as Record<string, Json>)[type] ??
      (response["content"] as Record<string, Json>)[`${type}; charset=utf-8`];
    assert.ok(media, `the type ${type} is not told: ${where}`);
    const json = type === "application/json" ? reply.json() : undefined;
    if (json !== undefined) assert.equal(fits(media["schema"] as Json, json), undefined, where);
    const code = json?.error ?? /^ERROR (\w+) /.exec(reply.text)?.[1];
    if (code) assert.ok(String(told["description"]).split(", ").includes(code), `the code ${code} is not told: ${where}`);
  }

  return { fits, check, resolve };
}

export type OpenApiReader = ReturnType<typeof readOpenApi>;

/** zod looks for what is referred to where JSON Schema keeps it. */
const withDefs = (schema: unknown): unknown =>
  JSON.parse(JSON.stringify(schema).replaceAll("#/components/schemas/", "#/$defs/"));

/** A copy in which objects hold what they tell of and nothing else. */
function closed<T>(schema: T): T {
  if (typeof schema !== "object" || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(closed) as T;
  const copy: Json = Object.fromEntries(Object.entries(schema).map(([name, each]) => [name, closed(each)]));
  const open = copy["type"] === "object" && copy["properties"] !== undefined && copy["additionalProperties"] === undefined;
  return (open ? { ...copy, additionalProperties: false } : copy) as T;
}
