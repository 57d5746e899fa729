import type { Condition } from "../../derive/filter.ts";
import type { Row } from "../../derive/view.ts";
import type { LinkChoice } from "../../derive/written.ts";
import type { Predicate } from "../../fields/predicate.ts";
import { type IdReference, idOf, readBareKey, shortId } from "../../kit/id.ts";
import { echo } from "../../kit/line.ts";
import { Problem, type ProblemCode } from "../../kit/problem.ts";
import { showTime, UTC } from "../../kit/time.ts";
import { oneOf } from "../../kit/words.ts";
import type { RowsOptions } from "../../postgres/pool.ts";
import { ident, raw, type Statement, sql } from "../../postgres/sql.ts";
import { columnName, isIdentity, type Kind, type Link, numberField } from "../../records/kind.ts";
import type { Author, Database } from "../database.ts";
import { hasKey, pattern } from "./condition.ts";
import { long } from "./deadlines.ts";
import { rowsOf } from "./table.ts";

/** Finds the one living record an id stands for: by the index on the last eight characters, then by all that was given. */
export function idMatches(column: Statement, key: string): Statement {
  return sql`right(${column}, 8) = ${key.slice(-8)} and right(${column}, length(${key})) = ${key}`;
}

/** Turns every reference of a list's filters into full ids. One that is not there is `not_found`, whichever workspace it may be of. */
export async function resolveConditions(
  db: Database,
  workspaceId: string,
  conditions: readonly Condition[],
  deletedToo = false,
): Promise<Condition[]> {
  const resolved: Condition[] = [];
  for (const condition of conditions) resolved.push(await resolveCondition(db, workspaceId, condition, deletedToo));
  return resolved;
}

async function resolveCondition(
  db: Database,
  workspaceId: string,
  condition: Condition,
  deletedToo: boolean,
): Promise<Condition> {
  // A list with deleted records finds each of them by its own id; what they link to has to be there.
  const sought = deletedToo && isIdentity(condition.field) ? "any" : "living";
  return { ...condition, predicate: await resolvePredicate(db, workspaceId, condition.predicate, sought) };
}

async function resolvePredicate(db: Database, workspaceId: string, predicate: Predicate, sought: Sought): Promise<Predicate> {
  switch (predicate.is) {
    case "refers": {
      const target = db.catalog.get(predicate.target)!;
      const ids: string[] = [];
      for (const reference of predicate.to) ids.push(await resolveId(db, workspaceId, target, reference, "not_found", sought));
      return ids.length === 1 ? { is: "eq", value: ids[0]! } : { is: "in", values: ids };
    }
    case "not":
      return { is: "not", of: await resolvePredicate(db, workspaceId, predicate.of, sought) };
    case "all":
    case "any": {
      const of: Predicate[] = [];
      for (const each of predicate.of) of.push(await resolvePredicate(db, workspaceId, each, sought));
      return { is: predicate.is, of };
    }
    default:
      return predicate;
  }
}

/** Which records an id may be of. */
type Sought = "living" | "any";

/** The full id of a record, or the Problem that it is not there. */
export async function resolveId(
  db: Database,
  workspaceId: string,
  target: Kind,
  written: IdReference,
  code: ProblemCode = "not_found",
  sought: Sought = "living",
): Promise<string> {
  const reference = idOf(target, written);
  const living = sought === "any" ? raw("") : raw(" and r.deleted_at is null");
  if (reference.prefix !== target.prefix) throw wrongKind(db, target, reference, code);
  const [row] = await db.pool.rows(
    sql`select r.id from ${rowsOf(target)} r where r.workspace_id = ${workspaceId} and ${idMatches(sql`r.id`, reference.key)}${living}`,
    { retry: true },
  );
  const id = (row?.[0] as string | undefined) ?? (await mergedInto(db, workspaceId, target, reference.key));
  if (id === undefined) throw await gone(db, workspaceId, target, reference.key, code);
  return id;
}

