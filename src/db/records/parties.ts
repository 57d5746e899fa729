import type { Stored } from "../../derive/differences.ts";
import type { Party } from "../../fields/items.ts";
import { ident, join, type Statement, sql } from "../../postgres/sql.ts";
import type { Kind } from "../../records/kind.ts";

type Reader = { rows: (statement: Statement) => Promise<readonly (readonly unknown[])[]> };

/** Whom a document is for: the organisation it links to, with the person's name, or the person alone. Undefined where it links to neither. */
export async function readParty(reader: Reader, workspaceId: string, kind: Kind, doc: Stored): Promise<Party | undefined> {
  const { person, organisation } = kind.document!;
  const of = (name: string) => read(reader, workspaceId, kind.field(name)!.link!.target, doc[name] as string | null);
  const [company, contact] = [await of(organisation), await of(person)];
  if (!company) return contact;
  return {
    ...company,
    ...(contact?.name ? { contact: contact.name } : {}),
    ...(contact?.email ? { email: contact.email } : {}),
  };
}

async function read({ rows }: Reader, workspaceId: string, target: Kind, id: string | null): Promise<Party | undefined> {
  const { party } = target;
  if (id === null || !party) return undefined;
  const columns = Object.values(party).map((name) => sql`r.${ident(name)}`);
  const [row] = await rows(
    sql`select ${join(columns)} from ${ident(target.plural)} r where r.workspace_id = ${workspaceId} and r.id = ${id}`,
  );
  return row && present(Object.keys(party), row);
}

const present = (names: readonly string[], values: readonly unknown[]): Party =>
  Object.fromEntries(names.map((name, i) => [name, values[i]]).filter(([, value]) => value != null && value !== ""));

const LETTERHEAD = [
  "street",
  "postal_code",
  "city",
  "region",
  "country",
  "tax_id",
  "registration_id",
  "endpoint",
  "email",
  "phone",
  "iban",
  "bic",
];

/** What a workspace says of its documents. */
export async function readSettings({ rows }: Reader, workspaceId: string) {
  const columns = [...LETTERHEAD, "company_name", "name", "payment_days", "invoice_number", "quote_number"];
  const [row] = await rows(
    sql`select ${join(columns.map((name) => sql`w.${ident(name)}`))} from workspaces w where w.id = ${workspaceId}`,
  );
  const all = Object.fromEntries(columns.map((name, i) => [name, row?.[i] ?? null])) as Record<string, unknown>;
  const seller: Party = {
    name: String(all["company_name"] ?? all["name"] ?? ""),
    ...present(
      LETTERHEAD,
      LETTERHEAD.map((name) => all[name]),
    ),
  };
  return {
    seller,
    days: ({ setting, usual }: { setting?: string; usual: number }) =>
      setting === undefined ? usual : ((all[setting] as number | null) ?? usual),
    pattern: ({ setting, usual }: { setting: string; usual: string }) => (all[setting] as string | null) ?? usual,
  };
}
