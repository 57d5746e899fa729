import { resolveId } from "../db/records/references.ts";
import { readPosition } from "../db/records/rows.ts";
import { listTimeline } from "../db/records/timeline.ts";
import { cursor, limit } from "../derive/parameters.ts";
import { readLimit, single } from "../derive/query.ts";
import { type Source, timelineOf } from "../derive/timeline.ts";
import { type Row, type View, viewsOf } from "../derive/view.ts";
import { textType } from "../fields/text.ts";
import type { Answer } from "../http/reply.ts";
import { writeCursor } from "../kit/cursor.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import { oneOf } from "../kit/words.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Kind } from "../records/kind.ts";
import { type Authenticated, type Route, readPathId } from "../service/route.ts";
import { change } from "../views/change.ts";
import { mayRead, readableView } from "./readable.ts";

const MOST = 200;

/** Own kinds that stand on a timeline where none are named. */
const MOST_OWN = 10;

/** `GET /contacts/{id}/timeline`, of a kind of which something is told. */
export function timelineRoutes(kind: Kind, catalog: Catalog): Route[] {
  const sources = timelineOf(kind, catalog);
  if (sources.length === 0) return [];
  const names = sources.map((source) => source.kind.name);
  return [
    {
      method: "GET",
      path: `/${kind.plural}/{id}/timeline`,
      about: `what happened with ${oneOf(kind.name)}, newest first: ${told(sources)}`,
      parameters: {
        kind: { type: textType(8_000, `a comma list of ${names.join(", ")}`), about: "of these kinds only" },
        limit: limit(MOST),
        cursor,
      },
      answers: { is: "list", of: shownBy(sources) },
      handle: (context) => timeline(context, kind),
    },
  ];
}

/** The kinds of what is shown. */
const shownBy = (sources: readonly Source[]): Kind[] => [
  ...new Set(sources.map(({ is, kind }) => (is === "changes" ? change : kind))),
];

/** `activities, tasks, emails and changes of deals` */
function told(sources: readonly Source[]): string {
  const builtIn = sources.filter(({ is, kind }) => is === "changes" || !kind.shared);
  const names = builtIn.map(({ is, kind, ...rest }) => {
    if (is !== "changes") return kind.plural;
    return "link" in rest && rest.link ? `changes of ${kind.plural}` : "its own changes";
  });
  if (builtIn.length < sources.length) names.unshift("records of your own kinds that link to it");
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

async function timeline(context: Authenticated, kind: Kind): Promise<Answer> {
  const { db, services, session, parameters, path, style } = context;
  const { asked, left } = readKinds(timelineOf(kind, db.catalog), single(parameters, "kind"));
  const sources = asked.filter((source) => mayRead(context, source.kind));
  const hidden = asked.filter((source) => !sources.includes(source)).map((source) => source.kind.plural);
  const most = readLimit(single(parameters, "limit"), MOST);
  const of = await resolveId(db, session.workspaceId, kind, readPathId(kind, path.id!));
  const list = [session.workspaceId, "timeline", of, ...sources.map((source) => source.kind.name)];
  const after = single(parameters, "cursor") || undefined;
  const position = after === undefined ? undefined : readPosition(after, list, services.seal);
  const viewOf = (source: Source): View => {
    const views = viewsOf(source.is === "changes" ? change : source.kind);
    return readableView(context, style.format.allFields ? views.json : views.list);
  };
  const { entries, more } = await listTimeline(db, session.workspaceId, { of, sources, view: viewOf, position, limit: most });
  const views = new Map<Row, View>(entries.map(({ row, view }) => [row, view]));
  return {
    is: "list",
    // A table has one head.
    view: shownBy(asked).length === 1 ? viewOf(asked[0]!) : (row) => views.get(row)!,
    rows: entries.map(({ row }) => row),
    ending(shown) {
      const last = entries[shown.length - 1];
      const goesOn = more || shown.length < entries.length;
      return {
        nextCursor: goesOn && last ? writeCursor(last.position, list, services.seal) : null,
        summary: `${shown.length} ${shown.length === 1 ? "entry" : "entries"}`,
        notes: [
          ...(hidden.length > 0 ? [`the token may not read ${hidden.join(", ")}: they are left out`] : []),
          ...(left > 0 ? [`${left} more kinds of your own link to it: kind= names those to show`] : []),
        ],
      };
    },
  };
}

/** `left`: how many sources are left out because nobody has named them. */
function readKinds(sources: readonly Source[], asked: string | undefined): { asked: readonly Source[]; left: number } {
  if (asked === undefined) {
    const left = new Set(sources.filter(({ is, kind }) => is === "linked" && kind.shared).slice(MOST_OWN));
    return { asked: sources.filter((source) => !left.has(source)), left: left.size };
  }
  const names = asked.split(",").map((name) => name.trim().toLowerCase());
  const named = (name: string) =>
    sources.filter(({ is, kind: each }) =>
      [each.name, each.plural, ...(is === "changes" ? [change.name, change.plural] : [])].includes(name),
    );
  const unknown = names.find((name) => named(name).length === 0);
  if (unknown !== undefined)
    throw new Problem(
      "invalid_value",
      `kind cannot be ${echo(unknown)}`,
      `kind is one or several of ${sources.map((source) => source.kind.name).join(", ")}`,
    );
  return { asked: sources.filter((source) => names.some((name) => named(name).includes(source))), left: 0 };
}
