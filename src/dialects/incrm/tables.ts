import type { Table } from "../dialect.ts";
import { decimal } from "./decimal.ts";
import { items } from "./items.ts";

const PERSON = { ours: "name", parts: ["firstName", "lastName"] };
const SOLD = {
  words: [{ theirs: "unitPrice", ours: "unit_price_cents", value: decimal }],
  columns: ["id", "name", "unitPrice", "currency", "taxRate", "unit", "sku"],
};

const CLIENT = [
  { theirs: "clientId", ours: "contact_id" },
  { theirs: "client", ours: "contact" },
];
const DOCUMENT = { words: [...CLIENT, { theirs: "items", ours: "items", value: items }] };

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
    words: [...CLIENT, { theirs: "amount", ours: "amount_cents", value: decimal }],
    columns: ["id", "title", "amount", "currency", "stage", "status", "clientId"],
  },
  {
    name: "quote",
    plural: "quotes",
    singular: "quote",
    of: "quotes",
    columns: ["id", "number", "title", "status", "clientId", "currency", "items", "validUntil"],
    ...DOCUMENT,
  },
  {
    name: "invoice",
    plural: "invoices",
    singular: "invoice",
    of: "invoices",
    columns: ["id", "number", "title", "status", "clientId", "currency", "items", "dueDate"],
    ...DOCUMENT,
  },
];
