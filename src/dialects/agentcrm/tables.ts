import type { Call, Lookup, Table, Translation } from "../dialect.ts";
import { idOrNone } from "./ids.ts";

const ORIGIN = ["created_at", "updated_at", "deleted_at"];

/** Mails are inbound and outbound there. */
const direction: Translation = {
  schema: { type: "string", enum: ["inbound", "outbound"] },
  ours: (value) => (typeof value === "string" ? value.replace(/bound$/, "") : value),
  theirs: (value) => `${value}bound`,
  sql: (column) => `${column} || 'bound'`,
};

/** Mails that came from any address of a contact. */
const fromContact: Lookup = async (value, call) => {
  const { json } = await call.ask("GET", `/contacts/${encodeURIComponent(value)}`);
  const addresses = [json.email, ...((json.emails ?? []) as unknown[])].filter((each) => typeof each === "string");
  // A contact without an address has sent nothing.
  return [
    ["from", addresses.length > 0 ? `in:${addresses.join(",")}` : "is:null"],
    ["contacts", `has:${value}`],
  ];
};

/** Mails that attached to a record. */
const attached = async ({ catalog }: Call, plural: string, value: string): Promise<[string, string][]> => [
  [plural, `has:${idOrNone(value, catalog.byPlural(plural)!)}`],
];

/** The tables of agentCRM's document that are records here. What has no field of ours is kept in `custom`. */
export const TABLES: readonly Table[] = [
  {
    name: "companies",
    singular: "company",
    of: "companies",
    words: [{ theirs: "size", ours: "custom.size" }],
    columns: ["id", "name", "domain", "industry", "size", "custom", ...ORIGIN],
    holds: ["contacts", "deals"],
  },
  {
    name: "contacts",
    singular: "contact",
    of: "contacts",
    columns: ["id", "email", "first_name", "last_name", "phone", "title", "company_id", "custom", ...ORIGIN],
    title: { ours: "name", parts: ["first_name", "last_name"] },
    folded: ["email"],
    holds: ["deals"],
  },
  {
    name: "deals",
    singular: "deal",
    of: "deals",
    words: [{ theirs: "name", ours: "title" }],
    columns: [
      ...["id", "name", "stage", "amount_cents", "currency", "close_date", "contact_id", "company_id", "custom"],
      ...ORIGIN,
    ],
  },
  {
    name: "emails",
    singular: "email",
    of: "emails",
    words: [
      { theirs: "direction", ours: "direction", value: direction },
      { theirs: "from_addr", ours: "from" },
      { theirs: "to_addrs", ours: "to" },
      { theirs: "cc_addrs", ours: "cc" },
      { theirs: "body_text", ours: "body" },
      { theirs: "contact_ids", ours: "contacts" },
      { theirs: "company_ids", ours: "companies" },
      { theirs: "deal_ids", ours: "custom.deal_ids", absent: [] },
    ],
    columns: [
      ...[
        "id",
        "thread_id",
        "provider",
        "provider_msg_id",
        "direction",
        "from_addr",
        "to_addrs",
        "cc_addrs",
        "subject",
        "snippet",
      ],
      ...["body_text", "body_html", "sent_at", "received_at", "contact_ids", "company_ids", "deal_ids", "custom"],
      ...ORIGIN,
    ],
    folded: ["from_addr", "to_addrs", "cc_addrs"],
    lookups: {
      from_contact: fromContact,
      involves_contact: (value, call) => attached(call, "contacts", value),
      involves_company: (value, call) => attached(call, "companies", value),
    },
  },
];
