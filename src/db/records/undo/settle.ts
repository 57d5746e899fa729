import { type Stored, settable, withValue } from "../../../derive/differences.ts";
import { comparedSql } from "../../../fields/folding.ts";
import { shortId } from "../../../kit/id.ts";
import { wholeOf } from "../../../kit/largeJson.ts";
import { ident, join, raw, sql } from "../../../postgres/sql.ts";
import type { Transaction } from "../../../postgres/transaction.ts";
import { columnName, type Kind } from "../../../records/kind.ts";
import type { Database } from "../../database.ts";
import { isPurged } from "../purged.ts";
import { dependentsOf } from "../remove.ts";
import { rowsOf, storedSql } from "../table.ts";
import { type Current, type Entry, isChangedSince, type Left, type Target } from "./plan.ts";

/** Locks the records of these entries, kind by kind and in the order of ids, and reads the columns that the entries are about. */
export async function lockRecords(
  tx: Transaction,
  workspaceId: string,
  kinds: readonly Kind[],
  entries: readonly Entry[],
): Promise<Map<string, Current>> {
  const found = new Map<string, Current>();
  for (const kind of kinds) {
    const those = entries.filter((entry) => entry.kind === kind);
    if (those.length === 0) continue;
    const names = those.flatMap(({ differences }) => [...differences.keys()].map((name) => name.split(".")[0]!));
    const columns = new Set([...names, ...kind.links.map(({ id }) => columnName(id)), ...keyOf(kind), "deleted_at"]);
    if (those.some(({ action }) => action === "created")) for (const name of settable(kind)) columns.add(name);
    if (kind.frozen) columns.add("seal");
    const state = join([...columns].map((name) => sql`${raw(`'${name}'`)}, ${storedSql(kind, name)}`));
    const ids = [...new Set(those.map(({ recordId }) => recordId))];
    const rows = await tx.rows(
      sql`select r.id, r.version, jsonb_build_object(${state}) from ${rowsOf(kind)} r
        where r.workspace_id = ${workspaceId} and r.id = any (${ids}::text[]) and not ${isPurged(workspaceId, raw("r.id"))} order by r.id for update of r`,
    );
    for (const [id, version, values] of rows)
      found.set(id as string, { version: version as number, state: wholeOf(values) as Stored });
  }
  return found;
}

const keyOf = ({ keyField, furtherKey }: Kind) => [keyField, furtherKey].flatMap((field) => (field ? columnName(field) : []));

/**
 * Holds a plan against the other records: no link may lead to what is hidden, and no natural key may be taken. A record that cannot become what
 * it was is left alone, which may keep others from it in turn. Returns what is still to be written.
 */
