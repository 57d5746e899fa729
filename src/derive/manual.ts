import { OPERATORS } from "../fields/predicate.ts";
import { PROBLEMS } from "../kit/problem.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Field, Kind } from "../records/kind.ts";
import { bodyExample, type Operation } from "./operation.ts";
import { isPagedField } from "./paging.ts";

/** What the manual is made from besides its prose. */
export type ManualSource = {
  catalog: Catalog;
  views: readonly Kind[];
  routes: readonly Operation[];
  baseUrl: string;
  /** Tested transcripts by name. */
  transcript: (name: string) => string;
};

/** Fills the marks of a page, `{{fields contact}}`, from the code, so that the manual says what the service does. */
export function fillManual(page: string, source: ManualSource): string {
  return page.replace(/\{\{(\w+)(?: ([\w-]+))?\}\}/g, (_, mark: string, of: string | undefined) => {
    const fill = MARKS[mark];
    if (!fill) throw new Error(`the manual has an unknown mark ${mark}`);
    return fill(source, of ?? "");
  });
}

const MARKS: Record<string, (source: ManualSource, of: string) => string> = {
  base: ({ baseUrl }) => baseUrl,
  kinds: ({ catalog }) => kindLines(catalog).join("\n"),
  operators: () =>
    Object.entries(OPERATORS)
      .map(([name, about]) => `  ${name.padEnd(5)} ${about}`)
      .join("\n"),
  errors: () =>
    Object.entries(PROBLEMS)
      .map(([code, { status, about }]) => `  ${status} ${code.padEnd(22)} ${about}`)
      .join("\n"),
  routes: routeLines,
  dialect: ({ routes }, of) =>
    routes
      .filter(({ standard }) => standard === of)
      .map(routeLine)
      .join("\n"),
  fields: (source, of) => fieldTable(find(source, of)),
  transcript: ({ transcript }, of) => transcript(of).trimEnd(),
};

const routeLine = (route: Operation) =>
  `  ${route.method.padEnd(6)} ${route.path.padEnd(32)} ${route.about}${takes(route)}${route.open ? " (no token)" : ""}`;

/** Of many own kinds the routes of the first, which are those of each. */
function routeLines({ routes, catalog }: ManualSource): string {
  const { kinds, more } = toldKinds(catalog);
  const [first, ...others] = more.length > 0 ? catalog.kinds.filter((kind) => !kinds.includes(kind)) : [];
  const left = new Set(others.map(({ plural }) => plural));
  const told = routes.filter(({ path }) => left.size === 0 || !path.split("/").some((segment) => left.has(segment)));
  const rest = first ? [`Each other kind of your own has what ${first.plural} has: ${left.size} more.`] : [];
  return [...told.map(routeLine), ...rest].join("\n");
}

/** Of own kinds the manual tells a few; it would grow with each. */
const MOST_OWN = 8;

/** The kinds that a text names one by one, and what it says of the others. */
export function toldKinds({ kinds }: Catalog): { kinds: readonly Kind[]; more: string[] } {
  const own = kinds.filter(({ shared }) => shared);
  if (own.length <= MOST_OWN) return { kinds, more: [] };
  return { kinds: kinds.filter(({ shared }) => !shared), more: [`and ${own.length} of your own: GET /kinds`] };
}

function kindLines(catalog: Catalog): string[] {
  const { kinds, more } = toldKinds(catalog);
  const lines = kinds.filter(({ aside }) => !aside).map((kind) => kindLine(kind));
  return [...lines, ...asideLine(kinds.filter(({ aside }) => aside)), ...more].map((line) => `  ${line}`);
}

/** ` [days= owner=]`: what this route takes that others of its sort do not. */
function takes({ parameters = {}, body }: Operation): string {
  const named = Object.keys(parameters).map((name) => `${name}=`);
  const sent = body?.is === "values" ? [`{${Object.keys(body.values).join(", ")}}`] : [];
  return named.length + sent.length > 0 ? ` [${[...named, ...sent].join(" ")}]` : "";
}

function find({ catalog, views }: ManualSource, name: string): Kind {
  const kind = catalog.get(name) ?? views.find((view) => view.name === name);
  if (!kind) throw new Error(`the manual names an unknown kind ${name}`);
  return kind;
}

/** `/contacts (contact/c_…): name* email …`; `told` chooses among the fields that can be written. */
export function kindLine(kind: Kind, told = (_: Field) => true): string {
  const fields = kind.fields
    .filter((field) => !field.readOnly && told(field))
    .map((field) => `${field.name}${field.required ? "*" : ""}${choices(field)}`);
  return `/${kind.plural} (${kind.name}/${kind.prefix}_…): ${fields.join(" ")}`;
}

const asideLine = (kinds: readonly Kind[]) =>
  kinds.length === 0 ? [] : [`${kinds.map(({ plural }) => `/${plural}`).join(", ")}: /help/{kind} tells their fields`];

const choices = ({ type }: Field) =>
  type.known ? `=${type.known.join("|")}|…` : type.name === "choice" ? `=${type.choices?.join("|")}` : "";

function fieldTable(kind: Kind): string {
  const width = Math.max(...kind.fields.map((field) => field.name.length)) + 1;
  return kind.fields
    .map((field) => {
      const flags = [
        field.required ? "required" : "",
        field.readOnly && !field.sets ? "read-only" : "",
        field.sort ? "sort" : "",
        !kind.unfiltered && isPagedField(field) ? "paged" : "",
        field.search ? "search" : "",
      ].filter(Boolean);
      const initially = field.initially === undefined ? "" : `; ${field.initially} unless you say`;
      return `  ${field.name.padEnd(width)} ${field.about}; ${field.type.expects}${initially}${flags.length > 0 ? ` [${flags.join(", ")}]` : ""}`;
    })
    .join("\n");
}

/** Fields that know the same operators, together. */
function operatorLines({ fields }: Kind): string[] {
  const groups = new Map<string, string[]>();
  for (const { name, type } of fields) {
    const operators = type.operators.join(" ");
    if (operators) groups.set(operators, [...(groups.get(operators) ?? []), name]);
  }
  return [...groups].map(([operators, names]) => `  ${operators}: ${names.join(", ")}`);
}

/** The page of one kind, which needs no prose of its own. */
export function kindPage(kind: Kind, routes: readonly Operation[]): string {
  const { plural, about, naturalKey, needsOneOf } = kind;
  const creation = routes.find(({ method, path }) => method === "POST" && path === `/${plural}`);
  return [
    `# ${plural}: ${about}`,
    "",
    fieldTable(kind),
    ...(kind.unfiltered ? [] : ["", "Operators:", ...operatorLines(kind)]),
    ...(naturalKey ? [`POST with a known ${naturalKey} updates that record.`] : []),
    ...(needsOneOf ? [`At least one of ${needsOneOf.join(", ")} must be set.`] : []),
    ...(creation?.body ? ["", `POST /${plural} ${JSON.stringify(bodyExample(creation.body))}`] : []),
    "",
  ].join("\n");
}
