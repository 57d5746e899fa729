import { changeBulk, type Found, MOST_BULK, previewBulk, removeBulk } from "../db/records/bulk.ts";
import { resolveId } from "../db/records/references.ts";
import type { Removal } from "../db/records/remove.ts";
import { readRecord } from "../derive/body.ts";
import type { Named } from "../derive/operation.ts";
import { COMMON_PARAMETERS, CONFIRM, DRY, detaching, WRITING } from "../derive/parameters.ts";
import { isSet, type ListQuery, queryWithout, readListQuery } from "../derive/query.ts";
import type { Written } from "../derive/written.ts";
import { countType } from "../fields/text.ts";
import { boolean, required, text } from "../fields/vocabulary.ts";
import type { Answer } from "../http/reply.ts";
import { type IdReference, shortId } from "../kit/id.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import { counted } from "../kit/words.ts";
import type { Kind } from "../records/kind.ts";
import { FILTERING, LIST_PARAMETERS } from "../records/reserved.ts";
import { type Authenticated, type Route, readPathId } from "../service/route.ts";
import { confirm } from "./confirm.ts";
import { makingOf } from "./linked.ts";
import { withLists } from "./listed.ts";
import { mayRead, refuseUnreadable } from "./readable.ts";
import { strangersIn } from "./strangers.ts";

/** What a bulk request takes besides filters. */
export const BULK: Named = {
  all: boolean({ about: "needed where there is no filter: the request is about every record" }),
  ...CONFIRM,
  ...WRITING,
};

export const ANSWER: Named = {
  request: required(text({ about: "what POST /undo takes all of it back by" })),
  ...DRY,
};

export const counts = (about: string) => required({ type: countType, about });

/** Requests that change or delete all that filters find. */
export function bulkRoutes(kind: Kind): Route[] {
  return bulkRoutesAt(`/${kind.plural}`, kind, kind.plural);
}

/** Where the records are those that hang on one of another kind. */
export type Within = { name: string; of: Kind };

/** `told`: what the records are called there. */
export function bulkRoutesAt(path: string, kind: Kind, told: string, within?: Within): Route[] {
  const filters = { of: kind, most: MOST_BULK, bulk: true } as const;
  const refuses = ["confirmation_required", "unprocessable"] as const;
  return [
    {
      method: "PATCH",
      path,
      kind,
      about: `change all ${told} that the filters find, in two steps; at most ${MOST_BULK}`,
      filters,
      parameters: BULK,
      body: { is: "patch", of: kind },
      answers: {
        is: "message",
        values: { updated: counts("how many changed"), unchanged: counts("how many were so already"), ...ANSWER },
      },
      refuses,
      handle: (context) => change(context, kind, within),
    },
    {
      method: "DELETE",
      path,
      kind,
      about: `delete all ${told} that the filters find, in two steps; at most ${MOST_BULK}`,
      filters,
      parameters: { ...BULK, ...detaching(kind) },
      answers: { is: "message", values: { deleted: counts("how many went"), ...ANSWER } },
      refuses,
      handle: (context) => remove(context, kind, within),
    },
  ];
}

async function change(context: Authenticated, kind: Kind, within?: Within): Promise<Answer> {
  const { db, author, services, session, body } = context;
  const query = await readQuery(context, kind, within);
  if (Object.keys(body.values).length === 0)
    throw new Problem("missing_field", "the body is empty, so nothing would change", [
      "send the fields to change, as JSON or as a form (-d field=value): GET /help/bulk",
    ]);
  const options = readOptions(context, kind);
  const notes = await strangersIn(context, kind, options);
  const agree = (found: Found) =>
    ask(
      context,
      kind,
      "PATCH",
      found,
      `change ${counted(found.records.length, kind)}`,
      JSON.stringify(Object.entries(body.values).sort()),
      within,
      notes,
    );
  const preview = await previewBulk(db, session.workspaceId, kind, query);
  if (preview.records.length === 0) return nothing(context, kind, { updated: 0, unchanged: 0 });
  agree(preview);
  const { found, changed } = await changeBulk(db, author, services.ids, kind, query, options, makingOf(context), agree);
  const unchanged = found.records.length - changed;
  const rest = unchanged > 0 ? `, ${unchanged} ${unchanged === 1 ? "was" : "were"} so already` : "";
  return done(context, `updated ${counted(changed, kind)}${rest}`, { updated: changed, unchanged }, notes);
}

async function remove(context: Authenticated, kind: Kind, within?: Within): Promise<Answer> {
  const { db, author, services, session } = context;
  const query = await readQuery(context, kind, within);
  const removal = { detach: isSet(context.parameters, "detach") };
  const agree = (found: Found) => ask(context, kind, "DELETE", found, `delete ${toldOf(found, kind)}`, "", within);
  const preview = await previewBulk(db, session.workspaceId, kind, query, removal);
  if (preview.records.length === 0) return nothing(context, kind, { deleted: 0 });
  agree(preview);
  const found = await removeBulk(db, author, services.ids, kind, query, removal, agree);
  return done(context, `deleted ${toldOf(found, kind)}`, { deleted: found.records.length });
}

const toldOf = ({ records, affected }: Found, kind: Kind) =>
  [counted(records.length, kind), ...affectedTold(affected)].join(", ");

/** `with 2 activities`, `clearing its link on 1 deal`: what a deletion does besides. */
export function affectedTold(affected: Removal["affected"]): string[] {
  const removes = affected.filter((each) => each.removes > 0).map((each) => counted(each.removes, each.kind));
  const clears = affected.filter((each) => each.clears > 0).map((each) => counted(each.clears, each.kind));
  return [
    ...(removes.length > 0 ? [`with ${removes.join(", ")}`] : []),
    ...(clears.length > 0 ? [`clearing its link on ${clears.join(", ")}`] : []),
  ];
}

