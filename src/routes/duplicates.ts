import { BEGINNING, dismissPair, duplicatesOf, listDuplicates, type Pair, type Place } from "../db/records/duplicates.ts";
import { readPosition } from "../db/records/rows.ts";
import { cursor, limit } from "../derive/parameters.ts";
import { readLimit, single } from "../derive/query.ts";
import { createWholeView, type Row } from "../derive/view.ts";
import { tagsType } from "../fields/collections.ts";
import type { FieldType } from "../fields/type.ts";
import { boolean, required } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import { writeCursor } from "../kit/cursor.ts";
import { shortId } from "../kit/id.ts";
import { Problem } from "../kit/problem.ts";
import { derived } from "../records/derived.ts";
import type { Kind } from "../records/kind.ts";
import { type Authenticated, type Route, readPathId } from "../service/route.ts";
import { duplicate } from "../views/duplicate.ts";
import { listAnswer } from "./lists.ts";

const MOST = 200;
/** An id is that of both records. */
const shortPair = (id: string) => id.split("+").map(shortId).join("+");
const VIEW = createWholeView(duplicate, undefined, shortPair);

const PAIR: FieldType = { ...tagsType, expects: "two ids" };

/** Records that may be one: of the kinds that say what tells who somebody is. */
export const duplicateRoutes = derived((kind: Kind): Route[] =>
  !kind.identity
    ? []
    : [
        {
          method: "GET",
          path: `/${kind.plural}/duplicates`,
          about: `pairs of ${kind.plural} that may be one, surest first`,
          parameters: { limit: limit(MOST), cursor },
          answers: { is: "list", of: [duplicate] },
          handle: (context) => list(context, kind),
        },
        {
          method: "GET",
          path: `/${kind.plural}/{id}/duplicates`,
          about: `the ${kind.plural} that may be one with this one, surest first`,
          parameters: { limit: limit(MOST) },
          answers: { is: "list", of: [duplicate] },
          handle: (context) => ofOne(context, kind),
        },
        {
          method: "POST",
          path: `/${kind.plural}/duplicates/dismiss`,
          about: `say that two ${kind.plural} are not one: the pair is not shown again`,
          needs: "update",
          body: {
            is: "values",
            values: { pair: { type: PAIR, about: `the ids of both ${kind.plural}`, required: true } },
            example: { pair: [`${kind.prefix}_t4v6w8y0`, `${kind.prefix}_5h2k8m3q`] },
          },
          answers: { is: "message", values: { dismissed: required(boolean({ about: "false where the pair was already" })) } },
          refuses: ["not_found", "unprocessable"],
          handle: (context) => dismiss(context, kind),
        },
      ],
);

async function list(context: Authenticated, kind: Kind): Promise<Answer> {
  const { db, parameters, services, session } = context;
  const binding = [session.workspaceId, kind.plural, "duplicates"];
  const after = single(parameters, "cursor") || undefined;
  const from = after === undefined ? BEGINNING : (JSON.parse(readPosition(after, binding, services.seal).id) as Place);
  const most = readLimit(single(parameters, "limit"), MOST);
  const { pairs, rest } = await listDuplicates(db, session.workspaceId, kind, from, most);
  const write = (place: Place) => writeCursor({ value: null, id: JSON.stringify(place) }, binding, services.seal);
  return {
    is: "list",
    view: VIEW,
    rows: pairs.map((pair) => rowOf(kind, pair)),
    ending(shown) {
      const place = shown.length < pairs.length ? pairs[shown.length - 1]!.place : rest;
      return {
        nextCursor: place ? write(place) : null,
        summary: `${shown.length} ${shown.length === 1 ? "pair" : "pairs"}`,
        notes: rest && pairs.length < most ? ["there is more to look through: go on at once"] : [],
      };
    },
  };
}

function rowOf({ plural }: Kind, { a, b, sure, why }: Pair): Row {
  const [first, second] = [shortId(a.id), shortId(b.id)];
  const merge = `POST /${plural}/${first}/merge {"from":"${second}"}`;
  return [
    `${a.id}+${b.id}`,
    null,
    `${duplicate.name}/${shortPair(`${a.id}+${b.id}`)}`,
    a.title,
    b.title,
    String(sure),
    why,
    merge,
    a.id,
    b.id,
  ];
}

async function ofOne(context: Authenticated, kind: Kind): Promise<Answer> {
  const { db, parameters, path, session } = context;
  const most = readLimit(single(parameters, "limit"), MOST);
  const pairs = await duplicatesOf(db, session.workspaceId, kind, readPathId(kind, path.id!));
  const rows = pairs.slice(0, most).map((pair) => rowOf(kind, pair));
  return listAnswer(VIEW, { rows, more: pairs.length > most });
}

async function dismiss(context: Authenticated, kind: Kind): Promise<Answer> {
  const { db, author, body } = context;
  // As a list shows it, too: duplicate/c_…+c_….
  const pair = (body.values as { pair: string[] }).pair.flatMap((each) => each.replace(/^duplicate\//, "").split("+"));
  if (pair.length !== 2)
    throw new Problem("invalid_value", "a pair is two ids", `"pair":["${kind.prefix}_…","${kind.prefix}_…"]`);
  const [one, other] = pair.map((id) => readPathId(kind, id)) as [ReturnType<typeof readPathId>, ReturnType<typeof readPathId>];
  const { ids, isNew } = await dismissPair(db, author, kind, [one, other]);
  return {
    is: "message",
    message: `${ids.map(shortId).join(" and ")} are two ${kind.plural}: the pair is not shown again`,
    values: { dismissed: isNew },
  };
}
