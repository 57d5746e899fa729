import { findAddresses } from "../db/people/members.ts";
import type { Condition } from "../derive/filter.ts";
import type { Written } from "../derive/written.ts";
import { isEmail } from "../fields/text.ts";
import { echo } from "../kit/line.ts";
import { type Field, type Kind, personsOf } from "../records/kind.ts";
import type { Authenticated } from "../service/route.ts";

/** A person whom the workspace does not know is a name like any other: it reminds nobody, and `owner=me` does not find it. */

/** Told beside a write that names one. */
export async function strangers(context: Authenticated, kind: Kind, { sent }: Written): Promise<string[]> {
  const named = personsOf(kind).flatMap((field) => {
    const name = sent[field.name];
    return typeof name === "string" ? [{ field, name }] : [];
  });
  return tell(context, named);
}

/** Told beside a write of several, each once. */
export async function strangersIn(context: Authenticated, kind: Kind, written: readonly Written[]): Promise<string[]> {
  const notes = new Set<string>();
  for (const each of written) for (const note of await strangers(context, kind, each)) notes.add(note);
  return [...notes];
}

/** Told of a list that found nothing. */
export async function strangersAsked(context: Authenticated, conditions: readonly Condition[]): Promise<string[]> {
  const named = conditions.flatMap(({ field, predicate }) =>
    field.type.person && predicate.is === "eq" ? [{ field, name: String(predicate.value) }] : [],
  );
  return tell(context, named);
}

async function tell(context: Authenticated, named: readonly { field: Field; name: string }[]): Promise<string[]> {
  const notes: string[] = [];
  for (const { field, name } of named) notes.push(...(await noteOf(context, field.name, name)));
  return notes;
}

export async function noteOf({ db, session }: Authenticated, field: string, name: string): Promise<string[]> {
  if (name === session.email) return [];
  const found = await findAddresses(db.pool, session.workspaceId, spellings(name));
  const itself = found.find(({ email }) => email === name);
  if (itself?.joined) return [];
  if (itself) return [`${field} ${echo(name)} is invited and has not signed in yet`];
  const meant = found.map(({ email }) => `${field}=${email}`);
  return [`${field} ${echo(name)} is no member${meant.length > 0 ? `; did you mean ${meant.join(" or ")}?` : ""}`];
}

/** How an address may begin that belongs to this name: `Sam Smith` is sam.smith@ or sam@; an address also without its domain. */
function spellings(name: string): string[] {
  const local = isEmail(name) ? name.slice(0, name.lastIndexOf("@")) : name;
  const words = local
    .toLowerCase()
    .split(/[\s.]+/)
    .filter(Boolean);
  return [name, ...new Set(["", ".", "_", "-"].map((between) => words.join(between))), words[0] ?? name];
}
