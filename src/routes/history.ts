import { listChanges, listRecordChanges, streamChanges, streamRecordChanges } from "../db/records/history.ts";
import { readListQuery } from "../derive/query.ts";
import { viewsOf } from "../derive/view.ts";
import type { Answer } from "../http/reply.ts";
import { oneOf } from "../kit/words.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Kind } from "../records/kind.ts";
import { type Authenticated, type Route, readPathId } from "../service/route.ts";
import { change } from "../views/change.ts";
import { listAnswer, listView, streamAnswer } from "./lists.ts";
import { readableView } from "./readable.ts";
import { strangersAsked } from "./strangers.ts";

export function historyRoutes(catalog: Catalog): Route[] {
  return [
    {
      method: "GET",
      path: "/audit",
      about: "every change in the workspace, newest first",
      filters: { of: change, most: change.mostRows },
      answers: { is: "list", of: [change] },
      handle: audit,
    },
    ...catalog.kinds.map(
      (kind): Route => ({
        method: "GET",
        path: `/${kind.plural}/{id}/history`,
        about: `the changes of ${oneOf(kind.name)}, newest first; also when it is deleted`,
        filters: { of: change, most: change.mostRows },
        answers: { is: "list", of: [change] },
        handle: (context) => history(context, kind),
      }),
    ),
  ];
}

async function audit(context: Authenticated): Promise<Answer> {
  const query = readListQuery(change, context.parameters, context.reading, change.mostRows);
  const view = listView(context, change, query);
  const asked = [
    context.db,
    context.session.workspaceId,
    view,
    query,
    ["audit"],
    context.services.seal,
    shapes(context),
  ] as const;
  if (query.whole) return streamAnswer(view, await streamChanges(...asked));
  const page = await listChanges(...asked);
  return listAnswer(view, page, undefined, page.rows.length === 0 ? await strangersAsked(context, query.conditions) : []);
}

async function history(context: Authenticated, kind: Kind): Promise<Answer> {
  const { db, services } = context;
  const { seal } = services;
  const query = readListQuery(change, context.parameters, context.reading, change.mostRows);
  const view = listView(context, change, query);
  const of = { kind, reference: readPathId(kind, context.path.id!) };
  const asked = [db, context.session.workspaceId, view, query, ["history"], seal, shapes(context), of] as const;
  if (query.whole) return streamAnswer(view, await streamRecordChanges(...asked));
  return listAnswer(view, await listRecordChanges(...asked));
}

/** Whole records are shown as the reader would see them at their own address. */
export const shapes = (context: Authenticated) => (name: string) => {
  const kind = context.db.catalog.get(name);
  return kind && readableView(context, viewsOf(kind).json);
};
