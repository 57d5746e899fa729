import { marked, marksOf, whereIn } from "../../db/imports/analysis.ts";
import { holdersOf } from "../../db/imports/write.ts";
import { joiningOf } from "../../db/records/joined.ts";
import type { Told } from "../../formats/format.ts";
import { shortId } from "../../kit/id.ts";
import type { Kind } from "../../records/kind.ts";
import type { Job } from "./job.ts";
import type { Passed, Rows } from "./judge.ts";

/** Keys of rows that are kept, by which later ones are found to be doubles. */
const MOST_KEPT = 300_000;

/**
 * What is known of the rows of a file before it is imported: whose record is there already, what that has been put into, and which rows are
 * doubles of earlier ones. Where only a mark tells so - a phone, a name - the record is `likely`, not `known`.
 */
export type Analysis = {
  look: (tx: Rows, kind: Kind, passed: readonly Passed[]) => Promise<Told[]>;
  ending: () => Told;
};

/** What came of one row. */
type Finding = { id?: string; why?: string; sure: boolean; double?: number; doubleWhy?: string };

export function createAnalysis(job: Job): Analysis {
  const kept = new Map<string, number>();
  const counts = { rows: 0, known: 0, likely: 0, doubles: 0 };
  const joined = new Map<string, Map<string, number>>();

  /** The row that came first with this key, if it was another. */
  const firstWith = (key: string, row: number): number | undefined => {
    const first = kept.get(key);
    if (first === undefined && kept.size < MOST_KEPT) kept.set(key, row);
    return first === row ? undefined : first;
  };

  async function look(tx: Rows, kind: Kind, passed: readonly Passed[]): Promise<Told[]> {
    if (!job.author.mayRead(kind.plural)) return [];
    counts.rows += passed.length;
    const findings = new Map(passed.map((one): [number, Finding] => [one.n, { sure: false }]));
    await lookByKey(tx, kind, passed, findings);
    await lookByMarks(tx, kind, passed, findings);
    const where = await lookWhere(tx, kind, findings);
    return passed.flatMap((one) => toldOf(kind, one, findings.get(one.n)!, where));
  }

  async function lookByKey(tx: Rows, kind: Kind, passed: readonly Passed[], findings: ReadonlyMap<number, Finding>) {
    const holders = await holdersOf(tx, job.hold.workspaceId, kind, passed.flatMap(keysOf(kind)));
    for (const one of passed) {
      const finding = findings.get(one.n)!;
      const keys = keysOf(kind)(one);
      const id = one.id ?? keys.map((key) => holders.get(key)).find((each) => each !== undefined);
      if (id !== undefined)
        Object.assign(finding, { id, sure: true, why: one.id === undefined ? `same_${kind.naturalKey}` : "same_id" });
      for (const key of [
        ...keys.map((each) => `${kind.naturalKey} ${each.toLowerCase()}`),
        ...(one.id ? [`id ${one.id}`] : []),
      ]) {
        const double = firstWith(`${kind.name} ${key}`, one.row);
        if (double !== undefined) Object.assign(finding, { double, doubleWhy: `same_${key.split(" ")[0]}` });
      }
    }
  }

  /** A name alone tells something of a row that has no address. */
  async function lookByMarks(tx: Rows, kind: Kind, passed: readonly Passed[], findings: ReadonlyMap<number, Finding>) {
    for (const mark of marksOf(kind)) {
      const asked = passed.flatMap((one) => {
        if (mark.named && keysOf(kind)(one).length > 0) return [];
        return eachOf(mark.blocks.map(({ field }) => textsOf(kind, one, field))).map((values) => ({ one, values }));
      });
      const lists = mark.blocks.map((_, i) => asked.map(({ values }) => values[i]!));
      const rowOf = new Map(passed.map(({ n, row }) => [n, row]));
      const found = await marked(
        tx,
        job.hold.workspaceId,
        kind,
        mark,
        asked.map(({ one }) => one.n),
        lists,
      );
      for (const { n, key, id } of found.sort((a, b) => a.n - b.n)) {
        const finding = findings.get(n)!;
        if (id !== null && finding.id === undefined) Object.assign(finding, { id, why: mark.why });
        const double = firstWith(`${kind.name} ${mark.why} ${key}`, rowOf.get(n)!);
        if (double !== undefined && finding.double === undefined) Object.assign(finding, { double, doubleWhy: mark.why });
      }
    }
  }

  async function lookWhere(tx: Rows, { holders }: Kind, findings: ReadonlyMap<number, Finding>) {
    const ids = [...new Set([...findings.values()].flatMap(({ id }) => id ?? []))];
    const joinings = holders
      .filter(({ kind, link }) => kind.joins?.whom === link.id.name && job.author.mayRead(kind.plural))
      .map(({ kind }) => joiningOf(kind));
    const where: { plural: string; of: Map<string, string[]> }[] = [];
    for (const joining of joinings)
      where.push({ plural: joining.into.target.plural, of: await whereIn(tx, job.hold.workspaceId, joining, ids) });
    return where;
  }

  function toldOf(
    { name }: Kind,
    { row }: Passed,
    { id, why, sure, double, doubleWhy }: Finding,
    where: Awaited<ReturnType<typeof lookWhere>>,
  ): Told[] {
    if (id === undefined && double === undefined) return [];
    if (id !== undefined) counts[sure ? "known" : "likely"] += 1;
    if (double !== undefined) counts.doubles += 1;
    const among = where.flatMap(({ plural, of }) => {
      const into = (id && of.get(id)) || [];
      for (const each of into) addTo(joined, plural, each);
      return into.length > 0 ? [[plural, into.map(shortId)] as const] : [];
    });
    const values = {
      ...(why && { why }),
      ...Object.fromEntries(among),
      ...(double !== undefined && {
        double_of: double,
        ...(id === undefined || why !== doubleWhy ? { double_why: doubleWhy } : {}),
      }),
    };
    const outcome = id === undefined ? "double" : sure ? "known" : "likely";
    return [{ is: "verdict", row, outcome, ...(id && { id, handle: `${name}/${shortId(id)}` }), values }];
  }

  return {
    look,
    ending() {
      const { rows, known, likely, doubles } = counts;
      const fresh = rows - known - likely;
      const where = Object.fromEntries([...joined].map(([plural, ids]) => [plural, Object.fromEntries(ids)]));
      const notes = [
        `of ${rows} rows known: ${known}, likely known: ${likely}, new: ${fresh}; doubles of earlier rows: ${doubles}`,
        ...[...joined].map(
          ([plural, ids]) =>
            `in ${plural} already: ${[...ids]
              .slice(0, MOST_TOLD)
              .map(([id, many]) => `${id}=${many}`)
              .join(" ")}`,
        ),
        ...(kept.size >= MOST_KEPT ? [`doubles were looked for among the first ${MOST_KEPT} addresses, phones and names`] : []),
      ];
      return { is: "facts", values: { known, likely, new: fresh, doubles, ...where }, notes };
    },
  };
}

const MOST_TOLD = 20;

function addTo(joined: Map<string, Map<string, number>>, plural: string, id: string): void {
  const of = joined.get(plural) ?? new Map<string, number>();
  joined.set(plural, of);
  of.set(shortId(id), (of.get(shortId(id)) ?? 0) + 1);
}

/** What a row says in a field, further values included. */
function textsOf(kind: Kind, { sent, written }: Passed, field: string): string[] {
  const list = kind.field(field)!.list;
  const further = list && sent[list.name];
  const all = [sent[field] ?? written.initial[field], ...(Array.isArray(further) ? (further as unknown[]) : [])];
  return all.filter((value) => typeof value === "string");
}

/** Each way to take one of each list. */
const eachOf = (lists: readonly string[][]): string[][] =>
  lists.reduce<string[][]>((taken, list) => taken.flatMap((some) => list.map((one) => [...some, one])), [[]]);

/** All values of the natural key that a row has. */
const keysOf =
  ({ furtherKey }: Kind) =>
  ({ key, sent }: Passed): string[] => {
    const further = furtherKey && sent[furtherKey.name];
    return [...(key === undefined ? [] : [key]), ...(Array.isArray(further) ? (further as string[]) : [])];
  };
