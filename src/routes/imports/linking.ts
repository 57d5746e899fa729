import { type Found, findIds, findNamed, lockMaking, missingLink, type Wanted } from "../../db/imports/links.ts";
import { writeRecords } from "../../db/imports/write.ts";
import { refuseUnseen } from "../../db/records/answered.ts";
import { fill, isFilled } from "../../db/records/items.ts";
import { settingsOnce } from "../../db/records/settings.ts";
import { readRecord } from "../../derive/body.ts";
import type { LinkChoice } from "../../derive/written.ts";
import { idOf, shortId } from "../../kit/id.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import type { Kind, Link } from "../../records/kind.ts";
import { writing } from "./chunkFault.ts";
import { countMade, type Job } from "./job.ts";
import type { Judged, Passed, Rows } from "./judge.ts";

/**
 * Puts the ids of linked records into the rows: by id, by natural key, by name. What is not there is made, or in a dry run counted. Rows
 * that no record can be found or made for are refused.
 */
export async function linkRows(tx: Rows, job: Job, kind: Kind, judged: Judged, makes: boolean): Promise<Judged> {
  const refused = new Map<Passed, Problem>();
  for (const link of kind.links) await linkBy(tx, job, link, judged.passed, makes, refused);
  await fillRows(tx, job, kind, judged.passed, refused);
  return {
    passed: judged.passed.filter((one) => !refused.has(one)),
    refused: [
      ...judged.refused,
      ...[...refused].map(([{ n, row }, problem]) => ({ n, row, outcome: "refused" as const, problem })),
    ],
  };
}

/** Puts into the rows what they leave to records that their items name, and to the workspace. */
async function fillRows(
  tx: Rows,
  job: Job,
  kind: Kind,
  passed: readonly Passed[],
  refused: Map<Passed, Problem>,
): Promise<void> {
  const filling = { rows: tx.rows, settings: settingsOnce(tx.rows, job.hold.workspaceId) };
  for (const one of passed) {
    const creates = one.id === undefined;
    if (refused.has(one)) continue;
    const initial = { ...one.written.initial };
    try {
      if (creates) refuseUnseen(job.author, kind);
      if (!isFilled(kind, one.sent, creates)) continue;
      await fill(filling, job.db.catalog, job.author, kind, one.sent, creates ? initial : undefined, one.id);
      one.written = { ...one.written, initial };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      refused.set(one, error);
    }
  }
}

async function linkBy(
  tx: Rows,
  job: Job,
  link: Link,
  passed: readonly Passed[],
  makes: boolean,
  refused: Map<Passed, Problem>,
): Promise<void> {
  const { id: field, target } = link;
  const byId: [Passed, NonNullable<LinkChoice>, string][] = [];
  const byName: [Passed, string][] = [];
  for (const one of passed) {
    const choice = one.written.links[link.name];
    if (choice === undefined) continue;
    const reference = choice?.id && idOf(target, choice.id);
    if (choice === null) one.sent[field.name] = null;
    else if (reference?.prefix === target.prefix) byId.push([one, choice, reference.key.slice(-8)]);
    else if (choice.name !== undefined) byName.push([one, choice.name]);
    else refused.set(one, missingLink(target));
  }
  const found = await findIds(
    tx,
    job.hold,
    target,
    byId.map(([, , end]) => end),
  );
  for (const [one, { name }, end] of byId) {
    const id = found.get(end);
    if (id !== undefined) one.sent[field.name] = id;
    else if (name !== undefined) byName.push([one, name]);
    else refused.set(one, missingLink(target));
  }
  if (byName.length > 0) await linkByName(tx, job, link, byName, makes, refused);
}

async function linkByName(
  tx: Rows,
  job: Job,
  link: Link,
  byName: readonly [Passed, string][],
  makes: boolean,
  refused: Map<Passed, Problem>,
): Promise<void> {
  const { target, id: field } = link;
  const distinct = new Map<string, Wanted>();
  const meant = byName.map(([one, name]) => {
    const wanted = { name, key: keyOf(target, one.keys[link.name] ?? name) };
    const mark = markOf(wanted);
    if (!distinct.has(mark)) distinct.set(mark, wanted);
    return [one, mark, name] as const;
  });
  const found = await findOrMake(tx, job, target, distinct, makes);
  for (const [one, mark, name] of meant) {
    const record = found.get(mark)!;
    if (record instanceof Problem) refused.set(one, record);
    else if ("id" in record) one.sent[field.name] = record.id;
    else if ("several" in record) refused.set(one, ambiguous(job, link, name, record.several));
  }
}

