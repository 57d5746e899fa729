import { recordsOfImport } from "../db/imports/recordsOf.ts";
import { MOST_BULK } from "../db/records/bulk.ts";
import { type Joined, type Joining, joinAll, joiningOf, previewJoin } from "../db/records/joined.ts";
import { resolveId, resolveLink } from "../db/records/references.ts";
import { COMMON_PARAMETERS } from "../derive/parameters.ts";
import { type ListQuery, queryWithout, readListQuery, single } from "../derive/query.ts";
import { handleOf } from "../fields/link.ts";
import { text } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import { shortId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import { covers } from "../kit/scope.ts";
import { counted, oneOf } from "../kit/words.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Kind } from "../records/kind.ts";
import { permit } from "../service/permit.ts";
import { type Authenticated, type Route, readPathId } from "../service/route.ts";
import { ANSWER, BULK, bulkRoutesAt, counts, done, nothing, readBulkQuery, readOptions } from "./bulk.ts";
import { confirm } from "./confirm.ts";
import { makingOf } from "./linked.ts";
import { mayRead } from "./readable.ts";
import { strangersIn } from "./strangers.ts";

/** The routes of kinds whose records put one thing into another: who is in a campaign. */
export const joinedRoutes = ({ kinds }: Catalog): Route[] =>
  kinds.filter(({ joins }) => joins).flatMap((kind) => routesOf(joiningOf(kind)));

function routesOf(joining: Joining): Route[] {
  const { kind, into, whom } = joining;
  const { as } = kind.joins!;
  const { plural, name } = into.target;
  const path = `/${plural}/{id}/${as}`;
  return [
    {
      method: "POST",
      path,
      kind,
      needs: "create",
      about: `put all ${whom.target.plural} that the filters find into ${oneOf(name)}, in two steps; one, by {"${whom.id.name}":"…"}, at once`,
      filters: { of: whom.target, most: MOST_BULK, bulk: true },
      parameters: { ...BULK, import: text({ about: "the request of an import: only what it was about" }) },
      body: { is: "patch", of: kind },
      answers: {
        is: "message",
        values: { added: counts("how many were put in"), already: counts("how many were in it already"), ...ANSWER },
      },
      refuses: ["confirmation_required", "unprocessable", "plan_limit_reached"],
      handle: (context) => put(context, joining),
    },
    ...bulkRoutesAt(path, kind, `${as} of ${oneOf(name)}`, { name: into.id.name, of: into.target }),
  ];
}

async function put(context: Authenticated, joining: Joining): Promise<Answer> {
  const { db, author, services, session, body, path } = context;
  const { kind, into, whom } = joining;
  // Filters tell who there is, to whoever may read them or, as in bulk, change them.
  const mayFilter = mayRead(context, whom.target) || covers(session.scopes, "update", whom.target.plural);
  if (!mayFilter) permit(session, { verb: "read", plural: whom.target.plural });
  const to = readPathId(into.target, path.id!);
  await resolveId(db, session.workspaceId, into.target, to);
  for (const field of [into.id.name, into.name])
    if (body.values[field] !== undefined)
      throw new Problem("invalid_field", `${field} is in the path already`, `leave ${field} out of the body`);
  const { [whom.id.name]: byId, [whom.name]: byName, ...others } = body.values;
  const one = byId ?? byName;
  // A new record needs both links, which are known once it is known who is meant.
  const both = { [into.id.name]: path.id!, [whom.id.name]: byId ?? `${whom.target.prefix}_00000000` };
  const options = readOptions({ ...context, body: { ...body, values: { ...others, ...both } } }, kind, false);
  const query = one === undefined ? await readQuery(context, joining) : await queryOfOne(context, joining);
  const making = makingOf(context);
  const written = options.map((option) => ({ ...option, links: without(option.links, [into.name, whom.name]) }));
  const agree = (found: Joined) => {
    if (one === undefined) ask(context, joining, found);
  };
  const preview = await previewJoin(db, session.workspaceId, joining, to, query);
  if (preview.records.length === 0) {
    if (preview.already === 0) return nothing(context, whom.target, { added: 0, already: 0 });
    const message = `${preview.already === 1 ? "is" : `all ${counted(preview.already, whom.target)} are`} in it already`;
    return {
      is: "message",
      message,
      values: { added: 0, already: preview.already, request: context.requestId },
    };
  }
  agree(preview);
  const { records, already } = await joinAll(db, author, services.ids, joining, to, query, written, making, agree);
  const rest = already > 0 ? `, ${already} ${already === 1 ? "was" : "were"} in it already` : "";
  const message = `put ${counted(records.length, whom.target)} into ${handleOf(into.target.name, preview.into)}${rest}`;
  return done(context, message, { added: records.length, already }, await strangersIn(context, kind, options));
}

const without = <T>(values: Record<string, T>, names: readonly string[]): Record<string, T> =>
  Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)));

