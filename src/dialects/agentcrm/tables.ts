import type { Table } from "../dialect.ts";

const ORIGIN = ["created_at", "updated_at", "deleted_at"];

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
];
