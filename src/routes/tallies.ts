import { type Joining, joiningOf } from "../db/records/joined.ts";
import { tallyRows } from "../db/records/overview.ts";
import { limit } from "../derive/parameters.ts";
import { readLimit, single } from "../derive/query.ts";
import { createWholeView, type Row, type View } from "../derive/view.ts";
import { countType, textType } from "../fields/text.ts";
import { required, tags, text } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import { shortId } from "../kit/id.ts";
import { toTimestamp } from "../kit/time.ts";
import { counted } from "../kit/words.ts";
import type { Catalog } from "../records/catalog.ts";
import { defineView } from "../records/define.ts";
import { derived } from "../records/derived.ts";
import type { Kind } from "../records/kind.ts";
import { permit } from "../service/permit.ts";
import type { Authenticated, Route } from "../service/route.ts";
import { readAmong, statesOf } from "./joined.ts";

const MOST = 200;

/** `/campaigns/counts`: how far each of those is that things are put into, in one request. */
export const tallyRoutes = ({ kinds }: Catalog): Route[] =>
  kinds
    .filter(({ joins }) => joins)
    .map((kind): Route => {
      const joining = joiningOf(kind);
      const { plural, name } = joining.into.target;
      return {
        method: "GET",
        path: `/${plural}/counts`,
        kind,
        about: `how many ${kind.joins!.as} each ${name} has of each ${kind.joins!.state}, where most is left to do first`,
        parameters: { [plural]: tags({ about: `only these ${plural}: a comma list of ids` }), limit: limit(MOST) },
        refuses: ["not_found"],
        answers: { is: "list", of: [tallyOf(kind).kind] },
        handle: (context) => tallies(context, joining),
      };
    });

async function tallies(context: Authenticated, joining: Joining): Promise<Answer> {
  const { into, kind } = joining;
  permit(context.session, { verb: "read", plural: into.target.plural });
  const among = await readAmong(context, joining);
  const most = among ? MOST : readLimit(single(context.parameters, "limit"), MOST);
  const rows = await talliesOf(context, joining, most + 1, among);
  const shown = rows.slice(0, most);
  const more = rows.length > most ? [`there are more: name some with ${into.target.plural}=`] : [];
  return {
    is: "list",
    view: tallyOf(kind).view,
    rows: shown,
    ending: () => ({ nextCursor: null, summary: counted(shown.length, into.target), notes: more }),
    uncut: true,
  };
}

/** Rows of the view of `tallyOf`. */
export async function talliesOf(
  { db, session, reading }: Authenticated,
  joining: Joining,
  most: number,
  among?: readonly string[],
): Promise<Row[]> {
  const { kind, into } = joining;
  const now = toTimestamp(reading.now);
  const rows = await tallyRows(db, session.workspaceId, joining, among, statesOf(kind), now, most);
  return rows.map(([id, version, , ...rest]) => [id, version, `${into.target.name}/${shortId(id as string)}`, ...rest]);
}

export const tallyOf = derived((of: Kind): { kind: Kind; view: View } => {
  const { into } = joiningOf(of);
  const { name, prefix } = into.target;
  const { as, by } = of.joins!;
  const states = statesOf(of);
  const count = (about: string) => required({ type: countType, about });
  const kind = defineView({
    name: "tally",
    plural: "tallies",
    prefix: "ty",
    about: `How far one ${name} is.`,
    title: "name",
    order: as,
    unfiltered: true,
    fields: {
      id: { type: textType(80), about: "the whole id", always: true, shown: "json", column: "id" },
      handle: { type: textType(80), about: `the ${name}`, always: true, shown: "json" },
      name: text({ about: "what it is called" }),
      [as]: count("how many in all"),
      open: count("how many there is still something to do for"),
      due: count("how many of these are due by now"),
      unassigned: count(`how many of the open ones have no ${by}`),
      ...Object.fromEntries(states.map((state) => [state, count(`how many are ${state}`)])),
    },
    example: {
      id: `${prefix}_01k9x2v7m3q8r0s2n5t4v6w8y0`,
      handle: `${name}/${prefix}_t4v6w8y0`,
      name: "Spring 2026",
      [as]: 40,
      open: 31,
      due: 3,
      unassigned: 5,
      ...Object.fromEntries(states.map((state) => [state, 8])),
    },
  });
  return { kind, view: createWholeView(kind, () => name) };
});
