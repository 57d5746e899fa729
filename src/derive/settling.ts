import type { Kind } from "../records/kind.ts";
import { sealedSql, settleName } from "./computed.ts";
import { type AuthorSql, entrySql, placeSql } from "./entry.ts";
import { raiseSql } from "./raise.ts";

/** A payment is in the currency of what it pays, unless it says otherwise. */
export function settledCurrencySql(kind: Kind): string[] {
  const { settles } = kind;
  if (!settles) return [];
  const { target } = kind.field(settles.link)!.link!;
  const per = `n."${settles.per}"`;
  return [
    `if p_creates and ${per} is null then
  select r."${settles.per}" into ${per} from ${target.plural} r where r.workspace_id = p_workspace and r.id = n."${settles.link}";
end if;`,
  ];
}

/**
 * Counts a payment into what it pays, once that is given out, and freezes it. What it pays stays locked: of payments at once, each finds what the
 * one before left open, and none misses that it is given out meanwhile. One that does not fit ends the call, by a constraint that is in no table.
 */
export function settleSql(kind: Kind, author: AuthorSql): string[] {
  const { settles, plural } = kind;
  if (!settles) return [];
  const { target } = kind.field(settles.link)!.link!;
  const { into, items, by, given, lacks, ends, per, booked } = settles;
  const amount = `w."${settles.amount}"`;
  const paid = `coalesce(r."${into}", 0) + ${amount}`;
  const covered = by.map((name) => `coalesce(r."${name}", 0)`).join(" + ");
  const fits = [
    ...lacks.map((name) => `r."${name}" is null`),
    `r."${per}" = coalesce(w."${per}", r."${per}")`,
    `${paid} >= 0`,
    `(${amount} < 0 or r."${ends}" is null and ${covered} + ${amount} <= crm_gross(r."${items}"))`,
  ];
  const of = (name: string) => (name === booked ? "p_at" : name === per ? `s."${per}"` : `w."${name}"`);
  return [
    `if w."${booked}" is null then
  select r.* into s from ${target.plural} r where r.workspace_id = p_workspace and r.id = w."${settles.link}" for no key update;
  if s."${given}" is not null then
    update ${target.plural} r set "${into}" = ${paid}, version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = ${placeSql("r")}
      where r.workspace_id = p_workspace and r.id = s.id
        and ${fits.join("\n        and ")}
      returning r.* into s;
    if not found then
      ${raiseSql("check_violation", settleName(kind), settleDetail(kind))};
    end if;
    ${entrySql(target, { id: SETTLED_ENTRY, action: "'updated'", cause: "p_entry", row: "s", author })}
    w.seal := ${sealedSql(kind, of)};
    update ${plural} r set "${booked}" = p_at, "${per}" = s."${per}", seal = w.seal where r.workspace_id = p_workspace and r.id = w.id
      returning r.* into w;
  end if;
end if;`,
  ];
}

/** What a payment that does not fit was held against: `s` went with the update that found nothing. */
const settleDetail = ({ settles, field }: Kind): string => {
  const { link, into, items, by, lacks, ends, per, given, amount } = settles!;
  const covered = by.map((name) => `coalesce(r."${name}", 0)`).join(" + ");
  return `(select jsonb_build_object('id', r.id, 'number', r."${given}", 'currency', r."${per}", 'sent', w."${amount}", 'paid', coalesce(r."${into}", 0), 'open', crm_gross(r."${items}") - (${covered}),
        'ended', r."${ends}" is not null, 'takes_back', ${lacks.map((name) => `r."${name}" is not null`).join(" or ")})::text
      from ${field(link)!.link!.target.plural} r where r.workspace_id = p_workspace and r.id = w."${link}")`;
};

/** The id of the entry of what was settled, made of that of the payment: a ULID of the same moment. */
const SETTLED_ENTRY = "substr(p_entry, 1, 13) || substr(md5(p_entry), 1, 16)";
