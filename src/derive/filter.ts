import { isOperator, type Operator, type Predicate } from "../fields/predicate.ts";
import { storable } from "../fields/text.ts";
import type { Reading } from "../fields/type.ts";
import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import { type Field, type Kind, type Link, memberNamed, membersOf } from "../records/kind.ts";
import { LIST_PARAMETERS } from "../records/reserved.ts";
import { linkNamed } from "./across.ts";
import { explained } from "./unfit.ts";

/** What a filter asks of a field: of the record itself, or `via` a link of the record that it leads to. */
export type Condition = { via?: Link; field: Field; predicate: Predicate };

/** The field as a filter names it. */
export const askedName = ({ via, field }: Pick<Condition, "via" | "field">): string =>
  via ? `${via.name}.${field.name}` : field.name;

/** Reads one `field=op:value` of a list; `signed` as of a parameter. */
export function readFilter(kind: Kind, asked: string, value: string, reading: Reading, signed = value): Condition {
  // Several values of one parameter are `stage[]=a&stage[]=b` in many clients.
  const name = spelledOut(kind, asked.replace(/\[\]$/, ""));
  const across = linkNamed(kind, name);
  if (!across) return readOwn({ kind, path: "" }, name, value, reading, signed);
  const { link, rest } = across;
  return { via: link, ...readOwn({ kind: link.target, path: `${link.name}.` }, rest, value, reading, signed) };
}

/** Whose fields a filter is about, and what stands before their names. */
type Scope = { kind: Kind; path: string };

function readOwn(scope: Scope, own: string, value: string, reading: Reading, signed: string): Condition {
  const name = scope.path + own;
  const field = scope.kind.field(own);
  const { operator, operand } = splitOperator(field?.type.signed ? signed : value);
  if (!field) return memberCondition(scope, own, operator, operand, reading);
  if (!field.type.operators.includes(operator)) throw unknownOperator(name, operator, field.type.operators);
  if (operator === "is" || operator === "not") return { field, predicate: nullPredicate(name, operator, operand) };
  const operands = readOperands(name, operator, operand);
  const predicate = field.type.predicate(operator, operands, reading);
  if (!predicate) {
    throw new Problem(field.type.refusal, `${name} cannot be ${echo(operand)}`, [
      ...explained(field.type, operand, reading),
      `${name} expects ${field.type.expects}`,
    ]);
  }
  return { field: refers(predicate) ? idFieldOf(field) : field, predicate };
}

/** Documents tell of the filters on the members of a field, and on the fields behind a link, as one object. Its name is legal everywhere. */
export const membersFilter = ({ name }: Field | Link) => `${name}_filters`;

/** Many clients write a member of an object as `custom[seats]`, whatever the document says: `custom.seats` is meant. */
function spelledOut(kind: Kind, asked: string): string {
  const [, object, key] = /^(\w+)\[([^\]]+)\]$/.exec(asked) ?? [];
  if (object === undefined || key === undefined) return asked;
  const whole = [...membersOf(kind), ...kind.links].find((each) => object === each.name || object === membersFilter(each));
  if (!whole) return asked;
  return key.startsWith(`${whole.name}.`) ? key : `${whole.name}.${key}`;
}

function refers(predicate: Predicate): boolean {
  return predicate.is === "refers" || (predicate.is === "not" && predicate.of.is === "refers");
}

/** `company=co_…` asks for the id, although `company` is the field of the name. */
const idFieldOf = (field: Field): Field => field.link?.id ?? field;

/** `gte:5` -> gte and `5`. A prefix that is no operator belongs to the value: `Re: hello` is text. */
function splitOperator(value: string): { operator: Operator; operand: string } {
  const colon = value.indexOf(":");
  const prefix = value.slice(0, Math.max(colon, 0));
  return isOperator(prefix) ? { operator: prefix, operand: value.slice(colon + 1) } : { operator: "eq", operand: value };
}

function nullPredicate(name: string, operator: "is" | "not", operand: string): Predicate {
  if (operand !== "null") {
    throw new Problem(
      "invalid_value",
      `${operator}: takes null only`,
      `${name}=${operator}:null, or ${name}=eq:${operator}:… for that very text`,
    );
  }
  return operator === "is" ? { is: "null" } : { is: "not", of: { is: "null" } };
}

function readOperands(name: string, operator: Operator, operand: string): string[] {
  const operands = operator === "in" ? splitOperands(name, operand) : [operand];
  if (operands.length === 0 || operands.includes("")) {
    throw new Problem(
      "invalid_value",
      `${name} has an empty value`,
      `${name}=is:null finds records without one, ${name}=not:null those with one`,
    );
  }
  for (const text of operands) guardText(name, text);
  return operands;
}

/** No stored text holds such a character; PostgreSQL would refuse one and mend the other. */
export function guardText(name: string, text: string): void {
  if (storable(text)) return;
  throw new Problem(
    "invalid_value",
    `${name} cannot be ${echo(text)}`,
    `${name} cannot hold a NUL character or half of a surrogate pair`,
  );
}

