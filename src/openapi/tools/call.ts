import { parseExact } from "../../kit/json.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import type { Values } from "./request.ts";

/** The body of a call. */
export const BODY = '{"input":{…},"reason":"…","request_id":"…","dry_run":true,"confirm":"…"}';
const TAKEN = ["input", "reason", "request_id", "dry_run", "confirm"];

export type Call = {
  input: Values;
  reason: string | undefined;
  requestId: string | undefined;
  isDryRun: boolean;
  confirm: string | undefined;
};

/** Many programs send the arguments of a function as the text that the model wrote. */
export function readCall(text: string): Call {
  const body = objectIn(text.trim() === "" ? "{}" : text, "the body");
  const unknown = Object.keys(body).find((name) => !TAKEN.includes(name));
  if (unknown !== undefined)
    throw new Problem(
      "invalid_field",
      `there is no ${echo(unknown)} here`,
      `send ${BODY}; what the tool takes stands in input`,
    );
  const { input = {}, dry_run: dry = false } = body;
  if (typeof dry !== "boolean") throw new Problem("invalid_value", "dry_run is no boolean", "send true or false");
  return {
    input: typeof input === "string" ? objectIn(input, "input") : objectOf(input, "input"),
    reason: textIn(body, "reason"),
    requestId: textIn(body, "request_id"),
    isDryRun: dry,
    confirm: textIn(body, "confirm"),
  };
}

function objectIn(text: string, what: string): Values {
  try {
    return objectOf(parseExact(text), what);
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem("bad_request", `${what} is no JSON`, `send ${BODY}`);
  }
}

function objectOf(value: unknown, what: string): Values {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Values;
  throw new Problem("bad_request", `${what} is no JSON object`, `send ${BODY}`);
}

function textIn(body: Values, name: string): string | undefined {
  const value = body[name] ?? undefined;
  if (value === undefined || typeof value === "string") return value;
  throw new Problem("invalid_value", `${name} is no text`, `${name} is a JSON string`);
}
