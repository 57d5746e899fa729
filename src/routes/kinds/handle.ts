import { changeKinds, livingOwn } from "../../db/kinds/kinds.ts";
import { KEY_SLOT, TITLE_SLOT } from "../../derive/slots.ts";
import { type Row, type View, viewsOf } from "../../derive/view.ts";
import type { Answer } from "../../http/reply.ts";
import { echo } from "../../kit/line.ts";
import { nearest } from "../../kit/nearest.ts";
import { Problem } from "../../kit/problem.ts";
import { each, inTurns } from "../../kit/turns.ts";
import { counted, oneOf } from "../../kit/words.ts";
import type { Catalog } from "../../records/catalog.ts";
import type { Kind } from "../../records/kind.ts";
import type { OwnField, OwnKind } from "../../records/own.ts";
import type { Authenticated } from "../../service/route.ts";
import { kindView } from "../../views/kind.ts";
import { confirm } from "../confirm.ts";
import { listAnswer } from "../lists.ts";
import { changedFields, readReminder, takenIn } from "./changes.ts";
import { checkKindName, prefixFor, typesOf, withSlots } from "./declare.ts";
import { MOST_FIELDS, MOST_KINDS } from "./limits.ts";
import { type FieldsOf, keyNamed, readAbout, readFields, titleOf } from "./read.ts";

/** The kinds as they are stored now, whatever the session knew. */
const stored = ({ services, session }: Authenticated) => services.catalogs.now(session.workspaceId);

export async function all(context: Authenticated): Promise<Answer> {
  const { kinds, catalog } = await stored(context);
  const view = context.style.format.allFields ? viewsOf(kindView).json : viewsOf(kindView).list;
  const rows = await inTurns(each(catalog.kinds, (kind) => rowOf(view, kind, kinds)));
  return listAnswer(view, { rows, more: false });
}

export async function one(context: Authenticated): Promise<Answer> {
  const { kinds, catalog } = await stored(context);
  return shown(context, named(context.path.kind!, kinds, catalog), kinds);
}

function shown(
  { style }: Authenticated,
  kind: Kind,
  kinds: readonly OwnKind[],
  outcome?: "created" | "updated" | "restored",
): Answer {
  const view = style.format.allFields ? viewsOf(kindView).json : viewsOf(kindView).record;
  const made = outcome === "created" ? { status: 201 } : {};
  return { is: "record", view, row: rowOf(view, kind, kinds), ...(outcome ? { outcome } : {}), ...made };
}

function rowOf(view: View, kind: Kind, kinds: readonly OwnKind[]): Row {
  const own = kinds.find(({ name }) => name === kind.name)?.declaration.fields ?? [];
  const fields = kind.fields.filter(({ shown }) => shown === undefined || shown === "detail");
  const values: Record<string, unknown> = {
    name: kind.name,
    plural: kind.plural,
    prefix: kind.prefix,
    own: kind.shared === true,
    title: kind.title,
    natural_key: kind.naturalKey ?? null,
    reminder: kind.reminder?.at ?? null,
    about: kind.about,
    names: fields.map(({ name }) => name),
    fields: typesOf(kind, own),
  };
  return [kind.name, 1, ...view.columns.map(({ name }) => values[name] ?? null)];
}

function named(asked: string, kinds: readonly OwnKind[], catalog: Catalog): Kind {
  const kind = catalog.get(asked) ?? catalog.byPlural(asked);
  if (kind) return kind;
  const gone = kinds.find(({ name, plural, deleted_at }) => deleted_at !== null && (name === asked || plural === asked));
  if (gone)
    throw new Problem("not_found", `the kind ${gone.name} was deleted`, `bring it back: POST /kinds/${gone.name}/restore`);
  const near = nearest(
    asked,
    catalog.kinds.map(({ name }) => name),
  );
  throw new Problem("not_found", `there is no kind ${echo(asked)} in this workspace`, [
    `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}GET /kinds shows all; POST /kinds makes one`,
  ]);
}

