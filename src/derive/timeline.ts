import type { Catalog } from "../records/catalog.ts";
import type { Field, Kind, Link } from "../records/kind.ts";

/** What stands on the timeline of a record: records that link to it or mention it, at their time, or the changes of some, or its own. */
export type Source =
  | { is: "linked"; kind: Kind; link: Link; at: Field }
  | { is: "mentioning"; kind: Kind; field: Field }
  | { is: "changes"; kind: Kind; link: Link | undefined };

/** The sources of a kind's timeline: one for each other kind, by the first of its links. None where nothing is told of it. */
export function timelineOf(of: Kind, { heldBy }: Pick<Catalog, "heldBy">): Source[] {
  const firsts = new Map<Kind, Link>();
  for (const { kind, link } of heldBy(of)) if (kind !== of && !firsts.has(kind)) firsts.set(kind, link);
  const linked = [...firsts].flatMap(([kind, link]): Source[] => {
    if (kind.timeline === "changes") return [{ is: "changes", kind, link }];
    return kind.timeline ? [{ is: "linked", kind, link, at: kind.field(kind.order.replace("-", ""))! }] : [];
  });
  const mentioning = of.mentionedBy.flatMap(({ kind, field }): Source[] =>
    kind.timeline === "records" ? [{ is: "mentioning", kind, field }] : [],
  );
  const all = [...linked.filter(({ kind }) => !kind.shared), ...mentioning, ...linked.filter(({ kind }) => kind.shared)];
  const own: Source[] = of.timeline === "changes" || of.shared ? [{ is: "changes", kind: of, link: undefined }] : [];
  return all.length > 0 || of.shared ? [...all, ...own] : [];
}
