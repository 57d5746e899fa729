import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import { derived } from "../records/derived.ts";
import { type Field, isIdentity, type Kind, type Link } from "../records/kind.ts";
import type { Parameters } from "./query.ts";

/** What a linked record's fields are called beside those of the record that links to it: `company.industry`. */

/** The fields of the record that a link leads to, by their names there. What that record shows of yet others is not among them. */
const acrossOf = derived((link: Link): ReadonlyMap<string, Field> => {
  const own = link.target.fields.filter(
    (field) =>
      (field.name === "id" || !isIdentity(field)) &&
      !(field.type.borrowed || field.touched || field.mentioned || field.type.rows || field.name === "deleted_at"),
  );
  return new Map(own.map((field) => [field.name, acrossField(link, field)]));
});

function acrossField(link: Link, field: Field): Field {
  const { column: _, link: __, sort: ___, ...rest } = field;
  // The id as the link itself shows it, short on a line.
  const type = field.name === "id" ? link.id.type : field.type;
  return { ...rest, type, name: `${link.name}.${field.name}`, readOnly: true, across: { link, field } };
}

/** The link and the field of the linked record that `company.industry` names. */
export function linkNamed({ links }: Kind, name: string): { link: Link; rest: string } | undefined {
  const dot = name.indexOf(".");
  const link = dot > 0 ? links.find((each) => each.name === name.slice(0, dot)) : undefined;
  return link && { link, rest: name.slice(dot + 1) };
}

/** The field that `fields=company.industry` names; undefined where no link is called so. */
export function fieldAcross(kind: Kind, name: string): Field | undefined {
  const across = linkNamed(kind, name);
  if (!across) return undefined;
  const { link, rest } = across;
  const known = acrossOf(link);
  const field = known.get(rest);
  if (field) return field;
  const near = nearest(rest, [...known.keys()]).map((each) => `${link.name}.${each}`);
  throw new Problem("invalid_field", `${link.target.plural} have no field ${echo(rest)} to show here`, [
    `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}${link.name}.… takes: ${[...known.keys()].join(", ")}`,
  ]);
}

/** `expand=company,contact`: the links whose records' fields are shown too. */
export function readExpand(kind: Kind, parameters: Parameters): Link[] {
  const asked = parameters.filter(([name]) => name === "expand").flatMap(([, list]) => list.split(","));
  const links = asked.map((each) => {
    const name = each.trim();
    const link = kind.links.find(({ name: called, id }) => called === name || id.name === name);
    if (link) return link;
    const names = kind.links.map((each) => each.name);
    throw new Problem("invalid_value", `expand cannot be ${echo(name)}`, [
      names.length > 0 ? `${kind.plural} link to: ${names.join(", ")}` : `${kind.plural} link to nothing: leave expand out`,
    ]);
  });
  return [...new Set(links)];
}

/** What `expand=` shows of a linked record: what is written in it; `whole`: with what lists leave out. */
export const expanded = (link: Link, whole: boolean): Field[] =>
  [...acrossOf(link).values()].filter(
    ({ across, shown }) => !across!.field.readOnly && (shown === undefined || (whole && shown !== "asked")),
  );
