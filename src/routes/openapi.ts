import { readFileSync } from "node:fs";
import type { Named } from "../derive/operation.ts";
import { single } from "../derive/query.ts";
import { text } from "../fields/vocabulary.ts";
import { FORMATS } from "../formats/all.ts";
import { json as jsonFormat } from "../formats/json.ts";
import { gatherInTurns } from "../http/gather.ts";
import { createHeld } from "../kit/held.ts";
import { jsonParts } from "../kit/jsonPieces.ts";
import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import { each, inTurns } from "../kit/turns.ts";
import { writingOpenApi } from "../openapi/document.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Kind } from "../records/kind.ts";
import type { Context, Route } from "../service/route.ts";

export const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** Own kinds that the document tells of. Making it takes some hundredths of a second for each, and 60 KB. */
const MOST_OWN = 25;

/** Own kinds that a document is to tell of, by the path or the name of each. */
export const ONLY: Named = {
  only: text({ about: `of own kinds just these, with commas, at most ${MOST_OWN}; without it the first ${MOST_OWN}` }),
};

function readOnly({ parameters }: Context, { kinds }: Catalog): ReadonlySet<Kind> | undefined {
  const asked = single(parameters, "only");
  if (asked === undefined) return undefined;
  const own = kinds.filter(({ shared }) => shared);
  const names = asked.split(",").map((name) => name.trim());
  const told = new Set(names.flatMap((name) => own.find((kind) => kind.plural === name || kind.name === name) ?? []));
  const unknown = names.find((name) => !own.some((kind) => kind.plural === name || kind.name === name));
  if (unknown !== undefined) {
    const near = nearest(
      unknown,
      own.map(({ plural }) => plural),
    );
    throw new Problem("invalid_value", `there is no kind of your own ${echo(unknown)}`, [
      `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}GET /kinds lists them; the others are always told of`,
    ]);
  }
  if (told.size <= MOST_OWN) return told;
  throw new Problem("invalid_value", `only names ${told.size} kinds`, `at most ${MOST_OWN} at once: get several documents`);
}

type Told = { routes: readonly Route[]; catalog: Catalog; left: number };

/** What documents that grow with the kinds tell of. `left`: own kinds that they leave out. */
export function* telling(
  routes: readonly Route[],
  catalog: Catalog,
  only: ReadonlySet<Kind> | undefined,
): Generator<void, Told, void> {
  const own = catalog.kinds.filter(({ shared }) => shared);
  const told = only ?? new Set(own.slice(0, MOST_OWN));
  const left = new Set(own.filter((kind) => !told.has(kind)).map(({ plural }) => plural));
  if (left.size === 0) return { routes, catalog, left: 0 };
  const kinds = catalog.kinds.filter(({ plural }) => !left.has(plural));
  const some = yield* each(routes, (route): Route[] => {
    if (route.path.split("/").some((segment) => left.has(segment))) return [];
    return [route.answers.is === "list" ? withKinds(route, kinds) : route];
  });
  return { routes: some.flat(), catalog: { ...catalog, kinds }, left: left.size };
}

/** Makes a document once for each choice of kinds. */
export function tellingOnce(routes: () => readonly Route[], catalog: Catalog) {
  const keys = new Map<string, object>();
  return (context: Context, make: (told: Told) => Promise<Buffer>): Promise<Buffer> => {
    const only = readOnly(context, catalog);
    const name = only ? [...only].map(({ plural }) => plural).join() : "";
    const key = keys.get(name) ?? {};
    if (keys.size >= MOST_CHOICES) keys.clear();
    keys.set(name, key);
    return documents.get(key, async () => make(await inTurns(telling(routes(), catalog, only))));
  };
}

/** Choices of kinds whose documents are found again. */
const MOST_CHOICES = 100;

/** A list of several kinds, such as a search, tells of those that the document has. */
function withKinds(route: Route, kinds: readonly Kind[]): Route {
  if (route.answers.is !== "list") return route;
  const of = route.answers.of.filter((kind) => !kind.shared || kinds.includes(kind));
  return { ...route, answers: { ...route.answers, of } };
}

/** The documents of all workspaces that are kept, in bytes. */
export const documents = createHeld(64_000_000);

/** `routes` gives the whole table, of which this is a part. The document is made once for the kinds of a workspace. */
export function openApiRoutes(routes: () => readonly Route[], catalog: Catalog): Route[] {
  const told = tellingOnce(routes, catalog);
  return [
    {
      method: "GET",
      path: "/openapi.json",
      about: "the API as an OpenAPI 3.1 document",
      open: true,
      tailored: true,
      parameters: ONLY,
      answers: { is: "json" },
      async handle(context) {
        const { baseUrl } = context.services;
        const document = await told(context, async ({ left: _, ...source }: Told) =>
          gatherInTurns(jsonParts(await inTurns(writingOpenApi({ ...source, baseUrl, version, formats: FORMATS })), 3), "\n"),
        );
        return { is: "document", type: jsonFormat.contentType, text: document };
      },
    },
  ];
}
