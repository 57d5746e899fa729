import type { Operation } from "../derive/operation.ts";
import { atOnce } from "../kit/turns.ts";
import type { Kind } from "../records/kind.ts";
import { type ApiSource, operationId, operationOf, writingOpenApi } from "./document.ts";
import type { Json } from "./names.ts";
import { componentParameters, toldPath } from "./parameters.ts";
import { componentSchemas, shownKinds } from "./schemas.ts";

/** An operation, with its path and all else that the document tells of it. */
export type Told = { route: Operation; id: string; path: string; told: Json };

export type Parameter = { name: string; in: string; required?: boolean; description?: string; example?: unknown; schema: Json };

/** The document as programs read it that make something else of it. */
export type Reading = {
  operations: Told[];
  kinds: readonly Kind[];
  components: Record<string, Record<string, Json>>;
  /** What a reference to a component stands for. */
  resolve: (each: Json) => Json;
};

/** What references of one operation stand for, and the operation, without the rest of the document. */
export function readOperation(
  route: Operation,
  { kinds, plurals, formats }: Shared,
): Pick<Reading, "resolve"> & { told: Told } {
  const groups: Record<string, () => Json> = {
    parameters: once(() => atOnce(componentParameters([route]))),
    // Of its body alone: a search answers with every kind.
    schemas: once(() => atOnce(componentSchemas([{ ...route, answers: { is: "json" } }]))),
  };
  const told = operationOf(route, kinds, plurals, formats);
  return {
    told: { route, id: operationId(route, kinds), path: toldPath(route.path, kinds), told },
    resolve(each) {
      const [, group, name] = REFERENCE.exec(String(each["$ref"])) ?? [];
      return group && name && groups[group] ? (groups[group]()[name] as Json) : each;
    },
  };
}

/** What all operations of a document have in common. */
export type Shared = Pick<ApiSource, "formats"> & { kinds: readonly Kind[]; plurals: ReadonlySet<string> };

const REFERENCE = /^#\/components\/(\w+)\/(.+)$/;

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

export function* readingDocument(source: ApiSource): Generator<void, Reading, void> {
  const routes = source.routes.filter(({ standard }) => !standard);
  const document = yield* writingOpenApi(source);
  const components = document["components"] as Reading["components"];
  const paths = document["paths"] as Record<string, Record<string, Json>>;
  const kinds = shownKinds(routes);
  const operations = routes.map((route): Told => {
    const path = toldPath(route.path, kinds);
    return { route, id: operationId(route, kinds), path, told: paths[path]![route.method.toLowerCase()]! };
  });
  return {
    operations,
    kinds,
    components,
    resolve(each) {
      const [, group, name] = REFERENCE.exec(String(each["$ref"])) ?? [];
      return group && name ? components[group]![name]! : each;
    },
  };
}
