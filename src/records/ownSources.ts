import type { CardSource, IdentitySource, ReminderSource } from "./declaration.ts";
import type { OwnField, OwnKind } from "./own.ts";

/** What fields of an own kind stand for, besides what they are. */

/** A reminder tells whom to call: the first contact that the record links to, and the first company. */
export function reminderOf(
  { at, note, owner, done }: NonNullable<OwnKind["declaration"]["reminder"]>,
  fields: readonly OwnField[],
  nameOf: (column: string | undefined) => string | undefined,
): ReminderSource | undefined {
  const due = nameOf(at);
  if (due === undefined) return undefined;
  const linkTo = (kind: string) => fields.find(({ link }) => link === kind)?.name;
  const parts = { note: nameOf(note), owner: nameOf(owner), person: linkTo("contact"), company: linkTo("company") };
  const doneField = nameOf(done);
  return {
    at: due,
    ...Object.fromEntries(Object.entries(parts).filter(([, field]) => field !== undefined)),
    ...(doneField ? { doneWhen: { field: doneField, is: true as const } } : {}),
  };
}

/** What tells that two records may be one: a title that is text, and the first address, domain and phone; and what both belong to. */
export function identityOf(fields: readonly OwnField[], title: string | undefined): IdentitySource | undefined {
  const parts: IdentitySource = {
    ...named("organisation", titleText(fields, title)),
    ...named("email", first(fields, "email")),
    ...named("domain", first(fields, "domain")),
    ...named("phone", first(fields, "phone")),
  };
  return Object.keys(parts).length === 0 ? undefined : { ...parts, ...named("at", first(fields, "link")) };
}

/** A record that has an address or a phone makes a card. */
export function cardOf(fields: readonly OwnField[], title: string | undefined): CardSource | undefined {
  const name = titleText(fields, title);
  const [email, phone] = [first(fields, "email"), first(fields, "phone")];
  if (!name || !(email || phone)) return undefined;
  return {
    name: name.name,
    ...named("email", email),
    ...named("phone", phone),
    ...named("website", first(fields, "domain")),
    ...named("country", first(fields, "country")),
    ...named("tags", first(fields, "tags")),
    ...named("notes", first(fields, "long_text")),
    custom: "custom",
  };
}

const first = (fields: readonly OwnField[], type: string) => fields.find((field) => field.type === type);

const titleText = (fields: readonly OwnField[], title: string | undefined) =>
  fields.find(({ column, type }) => column === title && type === "text");

const named = <Part extends string>(part: Part, field: OwnField | undefined) =>
  (field ? { [part]: field.name } : {}) as { [P in Part]?: string };
