import type { Page } from "../db/records/rows.ts";
import type { Batches } from "../db/records/stream.ts";
import { askedName } from "../derive/filter.ts";
import type { ListQuery } from "../derive/query.ts";
import { chosenView, type View, viewsOf } from "../derive/view.ts";
import type { Answer } from "../http/reply.ts";
import { echo, formatPairs } from "../kit/line.ts";
import { counted } from "../kit/words.ts";
import type { Kind } from "../records/kind.ts";
import type { Authenticated } from "../service/route.ts";
import { expandedView, readableView, refuseUnreadable, withDeletion } from "./readable.ts";

/** The view of a list: what the caller chose; else the lines that matter for choosing, or in JSON all fields. */
export function listView(context: Authenticated, kind: Kind, query: ListQuery): View {
  refuseUnreadable(context, query);
  if (query.fields) return expandedView(context, chosenView(kind, query.fields), query.expand, query.fields);
  const view = context.style.format.allFields ? viewsOf(kind).json : viewsOf(kind).list;
  return expandedView(context, readableView(context, withDeletion(view, query.deleted)), query.expand);
}

/** `told`: what else is told of it. */
export function listAnswer(view: View, page: Page, query?: ListQuery, told: readonly string[] = []): Answer {
  const { rows, more, cursorAfter, total, near } = page;
  const { plural } = view.kind;
  const all = total && `${total.rows}${total.capped ? "+" : ""}`;
  const notes = [
    ...(rows.length === 0 && !query?.cursor && !query?.offset ? [...exactNotes(query), ...searchNotes(view.kind, query)] : []),
    ...told,
    ...(total?.sums ?? []).map((sum) => `sum ${formatPairs(sum)}`),
  ];
  return {
    is: "list",
    view,
    rows,
    ending: (shown) => ({
      nextCursor: (more || shown.length < rows.length) && cursorAfter ? cursorAfter(shown.at(-1)!) : null,
      summary: all === undefined ? counted(shown.length, view.kind) : `${shown.length} of ${all} ${plural}`,
      notes,
    }),
    preface: near ? NEAR : undefined,
    uncut: !cursorAfter && !near,
    facts: { ...(total ? { total: total.rows, total_capped: total.capped } : {}), ...(near ? { near: true } : {}) },
  };
}

/** The whole of a list, ending as its last page would. */
export function streamAnswer(view: View, batches: Batches, query?: ListQuery): Answer {
  return {
    is: "stream",
    view,
    batches,
    ending: (rows) => ({
      nextCursor: null,
      summary: counted(rows, view.kind),
      notes: rows === 0 && !query?.cursor && !query?.offset ? [...exactNotes(query), ...searchNotes(view.kind, query)] : [],
    }),
  };
}

export const NEAR = "nothing has all these words: these are near misses";

/** Who looks for the people of a company by its name finds none, and would believe it. */
function searchNotes(kind: Kind, query: ListQuery | undefined): string[] {
  if (query?.search === undefined) return [];
  const linked = kind.links.map(({ name }) => `${name}=like:…`);
  const belonging = linked.length > 0 ? `; by what they belong to: ${linked.join(", ")}` : "";
  const near = query.sort.asked ? "; without sort= near misses come" : "";
  return [`search looks into the ${kind.plural} themselves${belonging}; into all kinds: GET /search?q=…${near}`];
}

/** An empty list is a plausible answer to a misspelt value, so a list with one filter says how it was compared. */
function exactNotes(query: ListQuery | undefined): string[] {
  const [only, ...others] = query?.conditions ?? [];
  if (!only || others.length > 0) return [];
  const { field, predicate } = only;
  const name = askedName(only);
  const compared = predicate.is === "eq" ? predicate.value : predicate.is === "holds" ? predicate.items.join(",") : undefined;
  if (compared === undefined || !field.type.operators.includes("like")) return [];
  const { type } = field;
  const text = String(compared);
  const whole = `${name}=${echo(text, 40)} is compared whole${type.sortsFolded && !type.caseless ? ", letter case too" : ""}`;
  const notes = [`${whole}: ${name}=like:… looks inside the text, ${name}=is:null finds those without`];
  if (type.searchFinds) notes.push(`search=${echo(text, 40)} finds ${type.searchFinds}`);
  const prefix = /^\w+(?=:)/.exec(text)?.[0];
  if (prefix) notes.push(`${echo(prefix)} is no operator, so it was taken for text; operators: ${type.operators.join(", ")}`);
  if (text.includes(",") && predicate.is === "eq") notes.push(`${name}=in:a,b finds both`);
  return notes;
}
