import { checkName, onceConstraint } from "../../derive/ddl.ts";
import { shortId } from "../../kit/id.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import { oneOf } from "../../kit/words.ts";
import { constraintOf } from "../../postgres/errors.ts";
import { sql } from "../../postgres/sql.ts";
import type { Kind } from "../../records/kind.ts";
import type { Author, Database } from "../database.ts";
import { holderSql, holdersSql } from "./addresses.ts";
import { answerRefusal } from "./answered.ts";
import { Holder } from "./conflict.ts";
import { frozenRefusal } from "./frozen.ts";
import type { Way } from "./writeStatement.ts";

/** What a caller is told when the database refuses a write. */

/** The value of the natural key that was sent. */
export const keyOf = ({ naturalKey = "" }: Kind, sent: Record<string, unknown>) => sent[naturalKey] as string | undefined;

/** The record that has one of the values of a create, other than the one that its main value leads to. */
export async function holderOfTaken(
  db: Database,
  workspaceId: string,
  kind: Kind,
  error: unknown,
  sent: Record<string, unknown>,
): Promise<Holder | undefined> {
  if (!isTaken(kind, error)) return undefined;
  const main = keyOf(kind, sent);
  const [own] =
    main === undefined ? [] : await db.pool.rows(sql`select ${holderSql(kind, workspaceId, main)}`, { retry: true });
  const [taken] = await db.pool.rows(holdersSql(kind, workspaceId, addressesOf(kind, sent), String(own?.[0] ?? "")), {
    retry: true,
  });
  const id = (taken?.[1] ?? own?.[0]) as string | undefined;
  return id ? new Holder(kind, id) : undefined;
}

const isTaken = (kind: Kind, error: unknown): boolean =>
  kind.furtherKey !== undefined && ["addresses_pkey", keyConstraint(kind)].includes(constraintOf(error) ?? "");

/** The main value and the further ones. */
function addressesOf(kind: Kind, sent: Record<string, unknown>): string[] {
  const main = keyOf(kind, sent);
  return [...(main === undefined ? [] : [main]), ...((sent[kind.furtherKey!.name] ?? []) as string[])];
}

/** The refusal of a value that is another record's, main or further: it names that record, and what makes one of two. */
export async function takenAddress(
  db: Database,
  { workspaceId, mayRead }: Author,
  kind: Kind,
  error: unknown,
  sent: Record<string, unknown>,
  { creates }: Way,
  id: () => string,
): Promise<Problem | undefined> {
  const { name, plural, naturalKey } = kind;
  if (!isTaken(kind, error)) return undefined;
  const main = keyOf(kind, sent);
  const [own] = creates
    ? main === undefined
      ? []
      : await db.pool.rows(sql`select ${holderSql(kind, workspaceId, main)}`, { retry: true })
    : [[id()]];
  const mine = (own?.[0] ?? null) as string | null;
  const [taken] = await db.pool.rows(holdersSql(kind, workspaceId, addressesOf(kind, sent), mine ?? ""), { retry: true });
  if (!taken || !mayRead(plural)) return undefined;
  const [value, holder] = taken as [string, string];
  const other = shortId(holder);
  const merge = (kept: string) => `merge them: POST /${plural}/${kept}/merge {"from":"${other}"}`;
  if (mine !== null && creates) {
    const both = `${name}/${shortId(mine)} and ${name}/${other}`;
    return new Problem("already_exists", `the values lead to two ${plural}: ${both}`, merge(shortId(mine)));
  }
  const whose =
    value === main ? `another ${name} has this ${naturalKey}: ${name}/${other}` : `${echo(value)} belongs to ${name}/${other}`;
  if (mine === null)
    return new Problem("already_exists", whose, [
      `to change that one, send it as ${naturalKey}: POST /${plural} {"${naturalKey}":${JSON.stringify(value)}}`,
    ]);
  const kept = mine.length === 8 ? `${kind.prefix}_${mine}` : shortId(mine);
  return new Problem("already_exists", whose, [
    `GET /${plural}?${naturalKey}=${encodeURIComponent(value)} shows it`,
    `if both are one, ${merge(kept)}`,
  ]);
}

/** The index that keeps a natural key with one living record. */
export const keyConstraint = ({ table, naturalKey, shared }: Kind) => (shared ? `${table}_key` : `${table}_${naturalKey}_key`);

/** The refusal of a second record that puts one thing into another. */
export function refuseTwice({ plural, links, joins }: Kind): Problem {
  const nameOf = (field: string) => links.find(({ id }) => id.name === field)!.name;
  const [whom, into] = [nameOf(joins!.whom), nameOf(joins!.into)];
  return new Problem("already_exists", `this ${whom} is in that ${into} already`, [
    `GET /${plural}?${joins!.into}=…&${joins!.whom}=… shows the record: change that one`,
  ]);
}

export function refusal(
  kind: Kind,
  error: unknown,
  sent: Record<string, unknown>,
  mayRead?: (plural: string) => boolean,
): unknown {
  const constraint = constraintOf(error);
  if (kind.joins && constraint === onceConstraint(kind)) return refuseTwice(kind);
  if (constraint === keyConstraint(kind)) {
    return new Problem(
      "already_exists",
      `another ${kind.name} has this ${kind.naturalKey}`,
      `GET /${kind.plural}?${kind.naturalKey}=${encodeURIComponent(String(sent[kind.naturalKey ?? ""]))} shows it`,
    );
  }
  if (constraint === "addresses_pkey") {
    return new Problem(
      "already_exists",
      `another ${kind.name} has one of these ${kind.furtherKey?.name ?? "values"}`,
      `GET /${kind.plural}?${kind.naturalKey}=… shows it`,
    );
  }
  if (constraint === "usage_within_cap") {
    return new Problem(
      "plan_limit_reached",
      `the plan allows no more ${kind.plural}`,
      "do not retry: tell the user; GET /whoami shows the caps",
    );
  }
  if (constraint === "own_records_kind") {
    return new Problem("not_found", `the kind ${kind.name} was deleted`, `bring it back: POST /kinds/${kind.name}/restore`);
  }
  if (constraint === "own_list_fits" || constraint === "own_members_fit") {
    return new Problem("invalid_value", `a value would come to too much on this ${kind.name}`, [
      "a list holds at most 100 items, a json value at most 200 keys and 1 MB: take some away first",
    ]);
  }
  const unfit = kind.fields.find((field) => field.type.check && constraint === checkName(kind, field));
  if (unfit) {
    const { message, hint } = unfit.type.check!.broken(unfit.name);
    return new Problem("invalid_value", `${message} on this ${kind.name}`, hint);
  }
  const kept = frozenRefusal(kind, error, mayRead) ?? answerRefusal(kind, error);
  if (kept) return kept;
  if (constraint === `${kind.plural}_needs_one_of`) {
    return new Problem(
      "missing_field",
      `${oneOf(kind.name)} keeps at least one of ${kind.needsOneOf?.join(", ")}`,
      "set another link in the same request",
    );
  }
  return error;
}