/** One that the body names, by id or by name. */
async function queryOfOne(
  { db, author, body, parameters, reading }: Authenticated,
  { kind, whom }: Joining,
): Promise<ListQuery> {
  const filter = parameters.find(([name]) => !(name in BULK) && !(name in COMMON_PARAMETERS));
  if (filter)
    throw new Problem("invalid_filter", `${whom.name} names one, and ${echo(filter[0])} finds others`, "send one of the two");
  const field = body.values[whom.id.name] === undefined ? whom.shown : whom.id;
  const sent = body.values[field.name];
  const choice = typeof sent === "string" ? field.type.names?.(sent, reading) : undefined;
  if (!choice)
    throw new Problem("invalid_value", `${field.name} names one ${whom.target.name}`, [
      `many are found by filters: POST …/${kind.joins!.as}?id=in:${whom.target.prefix}_…,${whom.target.prefix}_…`,
    ]);
  const key = await resolveLink(db, author, whom, choice);
  const { prefix } = whom.target;
  const id = await resolveId(db, author.workspaceId, whom.target, { prefix, key: key! }, "unprocessable");
  return onlyThese(whom.target, readListQuery(whom.target, [], reading), [id]);
}

function onlyThese(kind: Kind, query: ListQuery, ids: readonly string[]): ListQuery {
  const condition = { field: kind.field("id")!, predicate: { is: "in" as const, values: ids } };
  return { ...query, conditions: [...query.conditions, condition] };
}

async function readQuery(context: Authenticated, { whom }: Joining): Promise<ListQuery> {
  const { db, session, parameters } = context;
  const asked = single(parameters, "import");
  if (asked === undefined) return readBulkQuery(context, whom.target);
  const rest = parameters.filter(([name]) => name !== "import");
  const all = [...rest.filter(([name]) => name !== "all"), ["all", "true"] as const];
  const query = await readBulkQuery({ ...context, parameters: all }, whom.target);
  const ids = await recordsOfImport(db, session.workspaceId, whom.target, asked, MOST_BULK);
  if (ids) return onlyThese(whom.target, query, ids);
  throw new Problem("not_found", `${echo(asked)} is not the request of an import`, [
    "the answer to an import ends with it: request=req_…",
  ]);
}

const SHOWN = 5;

/** The question before it: how many, who comes first, and a token for exactly these. */
function ask(context: Authenticated, { kind, into, whom }: Joining, { into: id, records, already, set }: Joined): void {
  const first = records
    .slice(0, SHOWN)
    .map(
      (record) => `${handleOf(whom.target.name, record.id)}${mayRead(context, whom.target) ? ` ${echo(record.title)}` : ""}`,
    );
  const more = records.length > SHOWN ? [`and ${records.length - SHOWN} more`] : [];
  const rest = already > 0 ? `; ${already} ${already === 1 ? "is" : "are"} in it already` : "";
  const query = queryWithout(context.parameters, ["confirm", "dry_run", "propose"]);
  const path = `/${into.target.plural}/${shortId(id)}/${kind.joins!.as}`;
  const what = `put ${counted(records.length, whom.target)} into ${handleOf(into.target.name, id)}${rest}`;
  const body = JSON.stringify(Object.entries(context.body.values).sort());
  confirm(context, "join", [kind.plural, id, set, body], what, `POST ${path}?${query}`, [...first, ...more]);
}