/** Makes the change in one transaction. What has become of the kinds must be a catalog, or nothing is stored. */
async function write(
  context: Authenticated,
  decide: (kinds: readonly OwnKind[], catalog: Catalog) => OwnKind,
  outcome: "created" | "updated" | "restored",
): Promise<Answer> {
  const { author, services, session, db } = context;
  const compiled = (kinds: readonly OwnKind[]) => services.catalogs.with(session.workspaceId, kinds);
  const kind = await services.catalogs.alone(session.workspaceId, async () => {
    const known = await stored(context);
    return changeKinds(db.pool, author, known.kinds, async (kinds) => {
      const made = decide(kinds, await compiled(kinds));
      const candidate = { ...made, version: made.version + 1 };
      await compiled([...kinds.filter(({ name }) => name !== made.name), candidate]).catch(refuseUnfit);
      return made;
    });
  });
  services.forget(session.workspaceId);
  const { kinds, catalog } = await stored(context);
  return shown(context, catalog.get(kind.name)!, kinds, outcome);
}

function refuseUnfit(error: unknown): never {
  throw new Problem("invalid_value", (error as Error).message, "GET /kinds shows what there is");
}

export async function create(context: Authenticated): Promise<Answer> {
  const { body, reading, services } = context;
  const sent = body.values as Record<string, string | null> & { fields: Record<string, unknown>; reminder?: object | null };
  const name = sent.name!;
  const plural = sent.plural ?? `${name}s`;
  return write(
    context,
    (kinds, catalog) => {
      const gone = kinds.find(
        (kind) => kind.deleted_at !== null && [kind.name, kind.plural].some((each) => each === name || each === plural),
      );
      if (gone)
        throw new Problem("already_exists", `a deleted kind is called ${gone.name}`, [
          `bring it back with its records: POST /kinds/${gone.name}/restore; or take another name`,
        ]);
      checkKindName(name, plural, catalog);
      if (kinds.filter(({ prefix }) => prefix !== null).length >= MOST_KINDS)
        throw new Problem(
          "plan_limit_reached",
          `a workspace has at most ${MOST_KINDS} kinds of its own`,
          "GET /kinds shows them",
        );
      const declared = readFields({ kind: name, taken: () => false, catalog }, sent.fields, reading);
      guardMany(name, declared.length);
      const key = keyNamed(name, sent.natural_key, declared);
      const title = titleOf(name, sent.title, declared, key);
      const special = new Map([[title, TITLE_SLOT], ...(key ? [[key, KEY_SLOT] as const] : [])]);
      const fields = withSlots(declared, [], special);
      const reminder = readReminder(name, sent.reminder, fields);
      return {
        id: services.ids("k"),
        name,
        plural,
        prefix: prefixFor(name, new Set(kinds.map(({ prefix }) => prefix ?? ""))),
        declaration: {
          about: sent.about ?? `${oneOf(name).replace(/^a/, "A")} of your own.`,
          title: special.get(title)!,
          ...(key ? { natural_key: KEY_SLOT } : {}),
          ...(reminder ? { reminder } : {}),
          fields,
        },
        version: 1,
        deleted_at: null,
      };
    },
    "created",
  );
}

function guardMany(name: string, count: number): void {
  if (count <= MOST_FIELDS) return;
  throw new Problem(
    "plan_limit_reached",
    `${name} would have more than ${MOST_FIELDS} fields of your own`,
    "other facts fit under custom",
  );
}

export function add(context: Authenticated): Promise<Answer> {
  const { body, path, reading, services } = context;
  const { name, fields: several, ...spec } = body.values as Record<string, unknown>;
  const said = Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== null && value !== undefined));
  if ((name == null) === (several == null))
    throw new Problem("missing_field", "send name and type of a field, or several as fields", [
      `{"name":"km","type":"integer"} or {"fields":{"km":"integer"}}`,
    ]);
  const sent = (several ?? { [name as string]: said }) as Record<string, unknown>;
  return write(
    context,
    (kinds, catalog) => {
      const kind = named(path.kind!, kinds, catalog);
      const known = kinds.find((each) => each.name === kind.name);
      const before = known?.declaration.fields ?? [];
      const of: FieldsOf = { kind: kind.name, taken: takenIn(kind, before), catalog };
      const declared = readFields(of, sent, reading);
      guardMany(kind.name, before.length + declared.length);
      const must = declared.find((field) => field.required);
      if (must)
        throw new Problem("invalid_value", `${must.name} cannot be required: there may be ${kind.plural} without it`, [
          "leave required out; only the fields that a kind is made with can be",
        ]);
      const fields = [...before, ...withSlots(declared, before)];
      if (known) return { ...known, declaration: { ...known.declaration, fields } };
      return builtIn(kind, services.ids("k"), fields);
    },
    "updated",
  );
}