/** Names that differ in letter case or accents only are one name. */
const markOf = ({ name, key }: Wanted) => JSON.stringify([name.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase(), key]);

/** A text that is written like a natural key is one: a domain, an address. */
function keyOf({ keyField }: Kind, text: string): string | null {
  if (!keyField || text !== text.toLowerCase()) return null;
  const key = keyField.type.fromText(text);
  return typeof key === "string" && keyField.type.schema.safeParse(key).success ? key : null;
}

type Linked = Found | Problem;

async function findOrMake(
  tx: Rows,
  job: Job,
  target: Kind,
  distinct: ReadonlyMap<string, Wanted>,
  makes: boolean,
): Promise<Map<string, Linked>> {
  const { workspaceId } = job.hold;
  const all = [...distinct];
  const look = async (some: readonly (readonly [string, Wanted])[]) => {
    const found = await findNamed(
      tx,
      workspaceId,
      target,
      some.map(([, wanted]) => wanted),
    );
    return new Map<string, Linked>(some.map(([mark], i) => [mark, found[i]!]));
  };
  const isMissing = (linked: Linked | undefined) => linked !== undefined && "none" in linked;
  const first = await look(all);
  const missing = all.filter(([mark]) => isMissing(first.get(mark)));
  if (missing.length === 0) return first;
  const { create } = job.lacks(target);
  if (create)
    return new Map([...first, ...missing.map(([mark, wanted]) => [mark, cannotMake(target, wanted, create)] as const)]);
  if (makes) await lockMaking(tx, workspaceId, target);
  const second = makes ? await look(missing) : first;
  const still = missing.filter(([mark]) => isMissing(second.get(mark)));
  return new Map([...first, ...second, ...(await make(tx, job, target, still, makes))]);
}

/** Makes records of no more than a name and, where the file has it, a natural key. */
async function make(
  tx: Rows,
  job: Job,
  target: Kind,
  missing: readonly (readonly [string, Wanted])[],
  makes: boolean,
): Promise<Map<string, Linked>> {
  const made = new Map<string, Linked>();
  const records: Parameters<typeof writeRecords>[4][number][] = [];
  const filling = { rows: tx.rows, settings: settingsOnce(tx.rows, job.hold.workspaceId) };
  for (const [n, [mark, { name, key }]] of missing.entries()) {
    try {
      const values = { [target.title]: name, ...(key !== null && target.keyField && { [target.keyField.name]: key }) };
      const { sent, initial } = readRecord(target, { values, form: false }, false, job.reading);
      if (isFilled(target, sent, true)) await fill(filling, job.db.catalog, job.author, target, sent, initial, undefined);
      records.push({ n, sent, initial, removed: [], key: key ?? undefined });
      made.set(mark, { none: true });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      made.set(mark, cannotMake(target, { name, key }, error));
    }
  }
  countMade(
    job,
    target,
    records.map(({ n }) => [missing[n]![0], missing[n]![1].name]),
  );
  if (!makes) return made;
  const cap = job.capOf(target);
  const written = await writing(target, job.author, () => writeRecords(tx, target, job.author, job.ids, records, { cap }));
  for (const [n, { id }] of written) made.set(missing[n]![0], { id });
  return made;
}

const cannotMake = ({ name: kind, plural }: Kind, { name }: Wanted, { code, message }: Problem) =>
  new Problem(code, `there is no ${kind} ${echo(name)}, and none can be made: ${message}`, `make it first: POST /${plural}`);

function ambiguous(job: Job, { id: field, target }: Link, name: string, ids: readonly string[]): Problem {
  const shown = job.author.mayRead(target.plural) ? ids.map(shortId).join(" or ") : "…";
  return new Problem(
    "unprocessable",
    `more than one ${target.name} ${echo(name)}`,
    `name one by its id: ${field.name}=${shown}`,
  );
}
