import { usedKinds } from "../db/kinds/kinds.ts";
import { joiningOf } from "../db/records/joined.ts";
import { countKinds, type KindCounts, sumOpen } from "../db/records/overview.ts";
import type { Answer } from "../http/reply.ts";
import { formatLine, type Pair } from "../kit/line.ts";
import { toTimestamp } from "../kit/time.ts";
import type { Kind } from "../records/kind.ts";
import type { Authenticated, Route } from "../service/route.ts";
import { mayRead } from "./readable.ts";
import { talliesOf, tallyOf } from "./standings.ts";

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json; charset=utf-8";

export const overviewRoutes: Route[] = [
  {
    method: "GET",
    path: "/overview",
    about: "the workspace in one answer: how many records, what is open and due, the pipeline, the campaigns",
    needs: "member",
    answers: { is: "document", type: TEXT, also: ["application/json"] },
    handle: overview,
  },
];

/** Of those that things are put into, so many with most left to do; the others are in lists of their own. */
const MOST_TALLIES = 20;

/** Of the kinds that the token may read. Those of the workspace's own that have records are among them. */
async function overview(context: Authenticated): Promise<Answer> {
  const { db, session, style, reading } = context;
  const { workspaceId } = session;
  const readable = db.catalog.kinds.filter((kind) => mayRead(context, kind));
  const used = readable.some(({ shared }) => shared) ? await usedKinds(db.pool, workspaceId) : new Set<string>();
  const kinds = readable.filter(({ shared, name }) => !shared || used.has(name));
  const counts = await countKinds(db, workspaceId, kinds, toTimestamp(reading.now));
  const sums: Sum[] = [];
  for (const kind of kinds.filter(({ pipeline }) => pipeline))
    for (const [per, many, amount] of await sumOpen(db, workspaceId, kind))
      sums.push({ kind, per: per as string | null, many: many as number, amount: amount as string });
  const told: Told[] = [];
  for (const kind of kinds.filter(({ joins }) => joins)) {
    const joining = joiningOf(kind);
    if (!mayRead(context, joining.into.target)) continue;
    const rows = await talliesOf(context, joining, MOST_TALLIES);
    const { view } = tallyOf(kind);
    told.push({
      plural: joining.into.target.plural,
      lines: rows.map((row) => view.line(row, style.showing)),
      items: rows.map((row) => JSON.parse(view.json(row, style.showing)) as unknown),
    });
  }
  if (style.format.name !== "json") return { is: "document", type: TEXT, text: textOf(counts, sums, told) };
  const json = JSON.stringify(jsonOf(counts, sums, told), null, style.pretty ? 2 : undefined);
  return { is: "document", type: JSON_TYPE, text: `${json}\n` };
}

type Sum = { kind: Kind; per: string | null; many: number; amount: string };
type Told = { plural: string; lines: readonly string[]; items: readonly unknown[] };

const FIGURES = ["records", "open", "due"] as const;

/** Of each figure, those kinds that have it. */
const figured = (counts: readonly KindCounts[], figure: (typeof FIGURES)[number]): [string, number][] =>
  counts.flatMap(({ kind, [figure]: many }) => (many === null ? [] : [[kind.plural, many]]));

function textOf(counts: readonly KindCounts[], sums: readonly Sum[], told: readonly Told[]): string {
  const due = figured(counts, "due").reduce((all, [, many]) => all + many, 0);
  const lines = [
    ...FIGURES.map((figure) =>
      formatLine(
        figure,
        figured(counts, figure).map(([name, many]): Pair => [name, String(many)]),
      ),
    ),
    ...sums.map(({ kind, per, many, amount }) =>
      formatLine("pipeline", [
        [kind.plural, String(many)],
        [`sum_${kind.sums!.amount}`, amount],
        ...(per === null ? [] : [[kind.sums!.per, per] satisfies Pair]),
      ]),
    ),
    ...told.flatMap(({ lines }) => lines),
    `# ${due} due: GET /reminders; open and due are of now`,
    ...told
      .filter(({ lines }) => lines.length === MOST_TALLIES)
      .map(({ plural }) => `# the ${MOST_TALLIES} with most to do; more: GET /${plural}/counts`),
  ];
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

const jsonOf = (counts: readonly KindCounts[], sums: readonly Sum[], told: readonly Told[]) => ({
  ...Object.fromEntries(FIGURES.map((figure) => [figure, Object.fromEntries(figured(counts, figure))])),
  pipeline: sums.map(({ kind, per, many, amount }) => ({
    [kind.plural]: many,
    [`sum_${kind.sums!.amount}`]: Number(amount),
    [kind.sums!.per]: per,
  })),
  ...Object.fromEntries(told.map(({ plural, items }) => [plural, items])),
});
