import { groupRows } from "../db/records/groups.ts";
import { type Grouping, groupFields, MOST_GROUPS } from "../derive/grouping.ts";
import type { ListQuery } from "../derive/query.ts";
import { createView, type View } from "../derive/view.ts";
import { SPEAKING } from "../formats/all.ts";
import { notAcceptable } from "../http/accept.ts";
import type { Answer } from "../http/reply.ts";
import type { Field, Kind } from "../records/kind.ts";
import type { Authenticated } from "../service/route.ts";
import { mayRead, refuseUnreadable } from "./readable.ts";

/** A list that is added up: one line a group, `group stage=demo deals=15 sum_amount_cents=27500000 currency=USD`. */
export async function groupAnswer(context: Authenticated, kind: Kind, query: ListQuery, asked: Grouping): Promise<Answer> {
  const { db, session, style, reading } = context;
  const grouping = readable(context, asked);
  refuseUnreadable(context, { ...query, fields: [] });
  if (style.format.name === "vcard") throw notAcceptable(style.format.name, SPEAKING);
  const { rows, more } = await groupRows(db, session.workspaceId, kind, query, grouping, reading.zone);
  const view = groupView(kind, grouping);
  const counted = view.cells.find(({ name }) => name === grouping.count.name)!.at;
  const all = rows.reduce((sum, row) => sum + (row[counted] as number), 0);
  const notes = more ? [`there are more groups: this is the first ${rows.length}${beyond(rows.length)}`] : [];
  return {
    is: "list",
    view,
    rows,
    ending: () => ({ nextCursor: null, summary: summaryOf(kind, rows.length, more ? undefined : all), notes }),
    uncut: true,
  };
}

const beyond = (shown: number) =>
  shown < MOST_GROUPS ? `; limit= takes up to ${MOST_GROUPS}` : "; filter the list, or group it by less";

const summaryOf = ({ name, plural }: Kind, groups: number, rows: number | undefined) =>
  `${groups} ${groups === 1 ? "group" : "groups"}${rows === undefined ? "" : ` of ${rows} ${rows === 1 ? name : plural}`}`;

/** A link that was asked for by its id is shown without the name where the token may not read that. */
function readable(context: Authenticated, grouping: Grouping): Grouping {
  const asked = grouping.by.flatMap(({ via, field }) =>
    via ? [{ via, field, predicate: { is: "eq" as const, value: "" } }] : [],
  );
  refuseUnreadable(context, { conditions: asked, fields: grouping.by.map(({ field }) => field) });
  const by = grouping.by.map((key) => {
    const { link } = key.field;
    return !link || key.via || mayRead(context, link.target) ? key : { ...key, shown: [link.id] };
  });
  return { ...grouping, by };
}

/** A group has no handle: its line begins with the word, and JSON holds its values alone. */
function groupView(kind: Kind, grouping: Grouping): View {
  const fields: Field[] = groupFields(grouping).map(({ column: _, ...field }) => field);
  return createView({ ...kind, name: "group", nameless: true, fields }, fields);
}
