import { readFileSync } from "node:fs";
import { FORMATS } from "../formats/all.ts";
import { createHeld } from "../kit/held.ts";
import { inTurns, writingJson } from "../kit/turns.ts";
import { writingOpenApi } from "../openapi/document.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Kind } from "../records/kind.ts";
import type { Route } from "../service/route.ts";

export const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** Own kinds that the document tells of. Making it takes some hundredths of a second for each, and 60 KB. */
const MOST_OWN = 25;

/** What documents that grow with the kinds tell of. `left`: own kinds that they leave out. */
export function toldOf(
  routes: readonly Route[],
  catalog: Catalog,
): { routes: readonly Route[]; catalog: Catalog; left: number } {
  const own = catalog.kinds.filter(({ shared }) => shared);
  if (own.length <= MOST_OWN) return { routes, catalog, left: 0 };
  const left = new Set(own.slice(MOST_OWN).map(({ plural }) => plural));
  const kinds = catalog.kinds.filter(({ plural }) => !left.has(plural));
  const told = routes.filter(({ path }) => !path.split("/").some((segment) => left.has(segment)));
  const lists = told.map((route): Route => (route.answers.is === "list" ? withKinds(route, kinds) : route));
  return { routes: lists, catalog: { ...catalog, kinds }, left: left.size };
}

/** A list of several kinds, such as a search, tells of those that the document has. */
function withKinds(route: Route, kinds: readonly Kind[]): Route {
  if (route.answers.is !== "list") return route;
  const of = route.answers.of.filter((kind) => !kind.shared || kinds.includes(kind));
  return { ...route, answers: { ...route.answers, of } };
}

/** The documents of all workspaces that are kept, in characters. */
export const documents = createHeld(64_000_000);

/** `routes` gives the whole table, of which this is a part. The document is made once for the kinds of a workspace. */
export function openApiRoutes(routes: () => readonly Route[], catalog: Catalog): Route[] {
  const key = {};
  return [
    {
      method: "GET",
      path: "/openapi.json",
      about: "the API as an OpenAPI 3.1 document",
      open: true,
      tailored: true,
      answers: { is: "json" },
      async handle({ services: { baseUrl } }) {
        const source = () => ({ ...toldOf(routes(), catalog), baseUrl, version, formats: FORMATS });
        const make = async () => inTurns(writingJson(await inTurns(writingOpenApi(source())), 3));
        return { is: "json", json: await documents.get(key, make) };
      },
    },
  ];
}
