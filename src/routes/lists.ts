import type { Page } from "../db/rows.ts";
import type { ListQuery } from "../derive/query.ts";
import { createView, type View, viewsOf } from "../derive/render.ts";
import type { Answer } from "../http/reply.ts";
import { counted } from "../kit/words.ts";
import type { RecordDefinition } from "../records/define.ts";
import type { Context } from "./route.ts";

/** The view of a list: what the caller chose; else the lines that matter for choosing, or in JSON all fields. */
export function listView({ style }: Context, definition: RecordDefinition, query: ListQuery): View {
  if (query.fields) return createView(definition, query.fields);
  return style.format === "json" ? viewsOf(definition).json : viewsOf(definition).list;
}

export function listAnswer(view: View, page: Page): Answer {
  const { rows, nextCursor, total, near } = page;
  const { plural } = view.definition;
  const all = total && `${total.rows}${total.capped ? "+" : ""}`;
  return {
    is: "list",
    viewOf: () => view,
    rows,
    nextCursor,
    summary: all === undefined ? counted(rows.length, view.definition) : `${rows.length} of ${all} ${plural}`,
    ...(near && rows.length > 0 ? { notes: ["nothing has all these words: these are near misses"] } : {}),
    facts: { ...(all === undefined ? {} : { total: all }), ...(near ? { near: true } : {}) },
  };
}
