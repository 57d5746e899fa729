import { createHash } from "node:crypto";
import { echo } from "../../kit/line.ts";
import { nearest } from "../../kit/nearest.ts";
import { Problem } from "../../kit/problem.ts";
import type { Values } from "../dialect.ts";
import { isObject } from "../vocabulary.ts";
import { Misfit } from "./fits.ts";

/** The body of a call. */
export type Request = {
  organizationId: string | undefined;
  input: Values;
  reason: string | undefined;
  requestId: string | undefined;
  isDryRun: boolean;
  isConfirmed: boolean;
};

export const MOST_REASON = 500;
export const MOST_REQUEST_ID = 120;

const TAKEN = ["organizationId", "input", "reason", "requestId", "dryRun", "confirm"];
const BODY = '{"organizationId":"ws_…","input":{…},"reason":"…","requestId":"…"}';

/** `dryRun` and `confirm` stand in the input or beside it. */
export function readRequest(body: Values): Request {
  const unknown = Object.keys(body).find((name) => !TAKEN.includes(name));
  if (unknown !== undefined) {
    const near = nearest(unknown, TAKEN);
    throw new Misfit(unknown, "invalid_field", `there is no ${echo(unknown, 80)} here`, [
      `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}send ${BODY}; what the tool takes stands in input`,
    ]);
  }
  const { dryRun, confirm, ...input } = readInput(body.input ?? {});
  return {
    organizationId: readText(body, "organizationId", MOST_REQUEST_ID),
    input,
    reason: readText(body, "reason", MOST_REASON),
    requestId: readText(body, "requestId", MOST_REQUEST_ID),
    isDryRun: [readFlag(body.dryRun, "dryRun"), readFlag(dryRun, "input.dryRun")].includes(true),
    isConfirmed: [readFlag(body.confirm, "confirm"), readFlag(confirm, "input.confirm")].includes(true),
  };
}

/** Many programs send the arguments of a tool as the text that the model wrote. */
function readInput(value: unknown): Values {
  let read = value;
  if (typeof value === "string")
    try {
      read = JSON.parse(value);
    } catch {
      read = undefined;
    }
  if (isObject(read)) return read;
  throw new Misfit("input", "invalid_value", "input is no JSON object", `send ${BODY}`);
}

function readText(body: Values, name: string, most: number): string | undefined {
  const value = body[name] ?? "";
  if (typeof value === "string" && [...value].length <= most) return value === "" ? undefined : value;
  throw new Misfit(name, "invalid_value", `${name} is no text of at most ${most} characters`, `send ${BODY}`);
}

function readFlag(value: unknown, name: string): boolean {
  if (typeof value === "boolean" || value === undefined || value === null) return value === true;
  throw new Misfit(name, "invalid_value", `${name} is no boolean`, "send true or false");
}

/** One tool, request id and input are one call, in whatever order its members stand. */
export function idempotencyKey(tool: string, { requestId, input }: Request): string | undefined {
  if (requestId === undefined) return undefined;
  const call = JSON.stringify([tool, requestId, ordered(input)]);
  return `crm-agent-${createHash("sha256").update(call).digest("base64url")}`;
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, ordered(value[name])]),
  );
}

/** Records without a name are left out; how many there are besides means nothing where none has one. */
function namedAmong(first: readonly string[]): readonly string[] {
  const named = first.filter((each) => !each.endsWith(' ""'));
  return named.every((each) => /^and \d+ more$/.test(each)) ? [] : named;
}

/** `first`: the records that come first. */
export const notConfirmed = (message: string, first: readonly string[]): Problem =>
  new Problem("confirmation_required", message, [
    ...namedAmong(first),
    'ask the user; then send the same with "confirm": true, or "dryRun": true to see more of it',
  ]);
