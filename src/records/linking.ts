import type { Catalog } from "./catalog.ts";
import type { Holder, Kind, Link, Mention } from "./kind.ts";

/** `company_id` -> `company` */
export const linkName = (field: string) => field.replace(/_id$/, "");

/** Makes the links of a kind, and hangs each on the two fields that show it. */
export function linksOf(kind: Kind, byName: ReadonlyMap<string, Kind>): Link[] {
  return kind.fields.flatMap((id) => {
    if (!id.type.link) return [];
    const name = linkName(id.name);
    const target = byName.get(id.type.link.target);
    if (!target) throw new Error(`${kind.name}.${id.name} links to ${id.type.link.target}, which is no kind`);
    const link = { name, target, id, shown: kind.field(name)! };
    link.id.link = link;
    link.shown.link = link;
    return [link];
  });
}

/** All links, by the name of the kind that they lead to. */
export function holdersOf(kinds: readonly Kind[]): Map<string, Holder[]> {
  const holders = new Map<string, Holder[]>();
  for (const kind of kinds)
    for (const link of kind.links) {
      const those = holders.get(link.target.name);
      if (those) those.push({ kind, link });
      else holders.set(link.target.name, [{ kind, link }]);
    }
  return holders;
}

/** All fields that show what is mentioned, by the name of its kind. */
export function mentionsOf(kinds: readonly Kind[]): Map<string, Mention[]> {
  const mentions = new Map<string, Mention[]>();
  for (const kind of kinds) {
    if (!kind.mentions) continue;
    for (const field of kind.fields) {
      if (!field.mentioned?.target) continue;
      const { name } = field.mentioned.target;
      mentions.set(name, [...(mentions.get(name) ?? []), { kind, field }]);
    }
  }
  return mentions;
}

/**
 * Kinds in an order in which each comes before those that it links to: so they can be deleted. No foreign key leads from or to a kind that a workspace
 * has made, or from a field that it has added: these kinds come first, in any order.
 */
export function dependentsFirst(kinds: readonly Kind[], heldBy: Catalog["heldBy"]): Kind[] {
  const ordered = new Set<Kind>();
  const visit = (kind: Kind, path: readonly Kind[]) => {
    if (ordered.has(kind) || path.includes(kind)) return;
    for (const { kind: holder, link } of heldBy(kind)) if (!link.id.slot) visit(holder, [...path, kind]);
    ordered.add(kind);
  };
  for (const kind of kinds.filter(({ shared }) => shared)) visit(kind, []);
  for (const kind of kinds) visit(kind, []);
  return [...ordered];
}

/** Tells the fields that show what a record mentions where their values come from. */
export function resolveMentions(kind: Kind, byName: ReadonlyMap<string, Kind>): void {
  for (const field of kind.fields) {
    if (!field.type.mentions) continue;
    const { target: name } = field.type.mentions;
    if (!kind.mentions) throw new Error(`${kind.name}.${field.name} shows what the record mentions, which is not declared`);
    if (name === undefined) {
      field.mentioned = { kind };
      continue;
    }
    const target = byName.get(name);
    if (!target?.furtherKey) throw new Error(`${kind.name}.${field.name} is of ${name}, which is no kind with addresses`);
    field.mentioned = { kind, target };
  }
}
