import assert from "node:assert/strict";
import { shortId } from "../../src/kit/id.ts";
import { joinList, parseCustomText, parseTokens, unquote } from "../../src/kit/line.ts";
import type { Field, Kind } from "../../src/records/kind.ts";
import type { Reply } from "./service.ts";

export type Json = Record<string, unknown>;

/** What stands on a line: that of a list, of a single record, or the fields asked for. */
export type Shown = "list" | "record" | readonly string[];

/** What no line may show as it is, written out here and not imported: controls, format characters, and letters that cannot be seen. */
const INVISIBLE =
  /\u034f|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0\u{e0000}-\u{e0fff}]|[\u180b-\u180f]|[\ufe00-\ufe0f]/u;

/** Holds a line to the record's JSON by the words of the contract, without the code that writes either. */
export function assertLine(line: string, kind: Kind, json: Json, shown: Shown): void {
  assert.doesNotMatch(line, INVISIBLE);
  const { head, tokens } = parseTokens(line);
  if (json.handle !== undefined) assert.equal(head, json.handle);
  // The changes of a history entry are told on the line and kept whole in JSON.
  const comparable = tokens.filter(([key]) => key !== "changes");
  const read = comparable.map(([key, token]) => [key, key.includes(".") ? parseCustomText(token) : unquote(token)]);
  assert.deepEqual(read, expectedPairs(kind, json, shown));
}

function expectedPairs(kind: Kind, json: Json, shown: Shown): [string, unknown][] {
  const onLine = (field: Field) =>
    typeof shown === "string"
      ? // What has lines of its own under that of a record is not on it.
        !field.type.rows && (field.shown === undefined || (field.shown === "detail" && shown === "record"))
      : shown.includes(field.name) && field.name !== "handle";
  return kind.fields.filter(onLine).flatMap((field): [string, unknown][] => {
    const value = json[field.name];
    if (value === null || (Array.isArray(value) && value.length === 0)) return [];
    if (field.name === "changes") return [];
    if (field.type.members) {
      const members = value as Json;
      return Object.keys(members)
        .sort()
        .map((key) => [`${field.name}.${key}`, members[key]]);
    }
    if (field.type.sqlType === "jsonb") return [[field.name, JSON.stringify(value)]];
    if (field.type.link || ["record", "token_id"].includes(field.name)) return [[field.name, shortId(value as string)]];
    if (field.type.name === "links")
      return [[field.name, joinList((value as string[]).map((handle) => shortId(handle.replace(/^\w+\//, ""))))]];
    return [[field.name, Array.isArray(value) ? joinList(value) : String(value)]];
  });
}

/** The one record line of an answer to a write, with its trailer after it; lines of its parts may stand between. */
export function readAnswer({ text }: Reply, outcome: string): { head: string; line: string } {
  const called = text.slice(0, Math.max(0, text.search(/[ \n]/)));
  const own = text
    .split("\n")
    .filter((each) => !each.startsWith(`${called}.`))
    .join("\n");
  assert.match(own, new RegExp(`^[^#\\n][^\\n]*\\n(# [^\\n]+\\n)*# (${outcome})(?: ch_\\w{8})?\\n$`));
  const line = text.slice(0, text.indexOf("\n"));
  return { head: parseTokens(line).head, line };
}

/** An answer of ERROR and HINT lines, which parse as such however the hostile text was echoed. */
export function assertRefused(reply: Reply, status: number, code: string, context: string): void {
  assert.match(reply.text, new RegExp(`^ERROR ${code} [^\\n]+\n(HINT {2}[^\\n]+\n)*$`), context);
  assert.doesNotMatch(reply.text, /[^\P{C}\n]|\u2028|\u2029/u, context);
  assert.equal(reply.status, status, context);
}
