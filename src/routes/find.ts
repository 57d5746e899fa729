import { leadsFrom, leadsInstead } from "../derive/leads.ts";
import { type Scope, scopeOf } from "../derive/operation.ts";
import { FORMATS } from "../formats/all.ts";
import type { Format } from "../formats/format.ts";
import { encodeProblem } from "../http/reply.ts";
import { creatingRouter, type Matched } from "../http/router.ts";
import type { Target } from "../http/target.ts";
import { Problem } from "../kit/problem.ts";
import type { Catalog } from "../records/catalog.ts";
import { derivedInTurns } from "../records/derived.ts";
import { negotiates, readSuffix } from "../service/negotiation.ts";
import type { Refuse, Route } from "../service/route.ts";
import { calendar } from "../views/calendar.ts";
import { delivery } from "../views/delivery.ts";
import { savedList } from "../views/list.ts";
import { proposal } from "../views/proposal.ts";
import { token } from "../views/token.ts";
import { webhook } from "../views/webhook.ts";
import { workspace } from "../views/workspace.ts";
import { creatingRoutes } from "./table.ts";

/** The API as a workspace has it: its routes, and what follows from them. */
type Api = {
  match: (method: string, segments: readonly string[]) => Matched<Route>;
  /** The paths as declared. */
  paths: ReadonlySet<string>;
  formats: (route: Route) => readonly Format[];
  scope: (route: Route) => Scope | undefined;
  /** How a path that is no route is refused: in the form of those beside it. */
  refusal: (path: string) => Refuse;
};

export const apiIn = derivedInTurns(creatingApi);

function* creatingApi(catalog: Catalog): Generator<void, Api, void> {
  const aliases = new Map(
    [...catalog.kinds, token, workspace, calendar, webhook, delivery, proposal, savedList].map(({ name, plural }) => [
      name,
      plural,
    ]),
  );
  const routes = yield* creatingRoutes(catalog);
  const match = yield* creatingRouter(routes, aliases);
  const refusals = new Map(routes.flatMap(({ below, refuse }) => (below && refuse ? [[below, refuse] as const] : [])));
  return {
    match(method, segments) {
      try {
        return match(method, segments);
      } catch (error) {
        throw error instanceof Problem ? ledOn(error, catalog, method, segments) : error;
      }
    },
    paths: new Set(routes.map(({ path }) => path)),
    formats: once((route) => FORMATS.filter((format) => format.shows(route))),
    scope: once((route) => scopeOf(route, catalog.plurals)),
    refusal(path) {
      for (const [below, refuse] of refusals) if (path === below || path.startsWith(`${below}/`)) return refuse;
      return encodeProblem;
    },
  };
}

/** With what the kinds tell of it, before what the paths do. */
function ledOn(problem: Problem, catalog: Catalog, method: string, segments: readonly string[]): Problem {
  const leads = problem.code === "not_found" ? leadsFrom(catalog, segments) : leadsInstead(catalog, method, segments);
  const { code, message, hints, headers } = problem;
  return leads.length === 0 ? problem : new Problem(code, message, [...leads, ...hints], { headers });
}

/** Worked out when a route is first asked for. Of many kinds, few routes ever are. */
function once<Made>(make: (route: Route) => Made): (route: Route) => Made {
  const made = new Map<Route, Made>();
  return (route) => {
    if (!made.has(route)) made.set(route, make(route));
    return made.get(route)!;
  };
}

type Found = Matched<Route> & { suffix?: Format | undefined };

/** `/contacts.csv` is `/contacts` as CSV, unless a path of its own is called so. */
export function find({ match, paths }: Api, method: string, { path, segments }: Target): Found {
  const { stem, suffix } = readSuffix(segments);
  const reads = method === "GET" || method === "HEAD";
  if (suffix === undefined || !reads || paths.has(path)) return match(method, segments);
  const found = match(method, stem);
  return negotiates(found.route) ? { ...found, suffix } : match(method, segments);
}

/** What is found, or the refusal. */
export function lookFor(api: Api, method: string, target: Target): Found | Problem {
  try {
    return find(api, method, target);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

export function matchedOf(found: Found | Problem): Found {
  if ("route" in found) return found;
  throw found;
}