export async function settle(
  db: Pick<Database, "catalog">,
  tx: Transaction,
  workspaceId: string,
  planned: readonly Target[],
  left: Left[],
  force: boolean,
): Promise<Target[]> {
  const targets = new Map(planned.map((target) => [target.id, target]));
  const drop = ({ kind, id }: Pick<Target, "kind" | "id">, why: string) => {
    left.push({ kind, id, why });
    return targets.delete(id);
  };
  for (const target of planned) {
    if (!force && target.goes && !wasHidden(target) && isChangedSince(target)) drop(target, "it has been changed since");
  }
  let dropped = true;
  while (dropped) {
    const held = await dropHeld();
    const dead = await dropDead();
    const taken = await dropTaken();
    const twice = await dropTwice();
    dropped = held || dead || taken || twice;
  }
  return [...targets.values()];

  /** Records that others link to by now stay; with `force` the links are cleared, and what cannot be without them goes along. */
  async function dropHeld(): Promise<boolean> {
    const going = [...targets.values()].filter((target) => isHidden(target) && !wasHidden(target));
    if (going.length === 0) return false;
    const gone = new Set(going.map(({ id }) => id));
    const dependents = await dependentsOf(db, tx.rows, workspaceId, going, raw("for update of r"));
    let some = false;
    for (const { kind, id, version, goes, links } of dependents) {
      const target = targets.get(id) ?? { kind, id, current: { version, state: links }, state: links, goes: false };
      if (isHidden(target)) continue;
      const held = kind.links.filter((link) => gone.has((target.state[columnName(link.id)] as string | null) ?? ""));
      if (!force) {
        for (const link of held) {
          const holder = targets.get(target.state[columnName(link.id)] as string);
          if (holder) some = drop(holder, `${kind.name} ${shortId(id)} links to it`);
        }
        continue;
      }
      for (const link of held) target.state = withValue(target.state, columnName(link.id), null);
      if (goes) target.goes = true;
      targets.set(id, target);
    }
    return some;
  }

  /** A link to a record that is deleted is left as it is, and the record with it where it cannot be without. */
  async function dropDead(): Promise<boolean> {
    const living = await livingTargets(tx, workspaceId, [...targets.values()]);
    const isDead = (id: string) => {
      const target = targets.get(id);
      return target ? isHidden(target) : !living.has(id);
    };
    let some = false;
    for (const target of [...targets.values()]) {
      if (isHidden(target)) continue;
      const { kind, id } = target;
      for (const link of newLinks(target)) {
        const to = target.state[columnName(link.id)] as string;
        if (!isDead(to)) continue;
        const why = `${link.target.name} ${shortId(to)} is deleted`;
        // The link that a living record has now stays, unless it leads to what goes as well.
        const now = wasHidden(target) ? null : ((target.current.state[columnName(link.id)] ?? null) as string | null);
        const goesToo = now !== null && targets.has(now) && isHidden(targets.get(now)!);
        const state = withValue(target.state, columnName(link.id), goesToo ? null : now);
        const needed = link.id.required || kind.needsOneOf?.every((name) => state[name] == null);
        if (needed) {
          some = drop(target, why);
          break;
        }
        target.state = state;
        left.push({ kind, id, name: columnName(link.id), why });
      }
    }
    return some;
  }

  /** One thing is in another once. */
  async function dropTwice(): Promise<boolean> {
    let some = false;
    for (const kind of new Set([...targets.values()].map((target) => target.kind))) {
      if (!kind.joins) continue;
      const { into, whom } = kind.joins;
      const pairOf = ({ state }: Pick<Target, "state">) => [state[into], state[whom]] as [string, string];
      const claims = [...targets.values()].filter(
        (target) =>
          target.kind === kind &&
          !isHidden(target) &&
          (wasHidden(target) || String(pairOf(target)) !== String(pairOf(target.current))),
      );
      const rows = await tx.rows(
        sql`select k.id, r.id from unnest(${claims.map(({ id }) => id)}::text[], ${claims.map((each) => pairOf(each)[0])}::text[],
            ${claims.map((each) => pairOf(each)[1])}::text[]) k (id, "into", whom)
          join ${rowsOf(kind)} r on r.workspace_id = ${workspaceId} and r.${ident(into)} = k."into" and r.${ident(whom)} = k.whom
          where r.deleted_at is null and r.id <> k.id`,
      );
      for (const [id, holder] of rows as [string, string][]) {
        const other = targets.get(holder);
        const goes = other && (isHidden(other) || String(pairOf(other)) !== String(pairOf(other.current)));
        if (targets.has(id) && !goes) some = drop({ kind, id }, `${kind.name} ${shortId(holder)} stands for it now`);
      }
      const first = new Map<string, string>();
      for (const each of claims) {
        const holder = first.get(String(pairOf(each)));
        if (holder === undefined) first.set(String(pairOf(each)), each.id);
        else if (targets.has(each.id)) some = drop(each, `${kind.name} ${shortId(holder)} comes back in its place`);
      }
    }
    return some;
  }

  /** A natural key belongs to one living record, and so do its further values. */
  async function dropTaken(): Promise<boolean> {
    let some = false;
    for (const kind of new Set([...targets.values()].map((target) => target.kind))) {
      const { keyField, furtherKey } = kind;
      if (!keyField) continue;
      const claims = [...targets.values()].filter((target) => target.kind === kind).flatMap((target) => claimsOf(target));
      if (claims.length === 0) continue;
      const compared = (column: string) => raw(comparedSql(keyField.type, column));
      const further = furtherKey
        ? sql`union all select k.id, a.record_id, k.value from claims k
            join addresses a on a.workspace_id = ${workspaceId} and a.kind = ${kind.name} and a.value = k.value where a.record_id <> k.id`
        : raw("");
      const rows = await tx.rows(
        sql`with claims as (select * from unnest(${claims.map(({ id }) => id)}::text[], ${claims.map(({ value }) => value)}::text[]) k (id, value))
          select k.id, r.id, k.value from claims k
          join ${rowsOf(kind)} r on r.workspace_id = ${workspaceId} and ${compared(`r."${columnName(keyField)}"`)} = ${compared("k.value")}
          where r.deleted_at is null and r.id <> k.id ${further}`,
      );
      for (const [id, holder, value] of rows as [string, string, string][]) {
        const other = targets.get(holder);
        const frees = other && (isHidden(other) || gaveUp(other, value));
        if (!targets.has(id) || frees) continue;
        some = drop({ kind, id }, `${kind.name} ${shortId(holder)} has its ${keyField.name} now`);
      }
      // Of several that claim one key, the record that lost it last gets it: it comes first, as entries are taken back newest first.
      const first = new Map<string, string>();
      for (const { id, value } of claims) {
        if (!targets.has(id)) continue;
        const key = keyField.type.caseless ? value.toLowerCase() : value;
        const holder = first.get(key);
        if (holder === undefined) first.set(key, id);
        else if (holder !== id) some = drop({ kind, id }, `${kind.name} ${shortId(holder)} gets its ${keyField.name} back`);
      }
    }
    return some;
  }
}

