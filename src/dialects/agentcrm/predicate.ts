import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import { type Entry, unknownColumn, type Vocabulary } from "../vocabulary.ts";

/** A filter of ours: `["stage", "eq:lead"]`. */
export type Filter = [name: string, value: string];

const TOKEN =
  /\s*(?:(?<text>'(?:[^']|'')*')|(?<number>\d+(?:\.\d+)?)|(?<parameter>\$\w+)|(?<word>[a-z_]\w*(?:\.[a-z_]\w*)*)|(?<sign>->>|@>|<=|>=|<>|!=|::|[=<>()[\],%+-]))/iy;

type Token = { is: "text" | "number" | "parameter" | "word" | "sign"; value: string };

const LONGEST = 2_000;

const COMPARISONS: Record<string, string> = {
  "=": "eq",
  "<>": "ne",
  "!=": "ne",
  "<": "lt",
  "<=": "lte",
  ">": "gt",
  ">=": "gte",
};

/**
 * Reads a condition of SQL as filters of ours: comparisons joined by AND, with LIKE, IN, = ANY, IS NULL, and @> for lists. Anything else is
 * refused, because a list that found other records than its predicate says would be worse than none.
 */
export function readPredicate(predicate: string, params: unknown, vocabulary: Vocabulary): Filter[] {
  if (predicate.length > LONGEST)
    throw new Problem("invalid_value", `filter_predicate has ${predicate.length} characters`, `send at most ${LONGEST}`);
  const tokens = tokensOf(predicate);
  let at = 0;
  const peek = (ahead = 0) => tokens[at + ahead];
  const isNext = (value: string, ahead = 0) => peek(ahead)?.is !== "text" && peek(ahead)?.value.toLowerCase() === value;
  const take = (value: string): boolean => isNext(value) && ++at > 0;
  const need = (value: string) => {
    if (!take(value)) throw unread(predicate, peek()?.value);
  };

  function conditions(): Filter[] {
    const all = condition();
    while (take("and")) all.push(...condition());
    return all;
  }

  function condition(): Filter[] {
    if (isNext("(") && !isColumnInBrackets()) {
      at += 1;
      const inner = conditions();
      need(")");
      return inner;
    }
    return take("true") ? [] : (held() ?? compared(column()));
  }

  /** `(stage)`, `(custom->>'seats')` */
  const isColumnInBrackets = () => isNext(")", 2) || (isNext("->>", 2) && isNext(")", 4));

  /** `'vip' = any(tags)` */
  function held(): Filter[] | undefined {
    if (peek()?.is !== "text" && peek()?.is !== "parameter") return undefined;
    const [value = ""] = values();
    need("=");
    need("any");
    need("(");
    const { ours } = column();
    need(")");
    return [[ours, `has:${value}`]];
  }

  /** `stage`, `contacts.stage`, `lower(stage)`, `custom->>'tier'`, `(custom->>'seats')::int`. */
  function column(): Entry {
    if (take("(") || take("lower")) {
      take("(");
      const inner = column();
      need(")");
      cast();
      return inner;
    }
    const { value: name = "" } = tokens[at++] ?? {};
    const entry = entryOf(vocabulary, name);
    if (!entry) throw unknownColumn(vocabulary, name);
    if (take("->>")) {
      const key = text(tokens[at++]);
      const member = vocabulary.named(`${entry.theirs}.${key}`);
      if (!member) throw unknownColumn(vocabulary, `${entry.theirs}.${key}`);
      return member;
    }
    cast();
    return entry;
  }

  function cast(): void {
    while (take("::")) {
      at += 1;
      if (take("[")) need("]");
    }
  }

  function compared({ ours }: Entry): Filter[] {
    if (take("is")) {
      const not = take("not");
      need("null");
      // A list has living records only.
      if (ours === "deleted_at" && !not) return [];
      return [[ours, not ? "not:null" : "is:null"]];
    }
    if (take("in")) {
      need("(");
      return [[ours, among(listUpTo(")"))]];
    }
    if (take("like") || take("ilike")) return [[ours, pattern(predicate, String(values()[0]))]];
    if (take("@>")) return values().map((value): Filter => [ours, `has:${value}`]);
    const operator = COMPARISONS[peek()?.value ?? ""];
    if (operator === undefined) throw unread(predicate, peek()?.value);
    at += 1;
    if (operator !== "eq" || !take("any")) return [[ours, `${operator}:${values()[0]}`]];
    need("(");
    const found = values();
    need(")");
    return [[ours, among(found)]];
  }

  /** A value, or those of an array. */
  function values(): string[] {
    if (!take("array")) return value();
    need("[");
    return listUpTo("]");
  }

  function listUpTo(end: string): string[] {
    const found: string[] = [];
    do found.push(...value());
    while (take(","));
    need(end);
    cast();
    return found;
  }

  function value(): string[] {
    const token = tokens[at++];
    if (token?.value === "-" && peek()?.is === "number") return [`-${tokens[at++]!.value}`];
    if (token?.is === "text" || token?.is === "number") {
      cast();
      return [token.is === "text" ? text(token) : token.value];
    }
    if (token?.is === "parameter") return parameter(token.value.slice(1));
    const word = token?.value.toLowerCase();
    if (word === "true" || word === "false") return [word];
    if (word === "now" || word === "current_date" || word === "current_timestamp") return [moment()];
    throw unread(predicate, token?.value);
  }

  /** `now() - interval '30 days'` */
  function moment(): string {
    if (take("(")) need(")");
    if (!isNext("-") && !isNext("+")) return "now";
    const sign = tokens[at++]!.value;
    need("interval");
    const [, amount, unit] = /^(\d+) *(minute|hour|day|week)s?$/i.exec(text(tokens[at++])) ?? [];
    if (amount === undefined || unit === undefined) throw unread(predicate, "interval");
    return `${sign}${amount}${unit[0]!.toLowerCase()}`;
  }

  function parameter(name: string): string[] {
    const held = params as Record<string, unknown> | undefined | null;
    const found = Array.isArray(params) ? params[Number(name) - 1] : held?.[name];
    if (found === undefined || found === null)
      throw new Problem("missing_field", `filter_params has no value for $${name}`, 'e.g. "filter_params":["lead"] for $1');
    cast();
    return (Array.isArray(found) ? found : [found]).map(String);
  }

  function text(token: Token | undefined): string {
    if (token?.is !== "text") throw unread(predicate, token?.value);
    return token.value.slice(1, -1).replaceAll("''", "'");
  }

  const read = conditions();
  if (at < tokens.length) throw unread(predicate, peek()?.value);
  return read;
}

