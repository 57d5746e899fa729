import type { Table, Translation } from "../dialect.ts";

/** Money is a decimal number there, and whole cents with us. */
const decimal: Translation = {
  schema: { type: "number" },
  ours(value) {
    const cents = typeof value === "number" || typeof value === "string" ? centsOf(String(value)) : undefined;
    if (cents === undefined) throw new TypeError("an amount such as 150 or 99.95, with two decimals at most");
    return cents;
  },
  theirs: (value) => Number(value) / 100,
};

/** Without floating point: 1.15 * 100 is not 115. */
function centsOf(text: string): number | undefined {
  const [, sign = "", whole = "", part = ""] = /^(-?)(\d{1,13})(?:\.(\d{1,2})0*)?$/.exec(text) ?? [];
  return whole === "" ? undefined : Number(`${sign}${whole}${part.padEnd(2, "0")}`);
}

const PERSON = { ours: "name", parts: ["firstName", "lastName"] };
const SOLD = {
  words: [{ theirs: "unitPrice", ours: "unit_price_cents", value: decimal }],
  columns: ["id", "name", "unitPrice", "currency", "taxRate", "unit", "sku"],
};

/** InCRM's entities, whose paths are singular. A client is a contact. */
export const TABLES: readonly Table[] = [
  {
    name: "client",
    plural: "clients",
    singular: "client",
    of: "contacts",
    columns: ["id", "firstName", "lastName", "email", "phone", "company", "companyId"],
    title: PERSON,
  },
  { name: "product", plural: "products", singular: "product", of: "products", ...SOLD },
  { name: "service", plural: "services", singular: "service", of: "services", ...SOLD },
  {
    name: "employee",
    plural: "employees",
    singular: "employee",
    of: "employees",
    words: [
      { theirs: "firstName", ours: "custom.first_name" },
      { theirs: "lastName", ours: "custom.last_name" },
      { theirs: "phone", ours: "custom.phone" },
    ],
    columns: ["id", "firstName", "lastName", "name", "email", "phone", "role"],
    title: PERSON,
  },
  {
    name: "deal",
    plural: "deals",
    singular: "deal",
    of: "deals",
    words: [
      { theirs: "clientId", ours: "contact_id" },
      { theirs: "client", ours: "contact" },
      { theirs: "amount", ours: "amount_cents", value: decimal },
    ],
    columns: ["id", "title", "amount", "currency", "stage", "status", "clientId"],
  },
];
