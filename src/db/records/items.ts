import { OWN_USUAL } from "../../derive/slots.ts";
import { completeItem, type Item, type SentItem } from "../../fields/items.ts";
import { readId, shortId } from "../../kit/id.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import { oneOf } from "../../kit/words.ts";
import { ident, join, raw, sql } from "../../postgres/sql.ts";
import type { Catalog } from "../../records/catalog.ts";
import type { Field, Kind } from "../../records/kind.ts";
import { hasKey, pattern } from "./condition.ts";
import { idMatches } from "./references.ts";
import { type Rows, type Settings, USUAL } from "./settings.ts";

/** How statements are run, and what the workspace has set. */
export type Filling = { rows: Rows; settings: () => Promise<Settings> };

/** Who sends the items: which workspace, and what they may read there. */
type Sender = { workspaceId: string; mayRead: (plural: string) => boolean };

/** Whether what is written may need more than was sent: records that items name, or settings of the workspace. */
export const isFilled = (kind: Kind, sent: Readonly<Record<string, unknown>>, creates: boolean): boolean =>
  kind.fields.some((field) => {
    if (sent[field.name] != null) return field.type.items !== undefined;
    return field.beside ? isBesideSent(field, sent) : creates && field.setting !== undefined;
  });

const isBesideSent = ({ beside = [] }: Field, sent: Readonly<Record<string, unknown>>) =>
  beside.some((name) => sent[name] != null);

/**
 * Puts into what is written what the caller left to others: the settings of the workspace into a new record, and into items what the records that
 * they name say. `key`: that of the record, where it is there already. `whole`: items are left as they are.
 */
export async function fill(
  { rows, settings }: Filling,
  catalog: Catalog,
  sender: Sender,
  kind: Kind,
  sent: Record<string, unknown>,
  initial: Record<string, unknown> | undefined,
  key: string | undefined,
  whole = false,
): Promise<void> {
  const read = (field: string, of: string) => held(rows, sender.workspaceId, kind, field, of);
  const unsent = initial ? kind.fields.filter(({ name, setting, beside }) => setting && !beside && sent[name] == null) : [];
  for (const { name, setting, like } of unsent) {
    const other = like === undefined ? undefined : (sent[like] as string | null | undefined);
    initial![name] = (other && (await read(name, other))) || (await settings())[setting as keyof Settings];
  }
  for (const field of kind.fields) {
    const items = field.type.items && (sent[field.name] as SentItem[] | null | undefined);
    if (!items || whole) continue;
    const { document } = kind;
    const own = document && ((sent[document.currency] ?? initial?.[document.currency]) as string | null | undefined);
    let inWhich = own ?? (document && key !== undefined ? await read(document.currency, key) : undefined);
    const filled: Item[] = [];
    const rate = Number((await settings()).tax_rate ?? USUAL.tax_rate);
    for (const [i, item] of items.entries()) {
      const priced = await takeFrom(rows, catalog, sender, field, item, inWhich, i + 1);
      inWhich ??= priced.currency;
      filled.push(completeItem(priced.item, i + 1, rate));
    }
    sent[field.name] = filled;
    if (initial && document && sent[document.currency] == null) initial[document.currency] = inWhich;
  }
  for (const { name, setting } of unsent) initial![name] ??= USUAL[setting as keyof Settings];
  const usual = await usualBeside(kind, sent, settings);
  if (Object.keys(usual).length > 0) sent[OWN_USUAL] = usual;
}

/** Fields that declare `beside` get their usual value when one of those fields is written and they have none: a currency comes with the amount. */
async function usualBeside(
  { fields }: Kind,
  sent: Readonly<Record<string, unknown>>,
  settings: Filling["settings"],
): Promise<Record<string, unknown>> {
  const usual: Record<string, unknown> = {};
  for (const field of fields) {
    if (sent[field.name] != null || !isBesideSent(field, sent)) continue;
    const setting = field.setting as keyof Settings;
    usual[field.name] = field.initially ?? (await settings())[setting] ?? USUAL[setting];
  }
  return usual;
}

/** A text of a record that is there already. */
async function held(
  rows: Rows,
  workspaceId: string,
  { plural }: Kind,
  field: string,
  key: string,
): Promise<string | undefined> {
  const [row] = await rows(
    sql`select r.${ident(field)} from ${ident(plural)} r where r.workspace_id = ${workspaceId} and ${idMatches(sql`r.id`, key)}`,
  );
  return (row?.[0] as string | null | undefined) ?? undefined;
}

/**
 * The item with what the record that it names has to say, where it says nothing itself. `currency`: that of the price, where the record gives it; of
 * a document whose currency nobody said, the first such decides.
 */
