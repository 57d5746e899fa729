import { derived } from "../records/derived.ts";
import { type Field, isIdentity, type Kind } from "../records/kind.ts";
import { change } from "../views/change.ts";

/** A field as SQL sees it: a column of the view that is called like the kind's path. */
export type Column = { field: Field; name: string; type: string };

/** The columns of a kind's view, in the order of the line. Deleted records are not in it, so nothing tells of their deletion. */
export const columnsOf = derived((kind: Kind): readonly Column[] =>
  kind.fields
    .filter(({ name }) => name !== "deleted_at")
    .map((field) => ({ field, name: field.name, type: field.type.sqlType })),
);

/** Tables of what is told of records, with the types of their columns: the history and the saved lists. */
export const TOLD: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  changes: Object.fromEntries(
    change.fields
      .filter(({ shown, name }) => shown !== "asked" && name !== "handle")
      .map(({ name, type }) => [name, type.sqlType]),
  ),
  lists: {
    ...{ id: "text", name: "text", slug: "text", kind: "text", query: "text", description: "text", custom: "jsonb" },
    ...{ created_at: "timestamptz", created_by: "text", updated_at: "timestamptz" },
  },
  list_members: { list_id: "text", record_id: "text", added_at: "timestamptz", added_by: "text" },
};

/** The short name of a record, which is made of its id. */
export const isHandle = (field: Field): boolean => isIdentity(field) && field.name !== field.column;

/** Questions that a workspace with these kinds can ask, as examples. */
export function exampleQueries(kinds: readonly Kind[]): string[] {
  const [grouped] = kinds.flatMap((kind) => {
    const by = kind.pipeline?.stage;
    return by && kind.sums ? [{ kind, by, ...kind.sums }] : [];
  });
  const [linked] = kinds.flatMap((kind) => {
    const link = kind.sums && kind.links.find(({ target }) => target.naturalKey !== undefined);
    return link ? [{ kind, link }] : [];
  });
  const [touching] = kinds.flatMap(({ plural, touches = [] }) => touches.slice(0, 1).map(({ at }) => ({ plural, at })));
  return [
    ...(grouped
      ? [
          `select ${grouped.by}, count(*), sum(${grouped.amount}) as ${grouped.amount}, ${grouped.per} from ${grouped.kind.plural} group by ${grouped.by}, ${grouped.per} order by 3 desc nulls last`,
        ]
      : []),
    ...(linked
      ? [
          `select l.${linked.link.target.title}, count(*) from ${linked.kind.plural} r join ${linked.link.target.plural} l on l.id = r.${linked.link.id.name} group by 1 order by 2 desc limit 10`,
        ]
      : []),
    ...(touching
      ? [
          `select date_trunc('month', ${touching.at}) as month, count(*) from ${touching.plural} where ${touching.at} > now() - interval '1 year' group by 1 order by 1`,
        ]
      : []),
  ];
}