/** The living record that a merged one became part of, by however many merges. */
export async function mergedInto(db: Database, workspaceId: string, kind: Kind, key: string): Promise<string | undefined> {
  const table = rowsOf(kind);
  const [row] = await db.pool.rows(
    sql`with recursive way as (
        select r.id, r.merged_into, r.deleted_at from ${table} r
          where r.workspace_id = ${workspaceId} and ${idMatches(sql`r.id`, key)} and r.merged_into is not null
        union
        select r.id, r.merged_into, r.deleted_at from way join ${table} r on r.workspace_id = ${workspaceId} and r.id = way.merged_into
      ) select id from way where deleted_at is null limit 1`,
    { retry: true },
  );
  return row?.[0] as string | undefined;
}

/** The refusal of a record that is not among the living. Of a deleted one it tells when and by whom, and how to have it back. */
export async function gone(
  { pool }: { pool: { rows: (statement: Statement, options?: RowsOptions) => Promise<readonly Row[]> } },
  workspaceId: string,
  target: Kind,
  key: string,
  code: ProblemCode = "not_found",
): Promise<Problem> {
  const [row] = await pool.rows(
    sql`select r.id, coalesce(p.at, r.deleted_at), r.merged_into, coalesce(p.actor, (select c.actor from changes c
        where c.workspace_id = ${workspaceId} and right(c.record_id, 8) = right(r.id, 8) and c.record_id = r.id and c.action = 'deleted'
        order by c.version desc limit 1)), p.id is not null,
      (select c.request_id from changes c where c.workspace_id = ${workspaceId} and right(c.record_id, 8) = right(r.id, 8) and c.record_id = r.id
        and c.action = 'deleted' and exists (select from changes o where o.workspace_id = ${workspaceId} and o.at = c.at
          and o.request_id = c.request_id and o.action = 'deleted' and o.cause is null and o.id <> c.id) order by c.version desc limit 1)
      from ${rowsOf(target)} r left join purged_records p on p.workspace_id = ${workspaceId} and p.id = r.id
      where r.workspace_id = ${workspaceId} and ${idMatches(sql`r.id`, key)} and r.deleted_at is not null`,
    { retry: true },
  );
  if (!row) return missing(target, key, code);
  const [id, at, into, actor, isPurged, bulk] = row as [string, string, string | null, string | null, boolean, string | null];
  const { name, plural } = target;
  const path = `/${plural}/${shortId(id)}`;
  const when = `${showTime(at, UTC)}${actor === null ? "" : ` by ${actor}`}`;
  if (isPurged)
    return new Problem(
      code === "not_found" ? "purged" : code,
      `${name} ${shortId(id)} was erased for good ${when}`,
      `nothing of it is left to restore; that it was there: GET ${path}/history`,
    );
  if (into !== null)
    return new Problem(code, `${name} ${shortId(id)} was merged into ${shortId(into)}`, [
      `read that one: GET /${plural}/${shortId(into)}`,
      `it happened ${when}`,
    ]);
  return new Problem(code, `${name} ${shortId(id)} was deleted ${when}`, [
    `bring it back: POST ${path}/restore`,
    ...(bulk === null ? [] : [`others went with it; bring all of them back: POST /undo {"request":"${bulk}"}`]),
    `see it as it was: GET ${path}?deleted=include`,
  ]);
}

export function missing(target: Kind, key: string, code: ProblemCode = "not_found"): Problem {
  const shown = key.length === 8 ? `${target.prefix}_${key}` : key;
  return new Problem(code, `there is no ${target.name} ${shown} in this workspace`, `find it: GET /${target.plural}?search=…`);
}

/** The hint leads to the record when the id is of another kind. */
export function wrongKind(db: Database, target: Kind, { prefix, key }: IdReference, code: ProblemCode = "not_found"): Problem {
  const shown = key.length === 8 ? `${prefix}_${key}` : key;
  const other = db.catalog.byPrefix(prefix);
  const hint = other
    ? `${prefix}_ ids are ${other.plural}: GET /${other.plural}/${shown}`
    : `ids of ${target.plural} begin with ${target.prefix}_`;
  return new Problem(code, `${shown} is not the id of ${oneOf(target.name)}`, hint);
}

