import { catalog } from "../../src/records/all.ts";
import type { Kind } from "../../src/records/kind.ts";

/** What a record holds in the model, by field; a member of `custom` by its path. `hidden`: the deletion that hides it. */
export type State = Record<string, unknown>;
export type Rec = { id: string; kind: Kind; state: State; version: number };
export type Entry = {
  of: Rec;
  action: "created" | "updated" | "deleted" | "restored";
  before: State;
  after: State;
  cause: Entry | undefined;
};
/** What one request did. `main`: the entry that its `X-Change` names. */
export type Done = { entries: Entry[]; main: Entry | undefined };

const TEXTS: Record<string, string> = { notes: "joined", body: "joined" };
export const fieldsOf = (kind: Kind): string[] => [
  ...new Set([kind.title, ...["notes", "tags"].filter((name) => kind.field(name)), ...keyOf(kind), ...linksOf(kind)]),
  "custom.a",
  "custom.b",
];
export const keyOf = ({ naturalKey }: Kind) => (naturalKey ? [naturalKey] : []);
export const linksOf = ({ links }: Kind) => links.map(({ id }) => id.name);
const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** What writes, deletions, merges and undos ought to make of records, written without the service's own code for it. */
export class Model {
  readonly records: Rec[] = [];
  readonly journal: Entry[] = [];
  private hidings = 0;

  living = (kind?: Kind) => this.records.filter((each) => !each.state.hidden && (!kind || each.kind === kind));
  byId = (id: unknown) => this.records.find((each) => each.id === id);
  holding = (kind: Kind, key: unknown) =>
    this.living(kind).find(({ state }) => key != null && kind.naturalKey && state[kind.naturalKey] === key);

  create(kind: Kind, id: string, sets: State): Done {
    const of: Rec = { id, kind, state: {}, version: 0 };
    this.records.push(of);
    return this.done([this.write(of, "created", sets)]);
  }

  patch(of: Rec, sets: State): Done {
    const changes = Object.entries(sets).some(([name, value]) => !same(of.state[name], value));
    return this.done(changes ? [this.write(of, "updated", sets)] : []);
  }

  /** Hides records; those that cannot be without them go along, others lose their links. */
  remove(roots: readonly Rec[]): Done {
    const causes = new Map<Rec, Rec | undefined>(roots.map((each) => [each, undefined]));
    const going = new Set(roots);
    for (let grown = true; grown; ) {
      grown = false;
      for (const each of this.living()) {
        if (going.has(each) || !this.leadsTo(each, going)) continue;
        if (!this.needs(each, (link) => going.has(this.byId(each.state[link])!))) continue;
        going.add(each);
        grown = true;
      }
    }
    const touched = [...going, ...this.living().filter((each) => !going.has(each) && this.leadsTo(each, going))];
    const hiding = new Map([...going].map((each) => [each, { hidden: ++this.hidings }]));
    const entryOf = new Map<Rec, Entry>();
    for (const each of touched) {
      const gone = linksOf(each.kind).filter((link) => going.has(this.byId(each.state[link])!));
      const first = gone.map((link) => this.byId(each.state[link])!)[0];
      if (!causes.has(each)) causes.set(each, first && (causes.get(first) ?? first));
      const sets = { ...Object.fromEntries(gone.map((link) => [link, null])), ...hiding.get(each) };
      entryOf.set(each, this.write(each, hiding.has(each) ? "deleted" : "updated", sets));
    }
    for (const [each, entry] of entryOf) entry.cause = causes.get(each) && entryOf.get(causes.get(each)!);
    return this.done([...entryOf.values()]);
  }

  merge(kept: Rec, other: Rec): Done {
    const sets: State = {};
    for (const name of fieldsOf(kept.kind)) {
      const [mine, theirs] = [kept.state[name] ?? null, other.state[name] ?? null];
      if (theirs === null || same(mine, theirs)) continue;
      if (mine === null) sets[name] = theirs;
      else if (Array.isArray(mine)) sets[name] = [...new Set([...mine, ...(theirs as string[])])];
      else if (TEXTS[name]) sets[name] = `${mine}\n\n${theirs}`;
    }
    for (const [name, value] of Object.entries(sets)) if (same(value, kept.state[name])) delete sets[name];
    const moved = this.living().filter((each) => this.leadsTo(each, new Set([other])));
    const entries = [this.write(other, "deleted", { hidden: ++this.hidings, merged: kept.id })];
    if (Object.keys(sets).length > 0) entries.unshift(this.write(kept, "updated", sets));
    for (const each of moved) {
      const links = linksOf(each.kind).filter((link) => each.state[link] === other.id);
      entries.push(this.write(each, "updated", Object.fromEntries(links.map((link) => [link, kept.id]))));
    }
    for (const entry of entries.slice(1)) entry.cause = entries[0];
    return this.done(entries);
  }

  /** The last deletion of a record, with what it dragged along. Undefined: the record has to stay deleted. */
  restore(of: Rec): Done | undefined {
    const last = this.journal.findLast((each) => each.of === of && each.action === "deleted")!;
    const done = this.undo(this.withDragged(last), of);
    const main = done?.entries.find((entry) => entry.of === of);
    for (const entry of done?.entries ?? []) if (entry !== main) entry.cause = main;
    return done && { ...done, main };
  }

  withDragged = (main: Entry) => this.journal.filter((each) => each === main || each.cause === main);

