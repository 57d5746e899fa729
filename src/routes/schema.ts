import { single } from "../derive/query.ts";
import { describing, writingSchema } from "../derive/schema.ts";
import { text } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import { each, inTurns, writingJson } from "../kit/turns.ts";
import { shownRecordSchema } from "../openapi/schemas.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Kind } from "../records/kind.ts";
import type { Authenticated, Route } from "../service/route.ts";

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json; charset=utf-8";
const JSON_SCHEMA = "application/schema+json";

export const schemaRoutes: Route[] = [
  {
    method: "GET",
    path: "/schema",
    about: "every kind with its fields, types, links and operators, and the tables of /sql",
    needs: "member",
    parameters: { kind: text({ about: "only this kind, by name or path" }) },
    answers: { is: "document", type: TEXT, also: ["application/json", JSON_SCHEMA] },
    handle: show,
  },
];

/** Text unless Accept or `format=` asks for JSON, or Accept for JSON Schema. */
async function show({ db, parameters, style, headers }: Authenticated): Promise<Answer> {
  const kinds = kindsAsked(db.catalog, single(parameters, "kind"));
  if (/application\/schema\+json/i.test(headers.accept ?? ""))
    return { is: "document", type: JSON_SCHEMA, text: `${await inTurns(writingJsonSchema(kinds))}\n` };
  const schema = await inTurns(describing(kinds));
  if (style.format.name !== "json") return { is: "document", type: TEXT, text: await inTurns(writingSchema(schema)) };
  return { is: "document", type: JSON_TYPE, text: `${JSON.stringify(schema, null, style.pretty ? 2 : undefined)}\n` };
}

function kindsAsked({ kinds, get, byPlural }: Catalog, asked: string | undefined): readonly Kind[] {
  if (asked === undefined || asked === "") return kinds;
  const kind = get(asked) ?? byPlural(asked);
  if (kind) return [kind];
  const names = kinds.map(({ name }) => name);
  const near = nearest(asked, names);
  throw new Problem(
    "invalid_value",
    `there is no kind ${echo(asked)}`,
    `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}kinds: ${names.join(", ")}`,
  );
}

/** https://json-schema.org/draft/2020-12: the records as answers show them, by the name of their kind. */
function* writingJsonSchema(kinds: readonly Kind[]): Generator<void, string, void> {
  const schemas = yield* each(kinds, (kind) => [kind.name, shownRecordSchema(kind)] as const);
  const document = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $defs: Object.fromEntries(schemas),
    anyOf: kinds.map(({ name }) => ({ $ref: `#/$defs/${name}` })),
  };
  return yield* writingJson(document, 2);
}
