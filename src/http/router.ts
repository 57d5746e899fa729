import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";

export type Matched<Route> = { route: Route; path: Record<string, string> };

/**
 * Finds the route for a method and path segments. A literal segment wins over a `{name}`; `aliases` gives other names for the first
 * segment, so that a handle is a path: `/contact/c_…` is `/contacts/c_…`.
 */
export function createRouter<Route extends { method: string; path: string }>(
  routes: readonly Route[],
  aliases: ReadonlyMap<string, string>,
) {
  const root = node<Route>();
  for (const route of routes) {
    let place = root;
    for (const segment of route.path.split("/").slice(1)) place = descend(place, segment);
    place.routes.set(route.method, route);
  }
  const firsts = [...root.literal.keys()].filter((first) => first !== "");

  return function match(method: string, segments: readonly string[]): Matched<Route> {
    const [first = "", second = "", ...others] = segments;
    const plural = aliases.get(first) ?? first;
    // `/contacts/contact/c_…`, a path with a whole handle put in, is `/contacts/c_…`.
    const rest = others.length > 0 && aliases.get(second) === plural ? others : segments.slice(1);
    const found = walk(root, [plural, ...rest], {});
    if (!found) throw notFound(segments, firsts);
    const allowed = [...found.place.routes.keys()].flatMap((known) => (known === "GET" ? ["GET", "HEAD"] : [known]));
    const route = found.place.routes.get(method === "HEAD" ? "GET" : method);
    if (route) return { route, path: found.path };
    throw new Problem("method_not_allowed", `${echo(method)} does not work here`, `this path knows ${allowed.join(", ")}`, {
      headers: { Allow: allowed.join(", ") },
    });
  };
}

type Node<Route> = {
  literal: Map<string, Node<Route>>;
  named: { name: string; node: Node<Route> } | undefined;
  routes: Map<string, Route>;
};

function node<Route>(): Node<Route> {
  return { literal: new Map(), named: undefined, routes: new Map() };
}

function descend<Route>(place: Node<Route>, segment: string): Node<Route> {
  const name = /^\{(\w+)\}$/.exec(segment)?.[1];
  if (name) {
    place.named ??= { name, node: node() };
    return place.named.node;
  }
  const next = place.literal.get(segment) ?? node<Route>();
  place.literal.set(segment, next);
  return next;
}

function walk<Route>(
  place: Node<Route>,
  segments: readonly string[],
  path: Record<string, string>,
): { place: Node<Route>; path: Record<string, string> } | undefined {
  const [first, ...rest] = segments;
  if (first === undefined) return place.routes.size > 0 ? { place, path } : undefined;
  const literal = place.literal.get(first);
  const found = literal && walk(literal, rest, path);
  if (found || !place.named || first === "") return found;
  return walk(place.named.node, rest, { ...path, [place.named.name]: first });
}

function notFound(segments: readonly string[], firsts: readonly string[]): Problem {
  const near = nearest(segments[0] ?? "", firsts).filter((first) => first !== segments[0]);
  return new Problem("not_found", `there is no path ${echo(`/${segments.join("/")}`)}`, [
    ...(near.length > 0 ? [`did you mean /${near.join(" or /")}?`] : []),
    "GET /help tells all paths",
  ]);
}
