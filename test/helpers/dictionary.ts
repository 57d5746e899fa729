import assert from "node:assert/strict";
import { readKinds } from "../../src/db/kinds/kinds.ts";
import { sql } from "../../src/postgres/sql.ts";
import { catalog, declarations } from "../../src/records/all.ts";
import type { Field, Kind } from "../../src/records/kind.ts";
import { compileOwn } from "../../src/records/own.ts";
import { OWN_TYPES } from "../../src/records/ownTypes.ts";
import { type Client, type Service, type ServiceOptions, startService } from "./service.ts";
import { type Linked, valuesOf, type World } from "./values.ts";

/** All kinds but those whose records are each the only one of two others: of these no test can make as many as it likes. */
export const definitions = catalog.kinds.filter(({ joins }) => !joins);

/** A service of the file's own, who has signed in, and what their records link to. */
export async function startWorld(options?: ServiceOptions) {
  const service = await startService(options);
  const ann = await service.signIn();
  return { service, ann, world: await createWorld(ann) };
}

/** Makes three records of every kind that others link to. */
export async function createWorld(client: Client): Promise<World> {
  const linked = new Map<string, Linked[]>();
  const world = { me: client.email, linked };
  const create = async (kind: Kind) => {
    const made: Linked[] = [];
    if (linked.has(kind.name)) return;
    linked.set(kind.name, made);
    for (const { target } of kind.links) await create(target);
    for (const title of ["Linked A", "Linked b%", "Linked É_"]) {
      const body = { ...leastOf(kind, world), [kind.title]: title };
      made.push({ id: (await post(client, kind, body)).id, title });
    }
  };
  for (const kind of definitions) for (const { target } of kind.links) await create(target);
  return world;
}

/** Each kind after those that it links to. */
export function linkedFirst(kinds: readonly Kind[]): Kind[] {
  const order = new Set<Kind>();
  const met = new Set<Kind>();
  const visit = (kind: Kind): void => {
    if (met.has(kind)) return;
    met.add(kind);
    for (const { target } of kind.links) visit(target);
    order.add(kind);
  };
  for (const kind of kinds) visit(kind);
  return [...order];
}

/** Makes a kind of the client's own, with a field of each type but vectors, which tests of their own compare, and gives it as the service compiles it. */
export async function makeOwnKind(service: Service, client: Client): Promise<Kind> {
  const fields = Object.fromEntries(
    OWN_TYPES.filter((type) => !type.startsWith("vector")).map((type) => [`some_${type}`, type] as [string, unknown]),
  );
  delete fields["some_link"];
  const declared = {
    name: "vehicle",
    title: "some_text",
    natural_key: "plate",
    fields: {
      ...fields,
      some_text: { type: "text", required: true },
      plate: "text",
      some_choice: { choices: ["red", "green", "blue"] },
      owner_id: { link: "contact" },
    },
  };
  const made = await client.send("POST", "/kinds", declared);
  assert.equal(made.status, 201, made.text);
  const [row] = await service.pool.rows(sql`select workspace_id from kinds where name = ${declared.name}`);
  const { kinds } = await readKinds(service.pool, row![0] as string);
  return compileOwn(declarations, kinds).get(declared.name)!;
}

let made = 0;

/** What a record of this kind cannot be without. */
export function leastOf(kind: Kind, world: World): Record<string, unknown> {
  const [link] = kind.links.filter(({ id }) => kind.needsOneOf?.includes(id.name));
  // One may be without a title, and not without anything.
  const required = kind.fields.filter(
    (field) => field.required && (field.initially === undefined || field === kind.titleField) && !field.readOnly,
  );
  const fixed = kind.links.filter(({ id }) => id.fixed);
  const fresh = kind.joins && kind.links.find(({ id }) => id.name === kind.joins!.whom)!;
  const others = required.filter((field) => field.link !== fresh || !fresh);
  return {
    ...(fresh ? { [fresh.name]: { [fresh.target.naturalKey!]: `fresh-${++made}@world.example` } } : {}),
    ...Object.fromEntries(others.map((field) => [field.name, valuesOf(field, world).ladder[0]])),
    ...Object.fromEntries(fixed.map(({ id, target }) => [id.name, world.linked.get(target.name)![0]!.id])),
    ...(link ? { [link.id.name]: world.linked.get(link.target.name)![0]!.id } : {}),
  };
}

/** The fields a body can set, a link by its id. */
export function settable(kind: Kind): Field[] {
  return kind.fields.filter((field) => !field.readOnly && !field.type.borrowed);
}

/** Whether one living record only can have a value of the field. */
export const isUnique = ({ keyField, furtherKey }: Kind, field: Field): boolean => field === keyField || field === furtherKey;

/** Creates a record and gives it as JSON shows it. */
export async function post(client: Client, { plural }: Kind, body: unknown): Promise<Record<string, unknown> & { id: string }> {
  const reply = await client.send("POST", `/${plural}?format=json`, body);
  assert.equal(reply.status, 201, `POST /${plural} ${JSON.stringify(body).slice(0, 300)}\n${reply.text}`);
  return reply.json();
}

const AT_ONCE = 6;

/** A few at a time: the service shall be busy, and not its queue. */
export async function inTurns<T, R>(each: readonly T[], work: (item: T, n: number) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (let at = 0; at < each.length; at += AT_ONCE)
    done.push(...(await Promise.all(each.slice(at, at + AT_ONCE).map((item, i) => work(item, at + i)))));
  return done;
}
