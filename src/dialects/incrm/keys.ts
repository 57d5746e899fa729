import { echo } from "../../kit/line.ts";
import { nearest } from "../../kit/nearest.ts";
import { Problem } from "../../kit/problem.ts";
import type { Call, Said, Values } from "../dialect.ts";
import { tablesOf } from "../engine.ts";

/** API keys are tokens. */

export async function keys(call: Call): Promise<Said> {
  const { json } = await call.ask("GET", "/tokens");
  return { is: "many", rows: (json.items as Values[]).map((token) => shown(call, token)) };
}

export async function createKey(call: Call): Promise<Said> {
  const { name, scopes, expiresAt, ...others } = call.body;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new Problem("invalid_field", `an API key has no field ${echo(unknown)}`, "fields: name, scopes, expiresAt");
  if (scopes !== undefined && scopes !== null && !Array.isArray(scopes))
    throw new Problem("invalid_value", "scopes is no list", '"scopes":["clients.read"]; [] means all that the owner may');
  const wanted = ((scopes ?? []) as unknown[]).map((scope) => scopeHere(call, String(scope)));
  const sent = {
    ...(name === undefined ? {} : { name }),
    ...(wanted.length > 0 ? { scopes: wanted } : {}),
    ...(expiresAt ? { expires_at: expiresAt } : {}),
  };
  const { json } = await call.ask("POST", "/tokens", sent);
  const { token, id, expires_at } = json as Record<string, string | null>;
  const row = {
    id: id?.replace("token/", ""),
    name: name ?? "default",
    key: token,
    keyPrefix: token?.slice(0, 8),
    scopes: scopes ?? [],
    expiresAt: expires_at ?? null,
  };
  return { is: "one", status: 201, row };
}

export async function removeKey(call: Call): Promise<Said> {
  await call.ask("DELETE", `/tokens/${encodeURIComponent(call.path.id!)}`);
  return { is: "one", row: { id: call.path.id, revoked: true } };
}

function shown(call: Call, { id, name, scopes, expires_at, created_at, last_used_at }: Values): Values {
  return {
    id,
    name,
    scopes: ((scopes ?? []) as string[]).map((scope) => scopeThere(call, scope)),
    expiresAt: expires_at,
    createdAt: created_at,
    lastUsedAt: last_used_at,
  };
}

const pairs = (call: Call) => tablesOf(call).map(({ name, plural = name, of }): [there: string, here: string] => [plural, of]);

/** `clients.read` is our `contacts.read`. */
function scopeHere(call: Call, scope: string): string {
  const [entity, verb] = scope.split(".");
  const here = pairs(call).find(([there]) => there === entity)?.[1];
  if (here !== undefined && verb !== undefined) return `${here}.${verb}`;
  const near = nearest(
    entity ?? "",
    pairs(call).map(([there]) => there),
  );
  throw new Problem("invalid_value", `${echo(scope)} is no scope`, [
    `${near.length > 0 ? `did you mean ${near.map((each) => `${each}.${verb ?? "read"}`).join(" or ")}? ` : ""}scopes: ${pairs(
      call,
    )
      .map(([there]) => `${there}.read`)
      .join(", ")}; also .create, .update, .delete`,
  ]);
}

function scopeThere(call: Call, scope: string): string {
  const [plural, verb] = scope.split(".");
  const there = pairs(call).find(([, here]) => here === plural)?.[0];
  return there !== undefined && verb !== undefined ? `${there}.${verb}` : scope;
}