  /** Takes entries back, field by field, where nothing has changed the value since. `needed`: nothing happens without that record. */
  undo(entries: readonly Entry[], needed?: Rec): Done | undefined {
    const wanted = new Map<Rec, State>();
    const made = new Map<Rec, State>();
    for (const { of, action, before, after } of this.journal.filter((each) => entries.includes(each)).reverse()) {
      const state = wanted.get(of) ?? { ...of.state };
      wanted.set(of, state);
      if (action === "created") {
        made.set(of, after);
        continue;
      }
      const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
        (name) => !same(before[name], after[name]),
      );
      const isHidden = state.hidden && !names.includes("hidden");
      for (const name of names) if (!isHidden && same(state[name], after[name])) state[name] = before[name] ?? null;
    }
    for (const [each, first] of made) {
      const state = wanted.get(each)!;
      if (!each.state.hidden && fieldsOf(each.kind).some((name) => !same(state[name], first[name]))) wanted.delete(each);
      else state.hidden ??= -1;
    }
    while (this.refuse(wanted)) if (needed && !wanted.has(needed)) return undefined;
    return this.done(this.settle(wanted));
  }

  /** Takes one thing out of what is wanted that cannot be. */
  private refuse(wanted: Map<Rec, State>): boolean {
    const stateOf = (each: Rec) => wanted.get(each) ?? each.state;
    const going = [...wanted.keys()].filter((each) => !each.state.hidden && stateOf(each).hidden);
    for (const each of this.living()) {
      if (stateOf(each).hidden) continue;
      const held = going.find((gone) =>
        linksOf(each.kind).some((link) => each.state[link] === gone.id && stateOf(each)[link] === gone.id),
      );
      if (held) return wanted.delete(held);
    }
    for (const [each, state] of wanted) {
      if (state.hidden) continue;
      const dead = linksOf(each.kind).filter((link) => {
        const target = this.byId(state[link]);
        return target && stateOf(target).hidden;
      });
      if (dead.length === 0) continue;
      for (const link of dead) {
        const now = this.byId(each.state.hidden ? null : each.state[link]);
        state[link] = now && !stateOf(now).hidden ? now.id : null;
      }
      if (this.needs({ ...each, state }, (link) => state[link] == null)) wanted.delete(each);
      return true;
    }
    const claims = [...wanted].filter(([{ kind, state: was }, state]) => {
      const key = kind.naturalKey;
      return key && !state.hidden && state[key] != null && (was.hidden || !same(state[key], was[key]));
    });
    const first = new Set<string>();
    for (const [each, state] of claims) {
      const key = each.kind.naturalKey!;
      const isClaim = (other: Rec) => claims.some(([claiming]) => claiming === other);
      const taken = this.living(each.kind).some(
        (other) => other !== each && !isClaim(other) && !stateOf(other).hidden && same(stateOf(other)[key], state[key]),
      );
      const claim = `${each.kind.name} ${state[key]}`;
      if (taken || first.has(claim)) return wanted.delete(each);
      first.add(claim);
    }
    return false;
  }

  private settle(wanted: Map<Rec, State>): Entry[] {
    const entries: Entry[] = [];
    for (const [each, state] of wanted) {
      const [was, is] = [each.state.hidden, state.hidden];
      if (was && is) continue;
      if (is) state.hidden = ++this.hidings;
      const changed = Object.keys(state).filter((name) => !same(state[name], each.state[name]));
      if (changed.length === 0) continue;
      const sets = Object.fromEntries(changed.map((name) => [name, state[name]]));
      entries.push(this.write(each, is ? "deleted" : was ? "restored" : "updated", sets));
    }
    return entries;
  }

  private leadsTo = (each: Rec, targets: ReadonlySet<Rec>) =>
    linksOf(each.kind).some((link) => targets.has(this.byId(each.state[link])!));

  /** Whether a record cannot be once these of its links are gone. */
  private needs({ kind, state }: Rec, isGone: (link: string) => boolean): boolean {
    const needed = kind.links.some(({ id }) => id.required && isGone(id.name));
    return needed || Boolean(kind.needsOneOf?.every((link) => state[link] == null || isGone(link)));
  }

  private write(of: Rec, action: Entry["action"], sets: State): Entry {
    const before = of.state;
    of.state = { ...before, ...sets };
    of.version += 1;
    return { of, action, before, after: of.state, cause: undefined };
  }

  private done(entries: Entry[]): Done {
    this.journal.push(...entries);
    return { entries, main: entries.find(({ cause }) => cause === undefined) };
  }
}

/** The fields of the model as JSON shows them. */
export function seen({ id, kind, state }: Rec): State {
  const values = fieldsOf(kind).map((name) => [name, state[name] ?? null]);
  return { id, ...Object.fromEntries(values), hidden: Boolean(state.hidden) };
}

export function shown(kind: Kind, json: Record<string, unknown>): State {
  const custom = (json.custom ?? {}) as State;
  const read = (name: string) => (name.startsWith("custom.") ? custom[name.slice(7)] : json[name]) ?? null;
  const values = fieldsOf(kind).map((name) => [name, name === "tags" && (json.tags as []).length === 0 ? null : read(name)]);
  return { id: json.id, ...Object.fromEntries(values), hidden: json.deleted_at != null };
}

/**
 * The model knows nothing of documents that lock themselves and of the payments that settle them, of what is in another, of paths and questions, and
 * of the answers to those.
 */
const isBeyond = ({ frozen, settles, joins, fields }: Kind) =>
  frozen || settles || joins || fields.some(({ copied, required, type }) => copied || (required && type.sqlType === "jsonb"));
export const kinds = catalog.kinds.filter((kind) => !isBeyond(kind));
