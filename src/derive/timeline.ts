import { derived } from "../records/derived.ts";
import type { Field, Kind, Link } from "../records/kind.ts";

/** What stands on the timeline of a record: records that link to it or mention it, at their time, or the changes of some, or its own. */
export type Source =
  | { is: "linked"; kind: Kind; link: Link; at: Field }
  | { is: "mentioning"; kind: Kind; field: Field }
  | { is: "changes"; kind: Kind; link: Link | undefined };

/** The sources of a kind's timeline: one for each other kind, by the first of its links. None where nothing is told of it. */
export const timelineOf = derived((of: Kind): Source[] => {
  const firsts = of.holders.filter(({ kind }, i) => of.holders.findIndex((each) => each.kind === kind) === i);
  const linked = firsts.flatMap(({ kind, link }): Source[] => {
    if (kind.timeline === "changes") return [{ is: "changes", kind, link }];
    return kind.timeline ? [{ is: "linked", kind, link, at: kind.field(kind.order.replace("-", ""))! }] : [];
  });
  const mentioning = of.mentionedBy.flatMap(({ kind, field }): Source[] =>
    kind.timeline === "records" ? [{ is: "mentioning", kind, field }] : [],
  );
  const own: Source[] = of.timeline === "changes" ? [{ is: "changes", kind: of, link: undefined }] : [];
  const all = [...linked, ...mentioning];
  return all.length > 0 ? [...all, ...own] : [];
});
