import { single } from "../derive/query.ts";
import { describing, schemaLines } from "../derive/schema.ts";
import { text } from "../fields/vocabulary.ts";
import { gatherInTurns } from "../http/gather.ts";
import type { Answer } from "../http/reply.ts";
import { jsonParts } from "../kit/jsonPieces.ts";
import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import { each, inTurns } from "../kit/turns.ts";
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
    return written(JSON_SCHEMA, jsonParts(await inTurns(describingRecords(kinds)), 2));
  const schema = await inTurns(describing(kinds));
  if (style.format.name !== "json") return written(TEXT, schemaLines(schema));
  return written(JSON_TYPE, jsonParts(schema, 2, style.pretty ? 2 : 0));
}

async function written(type: string, parts: Iterator<string>): Promise<Answer> {
  return { is: "document", type, text: await gatherInTurns(parts, type === TEXT ? "" : "\n") };
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
function* describingRecords(kinds: readonly Kind[]): Generator<void, object, void> {
  const schemas = yield* each(kinds, (kind) => [kind.name, shownRecordSchema(kind)] as const);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $defs: Object.fromEntries(schemas),
    anyOf: kinds.map(({ name }) => ({ $ref: `#/$defs/${name}` })),
  };
}