const among = (values: readonly string[]) => `in:${values.map((value) => JSON.stringify(value)).join(",")}`;

function tokensOf(predicate: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < predicate.length) {
    const from = TOKEN.lastIndex;
    const groups = TOKEN.exec(predicate)?.groups;
    if (!groups) {
      if (predicate.slice(from).trim() === "") break;
      throw unread(predicate, predicate.slice(from).trim()[0]);
    }
    const [is, value] = Object.entries(groups).find(([, found]) => found !== undefined)!;
    tokens.push({ is: is as Token["is"], value: value! });
  }
  return tokens;
}

/** A column may be named with its table. */
function entryOf(vocabulary: Vocabulary, name: string): Entry | undefined {
  const [table, column] = name.split(".");
  return (
    vocabulary.named(name) ?? (table === vocabulary.table.name && column !== undefined ? vocabulary.named(column) : undefined)
  );
}

function pattern(predicate: string, like: string): string {
  const [, before, inner = "", behind] = /^(%?)([^%_]*)(%?)$/.exec(like) ?? [];
  if (before === undefined || inner === "") throw unread(predicate, like);
  if (before === "%") return `like:${inner}`;
  return behind === "%" ? `starts:${inner}` : `eq:${inner}`;
}

const unread = (predicate: string, near: string | undefined) =>
  new Problem(
    "invalid_value",
    `filter_predicate ${echo(predicate, 200)} cannot be read${near === undefined ? "" : ` at ${echo(near)}`}`,
    [
      "a list takes comparisons joined by AND: stage = 'lead' AND amount_cents >= $1; LIKE, IN, = ANY, IS NULL, @> ARRAY[…] and custom->>'key' too",
    ],
  );
