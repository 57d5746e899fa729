import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import { atOnce } from "../kit/turns.ts";

export type Matched<Route> = { route: Route; path: Record<string, string> };

/**
 * Finds the route of a method and path segments. A literal segment wins over a `{name}`. `aliases` maps other first segments, so
 * that a handle is a path: `/contact/c_…` is `/contacts/c_…`.
 */
export const createRouter = <Route extends { method: string; path: string }>(
  routes: readonly Route[],
  aliases: ReadonlyMap<string, string>,
): Match<Route> => atOnce(creatingRouter(routes, aliases));

type Match<Route> = (method: string, segments: readonly string[]) => Matched<Route>;

/** The same piece by piece. */
export function* creatingRouter<Route extends { method: string; path: string }>(
  routes: readonly Route[],
  aliases: ReadonlyMap<string, string>,
): Generator<void, Match<Route>, void> {
  const root = node<Route>();
  for (const route of routes) {
    let parent = root;
    for (const segment of route.path.split("/").slice(1)) parent = descend(parent, segment);
    parent.routes.set(route.method, route);
    yield;
  }
  const firsts = [...root.literal.keys()].filter((first) => first !== "");

  return function match(method: string, segments: readonly string[]): Matched<Route> {
    const [first = "", second] = segments;
    const plural = aliases.get(first) ?? first;
    // A path built with a whole handle, `/contacts/contact/c_…`, means `/contacts/c_…`.
    const doubled = segments.length > 2 && aliases.get(second!) === plural;
    const path: Record<string, string> = {};
    const known = plural === first && !doubled ? segments : [plural, ...segments.slice(doubled ? 2 : 1)];
    const parent = walk(root, known, 0, path) ?? walk(root, withoutNames(known), 0, path);
    if (!parent) throw notFound(root, known, segments, firsts);
    const route = parent.routes.get(method === "HEAD" ? "GET" : method);
    if (route) return { route, path };
    const allowed = [...parent.routes.keys()].flatMap((each) => (each === "GET" ? ["GET", "HEAD"] : [each])).join(", ");
    const hints = [...withId(root, known, method), `this path knows ${allowed}`];
    throw new Problem("method_not_allowed", `${echo(method)} does not work here`, hints, { headers: { Allow: allowed } });
  };

  /** A handle further on, as in `/reminders/contact/c_…/done`, is two segments, and its id says as much. */
  function withoutNames(segments: readonly string[]): string[] {
    return segments.filter((segment, i) => i === 0 || i === segments.length - 1 || !aliases.has(segment));
  }
}

type Node<Route> = {
  literal: Map<string, Node<Route>>;
  named: { name: string; node: Node<Route> } | undefined;
  routes: Map<string, Route>;
};

function node<Route>(): Node<Route> {
  return { literal: new Map(), named: undefined, routes: new Map() };
}

function descend<Route>(parent: Node<Route>, segment: string): Node<Route> {
  const name = /^\{(\w+)\}$/.exec(segment)?.[1];
  if (name) {
    parent.named ??= { name, node: node() };
    return parent.named.node;
  }
  const next = parent.literal.get(segment) ?? node<Route>();
  parent.literal.set(segment, next);
  return next;
}

/** Walks the segments from `at` on. Values of `{name}` segments are put into `path`. */
function walk<Route>(
  parent: Node<Route>,
  segments: readonly string[],
  at: number,
  path: Record<string, string>,
): Node<Route> | undefined {
  const segment = segments[at];
  if (segment === undefined) return parent.routes.size > 0 ? parent : undefined;
  const literal = parent.literal.get(segment);
  const found = literal && walk(literal, segments, at + 1, path);
  if (found || !parent.named || segment === "") return found;
  const end = walk(parent.named.node, segments, at + 1, path);
  if (end) path[parent.named.name] = segment;
  return end;
}

function notFound<Route>(
  root: Node<Route>,
  known: readonly string[],
  segments: readonly string[],
  firsts: readonly string[],
): Problem {
  const near = nearest(segments[0] ?? "", firsts).filter((first) => first !== segments[0]);
  return new Problem("not_found", `there is no path ${echo(`/${segments.join("/")}`)}`, [
    ...(near.length > 0 ? [`did you mean /${near.join(" or /")}?`] : []),
    ...(segments.length === 1 ? elsewhere(root, segments[0]!) : []),
    ...below(root, known),
    "GET /help/routes tells all paths, GET /help what they are for",
  ]);
}

/** `POST /contacts/merge` leaves out the id: `/contacts/{id}/merge` is meant. */
function withId<Route>(root: Node<Route>, segments: readonly string[], method: string): string[] {
  const [first = "", last = ""] = segments;
  const named = segments.length === 2 ? root.literal.get(first)?.named : undefined;
  return named?.node.literal.get(last)?.routes.has(method) ? [`did you mean /${first}/{${named.name}}/${last}?`] : [];
}

const MOST_ELSEWHERE = 5;

/** `/duplicates` alone: what is called so stands below others. */
function elsewhere<Route>(root: Node<Route>, segment: string): string[] {
  const paths = [...root.literal].flatMap(([first, { literal, named }]) => [
    ...(literal.get(segment)?.routes.size ? [`/${first}/${segment}`] : []),
    ...(named?.node.literal.get(segment)?.routes.size ? [`/${first}/{${named.name}}/${segment}`] : []),
  ]);
  return segment !== "" && paths.length > 0 ? [`did you mean ${paths.slice(0, MOST_ELSEWHERE).join(" or ")}?`] : [];
}

const MOST_BELOW = 25;

/** What there is where the path leaves the known ones. */
function below<Route>(root: Node<Route>, segments: readonly string[]): string[] {
  let parent = root;
  let path = "";
  for (const segment of segments) {
    if (segment === "" && parent.named && path !== "") return [`an id is missing behind ${path}/`];
    const literal = parent.literal.get(segment);
    if (!literal && !parent.named) break;
    path += `/${literal ? segment : `{${parent.named!.name}}`}`;
    parent = literal ?? parent.named!.node;
  }
  if (path === "") return [];
  const names = [...parent.literal.keys()].slice(0, MOST_BELOW);
  if (names.length > 0) return [`below ${path} there is: ${names.join(", ")}`];
  return parent.routes.size === 0 ? [] : [`nothing is below ${path}; the path of a record is its handle: GET /<handle>`];
}