/** What the filters find, or those of it that hang on the record of the path. That this is there is asked first: whoever may not see it learns no more. */
async function readQuery(context: Authenticated, kind: Kind, held: Within | undefined): Promise<ListQuery> {
  if (!held) return readBulkQuery(context, kind);
  const reference = readPathId(held.of, context.path.id!);
  await resolveId(context.db, context.session.workspaceId, held.of, reference);
  return within(await readBulkQuery(context, kind), kind, held, reference);
}

/** Those of a list that link to one record. */
export function within(query: ListQuery, kind: Kind, held: Within, reference: IdReference): ListQuery {
  const field = kind.field(held.name)!;
  return {
    ...query,
    conditions: [...query.conditions, { field, predicate: { is: "refers", target: held.of.name, to: [reference] } }],
  };
}

/** Pages and orders mean nothing to a request about all that is found, so they are refused. */
export async function readBulkQuery(
  context: Authenticated,
  kind: Kind,
  own = Object.keys({ ...BULK, ...detaching(kind) }),
): Promise<ListQuery> {
  const { parameters, reading } = context;
  const asked = parameters.filter(([name]) => !own.includes(name) && !(name in COMMON_PARAMETERS));
  const paging = LIST_PARAMETERS.find((name) => !FILTERING.includes(name) && asked.some(([each]) => each === name));
  if (paging === "deleted")
    throw new Problem("invalid_filter", "deleted means nothing here: deleted records are not changed", [
      `bring one back: POST /${kind.plural}/{id}/restore; all that one request deleted: POST /undo {"request":"req_…"}, which GET /${kind.plural}/{id} of one of them tells`,
    ]);
  if (paging) {
    throw new Problem("invalid_filter", `${paging} means nothing here: all that the filters find is meant`, [
      `leave ${paging} out, and narrow by filters: ids work too, id=in:${kind.prefix}_…,${kind.prefix}_…`,
    ]);
  }
  const query = await withLists(context, kind, readListQuery(kind, asked, reading));
  refuseUnreadable(context, query);
  if (query.conditions.length + query.words.length === 0 && query.search === undefined && !isSet(context.parameters, "all")) {
    throw new Problem("missing_field", `no filter says which ${kind.plural}`, [
      `filter them, as in a list: /${kind.plural}?created_at=gte:-1d`,
      `or add all=true if every one is meant`,
    ]);
  }
  return query;
}

const MOST_DEALT = 100;

/** One change for all records, or one for each value that `{"owner":{"evenly":["sam@…","kim@…"]}}` deals out in turn. */
export function readOptions({ body, reading }: Authenticated, kind: Kind, existing = true): Written[] {
  if (body.values["version"] !== undefined)
    throw new Problem(
      "invalid_field",
      "version is of one record",
      "the confirm token stands for the versions of all that were found",
    );
  if (kind.naturalKey && body.values[kind.naturalKey] !== undefined)
    throw new Problem(
      "invalid_field",
      `${kind.naturalKey} belongs to one ${kind.name}`,
      `change it with PATCH /${kind.plural}/{id}`,
    );
  const dealt = Object.entries(body.values).filter(([, value]) => isDealt(value));
  if (dealt.length === 0) return [readRecord(kind, body, existing, reading)];
  const [name, value] = dealt[0]!;
  const { evenly } = value as { evenly: unknown[] };
  if (dealt.length > 1 || !Array.isArray(evenly) || evenly.length === 0 || evenly.length > MOST_DEALT) {
    throw new Problem("invalid_value", `${name} cannot be dealt out like this`, [
      `one field takes {"evenly":[…]}, with 1 to ${MOST_DEALT} values`,
    ]);
  }
  return evenly.map((each) => readRecord(kind, { ...body, values: { ...body.values, [name]: each } }, existing, reading));
}

const isDealt = (value: unknown) => typeof value === "object" && value !== null && Object.keys(value).join() === "evenly";

const SHOWN = 5;

/** The question before it: how many, which ones come first, and a token for exactly these in their versions. */
function ask(
  context: Authenticated,
  kind: Kind,
  method: string,
  found: Found,
  what: string,
  body: string,
  within: Within | undefined,
  notes: readonly string[] = [],
): void {
  const { records, set } = found;
  const path = within ? `/${within.of.plural}/${context.path.id}/${kind.joins!.as}` : `/${kind.plural}`;
  const first = records
    .slice(0, SHOWN)
    .map(({ id, title }) => `${kind.name}/${shortId(id)}${mayRead(context, kind) ? ` ${echo(title)}` : ""}`);
  const more = records.length > SHOWN ? [`and ${records.length - SHOWN} more`] : [];
  const query = queryWithout(context.parameters, ["confirm", "dry_run", "propose"]);
  confirm(context, "bulk", [method, kind.plural, set, body], what, `${method} ${path}?${query}`, [...first, ...more, ...notes]);
}

export const nothing = ({ requestId }: Authenticated, kind: Kind, values: Record<string, number>): Answer => ({
  is: "message",
  message: `the filters find no ${kind.plural}: nothing to do`,
  values: { ...values, request: requestId },
});

export const done = (
  { dryRun, requestId }: Authenticated,
  message: string,
  values: Record<string, number>,
  notes: readonly string[] = [],
): Answer => ({
  is: "message",
  message,
  values: { ...values, request: requestId },
  hints: [...notes, ...(dryRun ? [] : [`to take all of it back: POST /undo {"request":"${requestId}"}`])],
});