/** The id key to link to, whichever way the other record was named. Null clears. Records that the author may not read are not told. */
export async function resolveLink(
  db: Database,
  { workspaceId, mayRead }: Author,
  { id: field, shown, target }: Link,
  choice: LinkChoice,
): Promise<string | null> {
  if (choice === null) return null;
  const id = choice.id && idOf(target, choice.id);
  if (id && id.prefix !== target.prefix) throw wrongKind(db, target, id, "unprocessable");
  if (choice.name === undefined) return id!.key;
  const named = await namedRecords(db, workspaceId, target, choice.name, true);
  const fitting = id ? named.filter((each) => each.endsWith(id.key)) : named;
  if (fitting.length === 1) return fitting[0]!;
  const wanted = `${target.name} ${echo(choice.name)}`;
  if (choice.id && fitting.length === 0) {
    const id = await resolveId(db, workspaceId, target, choice.id, "unprocessable");
    throw new Problem("unprocessable", `${target.name} ${shortId(id)} is not called ${echo(choice.name)}`, [
      `send ${field.name} or ${shown.name}, and not both; who it is: GET /${target.plural}/${shortId(id)}`,
    ]);
  }
  if (fitting.length === 0) {
    const similar = !mayRead(target.plural) ? [] : await similarRecords(db, workspaceId, target, choice.name);
    throw new Problem("unprocessable", `there is no ${wanted} in this workspace`, [
      ...(similar.length > 0 ? [`did you mean ${similar.join(" or ")}?`] : []),
      `make it first: POST /${target.plural} ${JSON.stringify({ [target.title]: choice.name })}, or find it: GET /${target.plural}?search=…`,
    ]);
  }
  const readable = mayRead(target.plural);
  throw new Problem("unprocessable", `more than one ${wanted}`, [
    `name one by its id: ${field.name}=${readable ? fitting.map(shortId).join(" or ") : "…"}`,
    ...(readable ? [`to tell them apart: GET /${target.plural}?id=in:${fitting.map(shortId).join(",")}`] : []),
  ]);
}

/** `company/co_5h2k8m3q "Acme Inc"`: the few whose name holds this text. */
export async function similarRecords(db: Database, workspaceId: string, target: Kind, name: string): Promise<string[]> {
  const title = sql`r.${ident(columnName(target.titleField))}`;
  const rows = await db.pool.rows(
    sql`select r.id, left(${title}, 80) from ${rowsOf(target)} r where r.workspace_id = ${workspaceId} and r.deleted_at is null
      and r.search like ${pattern(name)} and crm_fold(${title}) like ${pattern(name)} order by length(${title}), r.id limit 3`,
    long(workspaceId),
  );
  return rows.map(([id, text]) => `${target.name}/${shortId(id as string)} ${echo(text as string)}`);
}

/** As the index of names has them (`…_called_idx`). */
const calledSql = (text: Statement) => sql`"left"(crm_fold(${text}), 200)`;

/** The records of this name, whatever case and accents, natural key or number, at most four. Where some have its very accents, only these. */
export async function namedRecords(
  db: Database,
  workspaceId: string,
  target: Kind,
  name: string,
  byEnd = false,
): Promise<string[]> {
  const title = sql`r.${ident(columnName(target.titleField))}`;
  const { keyField, furtherKey } = target;
  const further = furtherKey
    ? sql` or r.${ident(furtherKey.name)} && ${[String(keyField!.type.fromText(name))]}::text[]`
    : sql``;
  const key = keyField ? sql` or ${hasKey(keyField, sql`r.${ident(columnName(keyField))}`, name)}${further}` : sql``;
  const number = numberField(target);
  const numbered = number ? sql` or lower(r.${ident(columnName(number))}) = lower(${name}::text collate "C")` : raw("");
  const bare = byEnd ? readBareKey(name) : undefined;
  const ends = bare === undefined ? raw("") : sql` or right(r.id, 8) = ${bare}`;
  const accents = sql`lower(${title} collate "default") = lower(${name}::text collate "default")${key}${numbered}`;
  const rows = await db.pool.rows(
    sql`select r.id, ${accents} from ${rowsOf(target)} r where r.workspace_id = ${workspaceId} and r.deleted_at is null
      and (${calledSql(title)} = ${calledSql(sql`${name}::text`)} and crm_fold(${title}) = crm_fold(${name}::text)${key}${numbered}${ends}) order by 2 desc, r.id limit 4`,
    { plan: "custom", retry: true },
  );
  const same = rows.filter(([, accented]) => accented);
  return (same.length > 0 ? same : rows).map(([id]) => id as string);
}
