import type { Page } from "../db/rows.ts";
import type { ListQuery } from "../derive/query.ts";
import { createView, type View, viewsOf } from "../derive/render.ts";
import type { Answer } from "../http/reply.ts";
import type { RecordDefinition } from "../records/define.ts";
import type { Context } from "./route.ts";

/** The view of a list: what the caller chose; else the lines that matter for choosing, or in JSON all fields. */
export function listView({ style }: Context, definition: RecordDefinition, query: ListQuery): View {
  if (query.fields) return createView(definition, query.fields);
  return style.format === "json" ? viewsOf(definition).json : viewsOf(definition).list;
}

export function listAnswer(view: View, page: Page): Answer {
  const { rows, nextCursor, total, near } = page;
  const { name, plural } = view.definition;
  const shown = `${rows.length} ${rows.length === 1 ? name : plural}`;
  const counted = total && `${total.rows}${total.capped ? "+" : ""}`;
  return {
    is: "list",
    viewOf: () => view,
    rows,
    nextCursor,
    summary: counted === undefined ? shown : `${shown} of ${counted}`,
    ...(near && rows.length > 0 ? { notes: ["nothing has all these words; near misses:"] } : {}),
    facts: { ...(counted === undefined ? {} : { total: counted }), ...(near ? { near: true } : {}) },
  };
}
