import { type Differences, isSame, nameShown, type Stored, settable, valueAt, withValue } from "../../../derive/differences.ts";
import type { Kind } from "../../../records/kind.ts";
import type { Put } from "../put.ts";

/** An entry of the history that is to be taken back. */
export type Entry = { id: string; kind: Kind; recordId: string; action: string; differences: Differences };

/** A record as it is now. It is locked. */
export type Current = { version: number; state: Stored };

/** A record on its way to what it was. */
export type Target = {
  kind: Kind;
  id: string;
  current: Current;
  state: Stored;
  goes: boolean;
  /** As it was made, where its creation is taken back: then it goes. */
  made?: Stored;
};

/** What stays as it is, and why. `name` is a column, or absent for all of the record. */
export type Left = { kind: Kind; id: string; name?: string; why: string };

/**
 * Works out what records become when entries, newest first, are taken back: each value goes back to what it was before the entry, unless it
 * has been changed since. `force` takes it back all the same.
 */
export function planUndo(
  entries: readonly Entry[],
  currents: ReadonlyMap<string, Current>,
  force: boolean,
): { targets: Target[]; left: Left[] } {
  const targets = new Map<string, Target>();
  const left: Left[] = [];
  for (const { kind, recordId: id, action, differences } of entries) {
    const current = currents.get(id);
    if (!current) {
      left.push({ kind, id, why: "it is gone for good" });
      continue;
    }
    const { frozen } = kind;
    const isSealed = frozen && current.state["seal"] != null;
    const free = isSealed ? freeOf(kind, frozen.free, action, differences) : differences;
    if (isSealed && (free.size === 0 || free.size < differences.size)) left.push({ kind, id, why: frozen.instead });
    if (isSealed && free.size === 0) continue;
    const target = targets.get(id) ?? { kind, id, current, state: current.state, goes: false };
    targets.set(id, target);
    if (action !== "created") takeBack(target, free);
    else {
      target.goes = true;
      target.made = [...differences].reduce<Stored>((made, [name, [, value]]) => withValue(made, name, value), {});
    }
  }
  return { targets: [...targets.values()], left };

  function takeBack(target: Target, differences: Differences): void {
    const { kind, id } = target;
    for (const [name, [before, after]] of differences) {
      const now = valueAt(target.state, name);
      if (isSame(kind, name, now, before)) continue;
      const isHidden = target.state["deleted_at"] != null && name !== "deleted_at" && !differences.has("deleted_at");
      if (isHidden) left.push({ kind, id, name, why: "the record has been deleted since" });
      else if (!force && !isSame(kind, name, now, after)) left.push({ kind, id, name, why: "it has been changed since" });
      else target.state = withValue(target.state, name, before);
    }
  }
}

/** What may be taken back of an entry of a frozen record: changes of what is free, which no act of the service has set. */
function freeOf(kind: Kind, free: readonly string[], action: string, differences: Differences): Differences {
  const isFree = (column: string) => {
    const [name] = nameShown(kind, column).split(".");
    return free.includes(name!) && !kind.field(name!)?.kept;
  };
  return new Map(action === "updated" ? [...differences].filter(([name]) => isFree(name)) : []);
}

/** Whether a record that is to go holds what it was not made with, and what no entry that is taken back gave it. */
export const isChangedSince = ({ kind, state, made = {} }: Target): boolean =>
  settable(kind).some((name) => name !== "deleted_at" && !isSame(kind, name, state[name] ?? null, made[name] ?? null));

/** The write that makes a record what its target says; undefined where it is that already. `time` is when it goes, if it goes. */
export function putOf({ kind, id, current, state, goes }: Target, time: string): Put | undefined {
  const wasHidden = current.state["deleted_at"] != null;
  const hides = goes || state["deleted_at"] != null;
  if (wasHidden && hides) return undefined;
  const names = settable(kind).filter((name) => name !== "deleted_at" && name in state);
  const changed = names.filter((name) => !isSame(kind, name, state[name] ?? null, current.state[name] ?? null));
  const sets: Record<string, unknown> = Object.fromEntries(changed.map((name) => [name, state[name] ?? null]));
  if (hides) return { kind, id, action: "deleted", sets: { ...sets, deleted_at: time } };
  if (wasHidden) return { kind, id, action: "restored", sets: { ...sets, deleted_at: null } };
  return changed.length === 0 ? undefined : { kind, id, action: "updated", sets };
}