const wasHidden = ({ current }: Target) => current.state["deleted_at"] != null;
const isHidden = ({ goes, state }: Target) => goes || state["deleted_at"] != null;

/** The links that a record has and had not, or has again. */
const newLinks = (target: Target) =>
  target.kind.links.filter(({ id }) => {
    const name = columnName(id);
    const { state, current } = target;
    return state[name] != null && (wasHidden(target) || state[name] !== current.state[name]);
  });

/** The values of its natural key that a record has and had not, or has again. */
function claimsOf(target: Target): { id: string; value: string }[] {
  const { kind, id, state, current } = target;
  if (isHidden(target)) return [];
  const before = wasHidden(target) ? [] : keysOf(kind, current.state);
  return keysOf(kind, state)
    .filter((value) => !before.includes(value))
    .map((value) => ({ id, value }));
}

/** Whether a record is to have other values, and not this one. */
function gaveUp({ kind, state, current }: Target, value: string): boolean {
  const keys = keysOf(kind, state);
  return !keys.includes(value) && String(keys) !== String(keysOf(kind, current.state));
}

/** The natural key and its further values. */
const keysOf = ({ keyField, furtherKey }: Kind, state: Stored): string[] => [
  ...[state[keyField ? columnName(keyField) : ""] as string | null | undefined].flatMap((value) => value ?? []),
  ...((state[furtherKey?.name ?? ""] ?? []) as string[]),
];

/** The living among the records that targets link to anew, locked against deletion. */
async function livingTargets(tx: Transaction, workspaceId: string, targets: readonly Target[]): Promise<Set<string>> {
  const wanted = new Map<Kind, Set<string>>();
  for (const target of targets) {
    if (isHidden(target)) continue;
    for (const { id, target: kind } of newLinks(target))
      wanted.set(kind, (wanted.get(kind) ?? new Set()).add(target.state[columnName(id)] as string));
  }
  const living = new Set<string>();
  for (const [kind, ids] of wanted) {
    const rows = await tx.rows(
      sql`select r.id from ${rowsOf(kind)} r where r.workspace_id = ${workspaceId} and r.id = any (${[...ids]}::text[])
        and r.deleted_at is null order by r.id for key share of r`,
    );
    for (const [id] of rows) living.add(id as string);
  }
  return living;
}
