import { endOfString } from "./json.ts";

/** JSON that is too large to be written or read at once. */

/** JSON in parts: members are told apart down to `depth`. It is indented by `indent` blanks a level. */
export function* jsonParts(value: unknown, depth: number, indent = 0, level = 0): Generator<string, void, void> {
  const [line, within] = indent === 0 ? ["", ""] : [`\n${" ".repeat(indent * level)}`, `\n${" ".repeat(indent * (level + 1))}`];
  const isArray = Array.isArray(value);
  const members = membersOf(value).filter(([, each]) => isArray || each !== undefined);
  if (depth === 0 || members.length === 0) {
    yield (JSON.stringify(value, null, indent) ?? "null").replaceAll("\n", line);
    return;
  }
  let before = `${isArray ? "[" : "{"}${within}`;
  for (const [name, each] of members) {
    yield isArray ? before : `${before}${JSON.stringify(name)}:${indent === 0 ? "" : " "}`;
    yield* jsonParts(each, depth - 1, indent, level + 1);
    before = `,${within}`;
  }
  yield `${line}${isArray ? "]" : "}"}`;
}

const membersOf = (value: unknown) => (typeof value === "object" && value !== null ? Object.entries(value) : []);

/** What valid JSON says, piece by piece: the members of objects and lists are parsed one by one down to `depth`. */
export function* parsingJson(json: string, depth: number): Generator<void, unknown, void> {
  let at = 0;
  const skipBlanks = () => {
    while (json.charCodeAt(at) <= BLANK) at += 1;
  };
  const readTo = (end: number): unknown => {
    const begin = at;
    at = end;
    return JSON.parse(json.slice(begin, end));
  };

  function* value(levels: number): Generator<void, unknown, void> {
    skipBlanks();
    const open = json[at];
    const isList = open === "[";
    if (levels === 0 || !(isList || open === "{")) {
      yield;
      return readTo(endOfValue(json, at));
    }
    const members: [name: string, value: unknown][] = [];
    at += 1;
    for (skipBlanks(); at < json.length && json[at] !== "]" && json[at] !== "}"; skipBlanks()) {
      if (json[at] === ",") {
        at += 1;
        continue;
      }
      const name = isList ? "" : (readTo(endOfString(json, at) + 1) as string);
      if (!isList) at = json.indexOf(":", at) + 1;
      members.push([name, yield* value(levels - 1)]);
    }
    at += 1;
    return isList ? members.map(([, each]) => each) : Object.fromEntries(members);
  }

  return yield* value(depth);
}

const BLANK = 32;

/** The index behind the value that begins at `start`. */
function endOfValue(json: string, start: number): number {
  let open = 0;
  for (let at = start; at < json.length; at++) {
    const char = json[at]!;
    if (char === '"') at = endOfString(json, at);
    else if (char === "{" || char === "[") open += 1;
    else if (char === "}" || char === "]") {
      if (open === 0) return at;
      open -= 1;
    } else if (open === 0 && char === ",") return at;
    if (open === 0 && (char === '"' || char === "}" || char === "]")) return at + 1;
  }
  return json.length;
}
