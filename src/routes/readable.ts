import { expanded, readExpand } from "../derive/across.ts";
import { type Deleted, type ListQuery, readFields } from "../derive/query.ts";
import { chosenView, type View, viewsOf } from "../derive/view.ts";
import type { Predicate } from "../fields/predicate.ts";
import { Problem } from "../kit/problem.ts";
import { covers } from "../kit/scope.ts";
import type { Field, Kind, Link } from "../records/kind.ts";
import type { Authenticated } from "../service/route.ts";

/** What a token may see of records: those of the kinds that it may read, and not even the names of others. */

/** Whose token it is. */
export type Reader = { session: Pick<Authenticated["session"], "scopes"> };

export function mayRead({ session }: Reader, { plural }: Kind): boolean {
  return covers(session.scopes, "read", plural);
}

/** A field that shows the name of a linked record belongs to that record's kind. */
const isReadable = (context: Reader, field: Field): boolean => {
  const source = sourceOf(field);
  return !source || mayRead(context, source);
};

const sourceOf = ({ type, link, touched, mentioned, across }: Field): Kind | undefined =>
  across
    ? across.link.target
    : touched
      ? touched.kind
      : mentioned
        ? mentioned.target
        : type.borrowed
          ? link?.target
          : undefined;

/** The view of one record that this caller asked for. Of a record that they may write and not read, it shows what names it. */
export function recordView(context: Authenticated, kind: Kind, deleted?: Deleted): View {
  const { parameters, style } = context;
  const fields = readFields(kind, parameters);
  if (fields) {
    if (!mayRead(context, kind) && !fields.every(isIdentity))
      throw unreadable(kind, "without it an answer shows id, handle and version");
    refuseUnreadable(context, { fields, conditions: [] });
    return expandedView(context, chosenView(kind, fields), readExpand(kind, parameters), fields);
  }
  const view = style.format.allFields ? viewsOf(kind).json : viewsOf(kind).record;
  if (mayRead(context, kind))
    return expandedView(context, readableView(context, withDeletion(view, deleted)), readExpand(kind, parameters));
  return chosenView(kind, view.fields.filter(isIdentity));
}

/** The view, and behind it the fields of the records that it links to. */
export function expandedView(
  context: Pick<Authenticated, "session" | "style">,
  view: View,
  links: readonly Link[],
  chosen: readonly Field[] = shownIn(view),
): View {
  if (links.length === 0) return view;
  const whole = context.style.format.allFields === true;
  const fields = links.flatMap((link) => expanded(link, whole)).filter((field) => !chosen.includes(field));
  refuseUnreadable(context, { fields, conditions: [] });
  return chosenView(view.kind, [...chosen, ...fields]);
}

/** What a view shows; others of its fields may only say which record it is. */
const shownIn = ({ fields, cells }: View): Field[] => fields.filter(({ name }) => cells.some((cell) => cell.name === name));

/** The view with the time of deletion, for those who asked for deleted records. */
export function withDeletion(view: View, deleted: Deleted | undefined): View {
  const field = view.kind.field("deleted_at");
  return deleted && field ? chosenView(view.kind, [...view.fields, field]) : view;
}

/** The view without the names of records that the caller may not read. */
export function readableView(context: Reader, view: View): View {
  if (covers(context.session.scopes, "read")) return view;
  const fields = view.fields.filter((field) => isReadable(context, field));
  return fields.length === view.fields.length ? view : chosenView(view.kind, fields);
}

/** What names a record without telling anything of it: all that a token without the scope read gets to see of what it wrote. */
function isIdentity({ column }: Field): boolean {
  return column === "id" || column === "version";
}

/** Refuses what was asked for and may not be seen. A filter by the name of a linked record would tell the name, bit by bit. */
export function refuseUnreadable(
  context: Reader,
  { fields = [], conditions, sort }: Pick<ListQuery, "fields" | "conditions"> & Partial<Pick<ListQuery, "sort">>,
): void {
  for (const { via } of conditions)
    if (via && !mayRead(context, via.target))
      throw unreadable(via.target, `filter by ${via.id.name} in the place of ${via.name}.…`);
  const telling = conditions
    .filter(({ field, predicate }) => field.touched || field.mentioned || !isAboutNull(predicate))
    .map(({ field }) => field);
  for (const field of [...fields, ...telling, ...(sort ? [sort.field] : [])]) {
    if (!isReadable(context, field))
      throw unreadable(
        sourceOf(field)!,
        field.touched || field.mentioned
          ? `leave ${field.name} out`
          : `use ${(field.link ?? field.across!.link).id.name} in the place of ${field.name}`,
      );
  }
}

const isAboutNull = (predicate: Predicate) => predicate.is === "null" || (predicate.is === "not" && predicate.of.is === "null");

const unreadable = ({ plural }: Kind, otherwise: string) =>
  new Problem("scope_required", `the token lacks the scope read or ${plural}.read`, otherwise);