const OPERAND = /\s*("(?:[^"\\]|\\.)*"|[^,]*)(,|$)/y;

/** `lead,"a, b"` -> the two elements; an element may be a JSON string. */
function splitOperands(name: string, list: string): string[] {
  const elements: string[] = [];
  OPERAND.lastIndex = 0;
  for (;;) {
    const match = OPERAND.exec(list);
    if (!match)
      throw new Problem("invalid_value", `${name}=in: has a stray quote`, 'in: takes a comma list, e.g. in:lead,"a, b"');
    const [, element, end] = match as unknown as [string, string, string];
    elements.push(element.startsWith('"') ? unquoted(name, element) : element.trim());
    if (end === "") return elements;
  }
}

function unquoted(name: string, element: string): string {
  try {
    return JSON.parse(element) as string;
  } catch {
    throw new Problem(
      "invalid_value",
      `${name}=in: holds ${echo(element)}, which is no JSON string`,
      'in: takes a comma list, e.g. in:lead,"a, b"',
    );
  }
}

function memberCondition(scope: Scope, own: string, operator: Operator, operand: string, reading: Reading): Condition {
  const member = memberNamed(scope.kind, own);
  if (!member) throw unknownFilter(scope, own);
  const { field, members, key } = member;
  const name = scope.path + own;
  if (!members.isKey(key)) throw new Problem("invalid_filter", `${echo(key)} is no ${field.name} key`, members.keyForm);
  if (operator === "is" || operator === "not") {
    const predicate = nullPredicate(name, operator, operand);
    return { field, predicate: { is: "member", key, as: "text", of: predicate } };
  }
  const predicate = members.predicate(key, operator, readOperands(name, operator, operand), reading);
  if (!predicate) throw unknownOperator(name, operator, members.operators);
  return { field, predicate };
}

/** Nothing is called so: it stood behind an `&` inside a value. */
export const isRestOfValue = (name: string): boolean => /[^\w.\-:/@\p{L}\p{M}\p{N}]/u.test(name);

/** What was meant by a name that nothing is called by: a comparison as programs write it, or the rest of a value. */
export function misreadName(name: string): string[] {
  if (/^\w+ *[!<>]$/.test(name))
    return [`compare with an operator: ${name.slice(0, -1).trim()}=ne:…, gt:…, gte:…, lt:…, lte:…`];
  return isRestOfValue(name) ? ["an & inside a value is written %26: curl -G --data-urlencode does it"] : [];
}

/** What other services call parameters of a list. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  ...{
    q: "search",
    query: "search",
    s: "search",
    text: "search",
    order: "sort",
    order_by: "sort",
    sort_by: "sort",
    orderby: "sort",
  },
  ...{ per_page: "limit", page_size: "limit", size: "limit", top: "limit", take: "limit", max_results: "limit" },
  ...{ page: "cursor", skip: "offset", start: "offset", after: "cursor", page_token: "cursor" },
  ...{ select: "fields", columns: "fields", total: "count", group: "group_by", groupby: "group_by" },
};

function unknownFilter({ kind, path }: Scope, own: string): Problem {
  const names = kind.fields.flatMap(({ name, type }) => (type.members ? [name, `${name}.<key>`] : [name]));
  const named = names.map((name) => path + name);
  const others = path === "" ? [...kind.links.map(({ name }) => `${name}.<field>`), ...LIST_PARAMETERS] : [];
  const meant = [
    ...kind.fields.filter(({ also }) => also?.includes(own)).map(({ name }) => name),
    ...(path === "" && Object.hasOwn(ELSEWHERE, own) ? [ELSEWHERE[own]!] : []),
  ];
  const comeNear = nearest(own, path === "" ? [...names, ...others, ...crossed(kind, own)] : names);
  const near = (meant.length > 0 ? meant : comeNear).map((name) => path + name);
  return new Problem("invalid_filter", `there is no field ${echo(own)} on ${kind.plural}`, [
    ...(path !== "" && linkNamed(kind, own)
      ? [`a filter goes one step over a link: ask GET /${kind.plural}?${own}=… first`]
      : []),
    `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}filter by: ${named.join(", ")}`,
    ...(others.length > 0 ? [`other parameters: ${others.join(", ")}`] : []),
    ...misreadName(own),
  ]);
}

/** Where a link is misspelt: the field under each link, if the linked record has it. */
function crossed({ links }: Kind, own: string): string[] {
  const dot = own.indexOf(".");
  const rest = own.slice(dot + 1);
  return dot < 0 ? [] : links.flatMap(({ name, target }) => (target.field(rest) ? [`${name}.${rest}`] : []));
}

function unknownOperator(name: string, operator: Operator, known: readonly Operator[]): Problem {
  if (known.length === 0)
    return new Problem(
      "invalid_op",
      `${name} is shown, and nothing is found by it`,
      "filter by another field: GET /help/query",
    );
  return new Problem(
    "invalid_op",
    `${name} does not know the operator ${operator}`,
    `${name} knows: ${known.join(", ")}${known.includes("eq") ? `; ${name}=eq:${operator}:… means that very text` : ""}`,
  );
}
