import type { Field, Kind, Link } from "../records/kind.ts";
import { raiseSql } from "./raise.ts";

/** What the function that writes a record does about its links: it locks what they lead to, and takes from it what was not sent. */

/** The fields that a new record takes from one that it links to. */
export const copiedOf = ({ fields }: Kind): (Field & { copied: NonNullable<Field["copied"]> })[] =>
  fields.flatMap((field) => (field.copied ? [{ ...field, copied: field.copied }] : []));

/** A record that takes something from another is not made without the link to it. */
export const lackingName = ({ plural }: Pick<Kind, "plural">, link: string) => `${plural}_lacks_${link}`;

/** A new record takes a link that was not sent from those it does link to: the deal of a contact belongs to the contact's company. */
export const sourcesOf = (kind: Kind, link: Link) =>
  kind.links.filter((source) => source !== link && source.target.links.some(({ id }) => id.name === link.id.name)).reverse();

/** What others are taken from comes first. */
export const linksInOrder = (kind: Kind) =>
  kind.links.toSorted((a, b) => sourcesOf(kind, a).length - sourcesOf(kind, b).length);

/** Where the linked record `source` tells what it links to by `link`. */
const taken = (source: Link, link: Link) => `l_${source.name}_${link.id.name}`;

export function linkVariables(kind: Kind): string {
  const variables = kind.links.flatMap((link) => sourcesOf(kind, link).map((source) => taken(source, link)));
  return variables.map((name) => `\n  ${name} text;`).join("");
}

/** Locks the linked record against deletion while its id is written, so that no link points to what is gone. */
export function lockSql(kind: Kind, link: Link): string {
  const column = `n."${link.id.name}"`;
  const sources = sourcesOf(kind, link);
  const takes = kind.links.filter((other) => sourcesOf(kind, other).includes(link));
  const from = sources.map((source) => taken(source, link));
  const wanted =
    sources.length === 0
      ? ""
      : `if p_creates and not p_sent ? '${link.id.name}' then\n  ${column} := coalesce(${from.join(", ")});\nend if;\n`;
  const copies = copiedOf(kind).filter(({ copied }) => copied.by === link.id.name);
  const into = [column, ...takes.map((other) => taken(link, other)), ...copies.map(({ name }) => `n."${name}"`)].join(", ");
  return `${wanted}if ${column} is not null then
  select t.id${[...takes.map(({ id }) => id.name), ...copies.map(({ copied }) => copied.from)].map((name) => `, t."${name}"`).join("")} into ${into} from ${link.target.table} t
    where t.workspace_id = p_workspace and right(t.id, 8) = right(${column}, 8) and right(t.id, length(${column})) = ${column}
      and t.deleted_at is null for key share;
  if not found and p_sent ? '${link.id.name}' then
    return;
  end if;
end if;`;
}

/** After all that was sent is known to be there: what is sent and leads nowhere is the better refusal. */
export function lackingSql(kind: Kind): string[] {
  const links = new Set(copiedOf(kind).map(({ copied }) => copied.by));
  return [...links].map(
    (name) => `if p_creates and n."${name}" is null then
  ${raiseSql("check_violation", lackingName(kind, name))};
end if;`,
  );
}
