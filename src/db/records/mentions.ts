import { addressesOf } from "../../derive/further.ts";
import { mentionedSql, mentionsOfMany, movesMentions } from "../../derive/mentions.ts";
import type { Predicate } from "../../fields/predicate.ts";
import { ident, join, numbered, raw, type Statement, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import { derived } from "../../records/derived.ts";
import type { Kind, Mentioned } from "../../records/kind.ts";
import type { Workspace } from "./table.ts";

/**
 * Which records name an address of another one. `mentions` is the index from addresses to the records that name them (derive/mentions.ts); whose
 * addresses these are is read from the living each time.
 */

/** Sets the index for records as they are stored now. */
export async function indexMentions(
  tx: Pick<Transaction, "rows">,
  workspaceId: string,
  kind: Kind,
  ids: readonly string[],
): Promise<void> {
  if (!kind.mentions || ids.length === 0) return;
  const { clear, index } = statementsOf(kind);
  await tx.rows(clear([workspaceId, ids]));
  await tx.rows(index([workspaceId, ids]));
}

/** The same for new records, which have no rows there yet. */
export async function indexNewMentions(
  tx: Pick<Transaction, "rows">,
  workspaceId: string,
  kind: Kind,
  ids: readonly string[],
): Promise<void> {
  if (kind.mentions && ids.length > 0) await tx.rows(statementsOf(kind).index([workspaceId, ids]), { near: workspaceId });
}

/** Takes records out of it. */
export async function forgetMentions(
  tx: Pick<Transaction, "rows">,
  workspaceId: string,
  kind: Kind,
  ids: readonly string[],
): Promise<void> {
  if (kind.mentions && ids.length > 0) await tx.rows(statementsOf(kind).clear([workspaceId, ids]), { near: workspaceId });
}

const statementsOf = derived((kind: Kind) => {
  const { clear, index } = mentionsOfMany(kind);
  return { clear: numbered(clear), index: numbered(index) };
});

/** The records of a kind in which a change of these columns moves something there. */
export const movedMentions = (kind: Kind, puts: readonly { kind: Kind; id: string; sets: object }[]): string[] =>
  puts.filter((put) => put.kind === kind && movesMentions(kind, Object.keys(put.sets))).map(({ id }) => id);

/**
 * What a field shows: read from the row itself, which the statement that writes it has, while what it put into the index cannot be seen before it
 * ends.
 */
export function shownMentions({ kind, target }: Mentioned, row: Statement, workspace: Workspace): Statement {
  const values = raw(mentionedSql(kind, row.text));
  if (!target) return values;
  return sql`(select array_agg(distinct a.record_id) ${holdersSql(target, values, workspace)})`;
}

/** `from … where …`: the addresses of living records of the target that are among some values. */
export function holdersSql(target: Kind, values: Statement, workspace: Workspace): Statement {
  return sql`from addresses a where a.workspace_id = ${workspace} and a.kind = ${raw(`'${target.name}'`)} and a.value = any (${values})${privateSql(target, raw("a.value"))}`;
}

/** A domain at which anybody may have an address says nothing of a company. */
const privateSql = ({ keyField }: Kind, value: Statement): Statement =>
  keyField!.type.name === "domain" ? sql` and not crm_public_domain(${value})` : raw("");

/** The SQL of a filter about what the row of `kind` mentions. */
export function mentionsSql(mentioned: Mentioned, predicate: Predicate, row: Statement, workspace: Workspace): Statement {
  const { kind, target } = mentioned;
  const each = (of: readonly Predicate[], by: " and " | " or ") =>
    sql`(${join(
      of.map((one) => mentionsSql(mentioned, one, row, workspace)),
      by,
    )})`;
  switch (predicate.is) {
    case "null": {
      const values = raw(mentionedSql(kind, row.text));
      return target ? sql`not exists (select ${holdersSql(target, values, workspace)})` : sql`cardinality(${values}) = 0`;
    }
    case "not":
      return sql`not (${mentionsSql(mentioned, predicate.of, row, workspace)})`;
    case "all":
      return each(predicate.of, " and ");
    case "any":
      return each(predicate.of, " or ");
    default:
      return sql`exists (select from mentions m where m.workspace_id = ${workspace} and m.kind = ${raw(`'${kind.name}'`)} and m.record_id = ${row}.id
        and m.value = any (array(${valuesSql(mentioned, predicate, workspace)})))`;
  }
}

/** What an index walk by time can begin with: one record, or one address. Undefined where a filter is about more. */
export function walkedValues(mentioned: Mentioned, predicate: Predicate, workspace: Workspace): Statement | undefined {
  const isOne = predicate.is === "eq" || (predicate.is === "holds" && predicate.items.length === 1);
  return isOne ? valuesSql(mentioned, predicate, workspace) : undefined;
}

/** `select … as v`: the values by which a record is mentioned, or those that were asked for. */
function valuesSql({ target }: Mentioned, predicate: Predicate, workspace: Workspace): Statement {
  if (predicate.is === "holds") return sql`select v from unnest(${predicate.items}::text[]) v`;
  if (predicate.is !== "eq" || !target) throw new Error(`what is mentioned does not know ${predicate.is}`);
  return addressesSql(target, String(predicate.value), workspace);
}

/** The addresses of a living record. */
export function addressesSql(target: Kind, id: string, workspace: Workspace): Statement {
  return sql`select v from ${ident(target.plural)} t cross join lateral unnest(${raw(addressesOf(target, "t"))}) v
    where t.workspace_id = ${workspace} and t.id = ${id} and t.deleted_at is null${privateSql(target, raw("v"))}`;
}

/** What bounds a walk by time: the records of `m` that are wanted, and how many. */
export type Within = { where: readonly Statement[]; descending: boolean; limit: Statement };

/**
 * `select at, record_id`: the records that mention one of these values, in the order of time, each once. Each value is walked by the primary key
 * until it has given enough: one with a hundred thousand mails costs what one with fifty does. `r` is the row of the record.
 */
export function walkSql(kind: Kind, values: Statement, workspace: Workspace, { where, descending, limit }: Within): Statement {
  const direction = descending ? raw("desc") : raw("asc");
  const order = sql`order by m.at ${direction}, m.record_id ${direction}${limit}`;
  const joined = sql`join ${ident(kind.plural)} r on r.workspace_id = ${workspace} and r.id = m.record_id`;
  return sql`select distinct m.at, m.record_id from (${values}) named(v) cross join lateral (select m.at, m.record_id from mentions m ${joined}
      where ${join([sql`m.workspace_id = ${workspace} and m.kind = ${raw(`'${kind.name}'`)} and m.value = named.v`, ...where], " and ")} ${order}) m ${order}`;
}