async function takeFrom(
  rows: Rows,
  catalog: Catalog,
  sender: Sender,
  { name, takes = {} }: Field,
  item: SentItem,
  currency: string | undefined,
  place: number,
): Promise<{ item: SentItem; currency?: string }> {
  const links = Object.keys(takes).filter((link) => item[link] != null && item[link] !== "");
  if (links.length > 1)
    throw new Problem("invalid_value", `item ${place} of ${name} names ${links.join(" and ")}`, "send one of them");
  const [link] = links;
  const { ...filled } = item;
  for (const each of Object.keys(takes)) if (each !== link) delete filled[each];
  if (link === undefined) return { item: filled };
  const target = catalog.get(link)!;
  if (!sender.mayRead(target.plural))
    throw new Problem("scope_required", `the token lacks the scope read or ${target.plural}.read`, [
      `item ${place} names ${oneOf(link)}: send description, unit_price_cents and tax_rate in its place`,
    ]);
  const from = Object.entries(takes[link]!);
  const [id, ...values] = await named(
    rows,
    sender.workspaceId,
    target,
    String(item[link]),
    from.map(([, field]) => field),
    place,
  );
  filled[link] = shortId(id as string);
  let priced: string | undefined;
  for (const [i, [key]] of from.entries()) {
    const value = values[i];
    if (key === "currency") {
      if (item.unit_price_cents === undefined && value !== null) priced = value as string;
      if (priced !== undefined && currency !== undefined && priced !== currency)
        throw new Problem(
          "unprocessable",
          `item ${place}: ${target.name} ${shortId(id as string)} is priced in ${value}, the document is in ${currency}`,
          [`send "currency":"${value}" with the document, or unit_price_cents with the item, in ${currency}`],
        );
    } else if (filled[key] == null && value !== null)
      filled[key] = isDecimal(target, takes[link]![key]!) ? Number(value) : value;
  }
  return { item: filled, ...(priced === undefined ? {} : { currency: priced }) };
}

const isDecimal = (target: Kind, name: string) => /^(bigint|numeric)/.test(target.field(name)!.type.sqlType);

/** The one living record of that id, natural key or name: its id, then these fields. */
async function named(
  rows: Rows,
  workspaceId: string,
  target: Kind,
  text: string,
  fields: readonly string[],
  place: number,
): Promise<readonly unknown[]> {
  const reference = readId(text, /[_/]/.test(text) ? { name: target.name, prefix: target.prefix } : undefined);
  const { keyField, titleField, plural } = target;
  const title = sql`r.${ident(titleField.name)}`;
  const name = titleField.type.fromText(text) as string;
  const called = [
    sql`(r.search like ${pattern(name)} and crm_fold(${title}) = crm_fold(${name}))`,
    ...(keyField ? [hasKey(keyField, sql`r.${ident(keyField.name)}`, text)] : []),
  ];
  const matches = reference ? idMatches(sql`r.id`, reference.key) : sql`(${join(called, " or ")})`;
  const columns = fields.map((name) => (isDecimal(target, name) ? sql`r.${ident(name)}::text` : sql`r.${ident(name)}`));
  const found = await rows(
    sql`select r.id, ${join(columns)} from ${ident(plural)} r where r.workspace_id = ${workspaceId} and r.deleted_at is null and ${matches}
      order by r.id limit 2${raw("")}`,
  );
  if (found.length === 1) return found[0]!;
  const wanted = `${target.name} ${echo(text)}`;
  if (found.length === 0)
    throw new Problem(
      "unprocessable",
      `item ${place}: there is no ${wanted} in this workspace`,
      `find it: GET /${plural}?search=…`,
    );
  throw new Problem("unprocessable", `item ${place}: more than one ${wanted}`, [
    `name one by its id: ${found.map(([id]) => shortId(id as string)).join(" or ")}`,
  ]);
}

/** Items as another document takes them over: without the records that have gone since. */
export async function takenOver(
  rows: Rows,
  catalog: Catalog,
  workspaceId: string,
  { takes = {} }: Field,
  items: readonly Item[],
): Promise<Item[]> {
  let kept = [...items];
  for (const link of Object.keys(takes)) {
    const ends = kept.map((item) => String(item[link] ?? "").slice(-8)).filter((end) => end !== "");
    if (ends.length === 0) continue;
    const found = await rows(
      sql`select right(r.id, 8) from ${ident(catalog.get(link)!.plural)} r where r.workspace_id = ${workspaceId} and right(r.id, 8) = any (${ends}::text[])
        and r.deleted_at is null`,
    );
    const living = new Set(found.map(([end]) => end));
    kept = kept.map(({ [link]: id, ...item }) => (living.has(String(id).slice(-8)) ? { ...item, [link]: id } : item) as Item);
  }
  return kept;
}
