import { KIND_COLUMNS } from "../../db/kinds/kinds.ts";
import { KEY_SLOT, letterOf, TITLE_SLOT } from "../../derive/slots.ts";
import { faultOfRow } from "../../formats/files/workspaceCheck.ts";
import type { PartRow } from "../../formats/files/workspacePart.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import { UTC } from "../../kit/time.ts";
import { each, inTurns } from "../../kit/turns.ts";
import { catalog, declarations } from "../../records/all.ts";
import type { Catalog } from "../../records/catalog.ts";
import { linkName } from "../../records/linking.ts";
import { compilingWhole, type OwnField, type OwnKind } from "../../records/own.ts";
import { isOwnType, KEY_TYPES, ownType, TITLE_TYPES } from "../../records/ownTypes.ts";
import { readReminder } from "./changes.ts";
import { checkKindName } from "./declare.ts";
import { MOST_FIELDS, MOST_KINDS } from "./limits.ts";
import { checkFieldName, readAbout, readChoices, readInitially } from "./read.ts";

/** The kinds of the file of a workspace: each is held to what POST /kinds would hold it to, for anybody may have written the file. */
export async function readKindsOfFile(sent: readonly unknown[]): Promise<Catalog> {
  if (sent.length === 0) return catalog;
  const kinds = await inTurns(each(sent, readRow));
  const own = kinds.filter(({ prefix }) => prefix !== null);
  if (own.length > MOST_KINDS) throw unfit("the file", `has more than ${MOST_KINDS} kinds`);
  refuseTwins(kinds.map(({ name }) => name));
  refuseTwins(kinds.map(({ id }) => id));
  refuseTwins(own.map(({ prefix }) => prefix!));
  refuseTwins(own.flatMap(({ name, plural }) => [name, plural!]));
  const names = new Set([...catalog.kinds, ...own].map(({ name }) => name));
  await inTurns(each(kinds, (kind) => checkDeclaration(kind, names)));
  try {
    return await inTurns(compilingWhole(declarations, kinds, catalog));
  } catch (error) {
    throw unfit("the file", `has kinds that do not fit together: ${(error as Error).message}`);
  }
}

const unfit = (what: string, fault: string) => new Problem("invalid_value", `${what} ${fault}`);

function refuseTwins(names: readonly string[]): void {
  const twin = names.find((name, i) => names.indexOf(name) !== i);
  if (twin !== undefined) throw unfit("the file", `has two kinds with ${echo(twin)}`);
}

function readRow(sent: unknown): OwnKind {
  if (typeof sent !== "object" || sent === null || Array.isArray(sent)) throw unfit("a kind", "is no object");
  const fault = faultOfRow({ line: "kind", table: "kinds", columns: KIND_COLUMNS }, sent as PartRow);
  if (fault) throw unfit("a kind", `is refused: ${fault}`);
  const kind = sent as OwnKind;
  const { name, plural, prefix } = kind;
  if (prefix === null && plural === null) {
    if (!catalog.get(name)) throw unfit(`the kind ${echo(name)}`, "is not built in, and has no plural");
    if (kind.deleted_at !== null) throw unfit(`the kind ${echo(name)}`, "is built in, and cannot be deleted");
    return kind;
  }
  if (plural === null || !/^z[a-z]{0,3}$/.test(prefix ?? ""))
    throw unfit(`the kind ${echo(name)}`, "has no prefix z… and plural");
  checkKindName(name, plural, catalog);
  return kind;
}

const PARTS = ["about", "title", "natural_key", "reminder", "fields"];
const SAID = ["name", "column", "type", "about", "required", "hidden", "link", "choices", "initially"];

function checkDeclaration({ name, prefix, declaration }: OwnKind, kinds: ReadonlySet<string>): void {
  const { about, title, natural_key: key, reminder, fields } = declaration;
  const isOwn = prefix !== null;
  const odd = Object.keys(declaration).find((part) => !PARTS.includes(part));
  if (odd !== undefined) throw unfit(name, `says ${echo(odd)}, which no kind does`);
  readAbout(about);
  if (!Array.isArray(fields) || fields.length > MOST_FIELDS) throw unfit(name, `has no list of at most ${MOST_FIELDS} fields`);
  const names = new Set<string>(isOwn ? [] : catalog.get(name)!.fields.map((field) => field.name));
  const columns = new Set<string>();
  for (const field of fields) {
    checkField(name, field, kinds, (each) => names.has(each));
    const special = isOwn && (field.column === title || field.column === key);
    if (!special && !new RegExp(`^${letterOf(ownType(field))}[1-9]\\d{0,2}$`).test(field.column))
      throw unfit(`${name}.${field.name}`, `is kept in ${echo(String(field.column))}, where it cannot be`);
    if (columns.has(field.column)) throw unfit(`${name}.${field.name}`, "is kept where another field is");
    columns.add(field.column);
    names.add(field.name);
    if (field.link !== undefined) names.add(linkName(field.name));
  }
  if (!isOwn) {
    if (title !== undefined || key !== undefined || reminder !== undefined) throw unfit(name, "is built in, and has its title");
    return;
  }
  const typeOf = (column: string | undefined) => fields.find((field) => field.column === column)?.type ?? "";
  if (key !== undefined && (key !== KEY_SLOT || !KEY_TYPES.includes(typeOf(key)))) throw unfit(name, "has no such natural key");
  if ((title !== TITLE_SLOT && title !== key) || !TITLE_TYPES.includes(typeOf(title))) throw unfit(name, "has no such title");
  if (reminder === undefined) return;
  if (typeof reminder !== "object" || reminder === null) throw unfit(name, "has no such reminder");
  const nameOf = (column: unknown) => fields.find((field) => field.column === column)?.name ?? "";
  readReminder(name, Object.fromEntries(Object.entries(reminder).map(([part, column]) => [part, nameOf(column)])), fields);
}

function checkField(kind: string, field: OwnField, kinds: ReadonlySet<string>, taken: (name: string) => boolean): void {
  const called = `${kind}.${echo(String(field?.name), 60)}`;
  if (typeof field !== "object" || field === null || typeof field.name !== "string")
    throw unfit(kind, "has a field without a name");
  const odd = Object.keys(field).find((part) => !SAID.includes(part));
  if (odd !== undefined) throw unfit(called, `says ${echo(odd)}, which no field does`);
  const { name, type, about, required, hidden, link, choices, initially } = field;
  if (typeof type !== "string" || !isOwnType(type)) throw unfit(called, `is of no type ${echo(String(type), 60)}`);
  if ((type === "link") !== (link !== undefined) || (type === "choice") !== (choices !== undefined))
    throw unfit(called, "is of one type and says another");
  if (link !== undefined && !kinds.has(link)) throw unfit(called, `links to ${echo(String(link), 60)}, which is no kind`);
  checkFieldName({ kind, taken, catalog }, name, type === "link");
  if (about !== undefined) readAbout(about);
  for (const flag of [required, hidden])
    if (flag !== undefined && typeof flag !== "boolean") throw unfit(called, "is no yes or no");
  if (choices && (!Array.isArray(choices) || String(readChoices(name, choices)) !== String(choices)))
    throw unfit(called, "has choices that are none");
  if (initially !== undefined) readInitially(field, initially, { now: 0, zone: UTC, me: "" });
}