/** What a workspace says of a built-in kind. */
const builtIn = ({ name, about }: Kind, id: string, fields: OwnField[]): OwnKind => ({
  id,
  name,
  plural: null,
  prefix: null,
  declaration: { about, fields },
  version: 1,
  deleted_at: null,
});

export function change(context: Authenticated): Promise<Answer> {
  const { body, path } = context;
  const {
    about,
    reminder,
    fields: sent,
  } = body.values as {
    about?: string | null;
    reminder?: object | null;
    fields?: Record<string, unknown> | null;
  };
  return write(
    context,
    (kinds, catalog) => {
      const kind = named(path.kind!, kinds, catalog);
      const known = kinds.find((each) => each.name === kind.name);
      if (!known || (!kind.shared && (about !== undefined || reminder !== undefined)))
        throw new Problem("invalid_value", `${kind.name} is built in: only fields that you have added to it can change`, [
          `add one: POST /kinds/${kind.name}/fields {"name":"badge","type":"text"}`,
        ]);
      const fields = changedFields(kind, known.declaration.fields, sent ?? {}, catalog, context.reading);
      const { reminder: former, ...declaration } = known.declaration;
      const becomes = reminder === undefined ? former : readReminder(kind.name, reminder, fields);
      return {
        ...known,
        declaration: {
          ...declaration,
          ...(about == null ? {} : { about: readAbout(about) }),
          ...(becomes ? { reminder: becomes } : {}),
          fields,
        },
      };
    },
    "updated",
  );
}

export async function remove(context: Authenticated): Promise<Answer> {
  const { author, db, path, services, session } = context;
  const { kinds, catalog } = await stored(context);
  const kind = named(path.kind!, kinds, catalog);
  const { name } = kind;
  if (!kind.shared)
    throw new Problem("unprocessable", `${name} is built in and stays`, `hide a field of your own: PATCH /kinds/${name}`);
  const { count, set } = await livingOwn(db.pool, session.workspaceId, name);
  const holds = counted(count, kind);
  const facts = [name, set, ...catalog.heldBy(kind).map(({ kind: { name } }) => name)];
  const clears = linkingTold(kind, catalog);
  confirm(context, "delete kind", facts, `delete the kind ${name} with ${holds}${clears}`, `DELETE /kinds/${name}`);
  await changeKinds(db.pool, author, kinds, (now) => {
    const known = now.find((each) => each.name === name && each.deleted_at === null);
    if (!known) throw new Problem("not_found", `the kind ${name} was deleted`, "GET /kinds shows what there is");
    return { ...known, deleted_at: new Date(author.now).toISOString() };
  });
  services.forget(session.workspaceId);
  return {
    is: "message",
    message: `deleted the kind ${name} with ${holds}${clears}`,
    values: { deleted: name },
    hints: [`to take this back: POST /kinds/${name}/restore`],
  };
}

/** `; car_id of trips leads nowhere until it is restored` */
function linkingTold(of: Kind, { heldBy }: Catalog): string {
  const others = heldBy(of).filter(({ kind }) => kind !== of);
  if (others.length === 0) return "";
  return `; ${others.map(({ kind, link }) => `${link.id.name} of ${kind.plural}`).join(", ")} is not shown until it is restored`;
}

export function restore(context: Authenticated): Promise<Answer> {
  const { path } = context;
  return write(
    context,
    (kinds, catalog) => {
      const gone = kinds.find(({ name, plural, deleted_at }) => deleted_at !== null && [name, plural].includes(path.kind!));
      if (gone) return { ...gone, deleted_at: null };
      const kind = named(path.kind!, kinds, catalog);
      throw new Problem("already_exists", `the kind ${kind.name} is not deleted`, `GET /kinds/${kind.name} shows it`);
    },
    "restored",
  );
}
