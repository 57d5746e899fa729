import { z } from "zod";
import { handleType, idType } from "../fields/link.ts";
import type { FieldSpec } from "../fields/spec.ts";
import { countType, textType } from "../fields/text.ts";
import type { FieldType } from "../fields/type.ts";
import {
  boolean,
  choice,
  country,
  currency,
  email,
  endpoint,
  percent,
  phone,
  phrase,
  required,
  text,
  time,
} from "../fields/vocabulary.ts";
import { isNumbering } from "../kit/numbering.ts";
import { ROLES } from "../kit/scope.ts";
import { zone } from "../kit/time.ts";
import { nearestZone } from "../kit/zoned.ts";
import { defineView } from "../records/define.ts";

const timezoneType: FieldType = {
  ...textType(60, "an IANA time zone such as Europe/Berlin or UTC"),
  name: "timezone",
  toColumn: (name) => {
    try {
      return zone(name as string).name;
    } catch {
      return undefined;
    }
  },
  explains: (name) => {
    const near = nearestZone(name);
    return near && `did you mean ${near}?`;
  },
};

const numberType: FieldType = {
  ...textType(60, "text with {number}, or {number:6} for more digits, and perhaps {year}, such as RE-{year}-{number:4}"),
  name: "numbering",
  toColumn: (text) => (isNumbering(text as string) ? text : undefined),
};

const daysType: FieldType = { ...countType, expects: "a number of days from 0 to 365", schema: z.int().min(0).max(365) };

const ibanType: FieldType = {
  ...textType(42, "an IBAN such as DE89 3704 0044 0532 0130 00"),
  name: "iban",
  toColumn: (text) => readIban(text as string),
};

/** Without blanks, if its check digits are right (ISO 13616). */
function readIban(text: string): string | undefined {
  const iban = text.replace(/\s/g, "").toUpperCase();
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(iban)) return undefined;
  const digits = [...iban.slice(4), ...iban.slice(0, 4)].map((each) => parseInt(each, 36)).join("");
  return BigInt(digits) % 97n === 1n ? iban : undefined;
}

/** What an admin sets, besides name and time zone: how documents are numbered and taxed, what they are headed with, and whether agents may use tools. */
const SETTINGS = {
  currency: currency({ about: "of amounts that name none; USD unless set" }),
  tax_rate: percent({ about: "of items that name none, in percent" }),
  payment_days: { type: daysType, about: "from an invoice's date to its due date; 14 unless set" },
  invoice_number: { type: numberType, about: "how invoices are numbered: {year}-{number:4} unless set" },
  quote_number: { type: numberType, about: "how quotes are numbered: Q-{year}-{number:4} unless set" },
  company_name: phrase({ about: "letterhead: the name on your documents" }, 200),
  street: phrase({ about: "letterhead: street and number" }),
  postal_code: phrase({ about: "letterhead: postal code" }, 20),
  city: phrase({ about: "letterhead: town" }, 200),
  region: phrase({ about: "letterhead: state, province or county" }, 200),
  country: country({ about: "letterhead: ISO 3166 code" }),
  tax_id: phrase({ about: "letterhead: VAT number" }, 60),
  registration_id: phrase({ about: "letterhead: number in the register of companies" }, 60),
  endpoint: endpoint({ about: "where you take electronic documents (Peppol)", also: ["peppol_id", "peppol"] }),
  email: email({ about: "letterhead: where to write to" }),
  phone: phone({ about: "letterhead: where to call" }),
  iban: { type: ibanType, about: "letterhead: the account to pay to" },
  bic: phrase({ about: "letterhead: the bank of that account" }, 11),
  crm_agent: boolean({ about: "whether the tools at /crm/agent answer; they do unless this is false" }),
} satisfies Record<string, FieldSpec>;

export const SETTING_NAMES = Object.keys(SETTINGS);

/** A workspace as its member sees it. */
export const workspace = defineView({
  name: "workspace",
  plural: "workspaces",
  prefix: "ws",
  about: "A team's records, apart from everybody else's.",
  title: "name",
  order: "created_at",
  unfiltered: true,
  fields: {
    id: { type: idType("workspace"), about: "the whole id", shown: "json", readOnly: true, column: "id" },
    handle: {
      type: handleType("workspace"),
      about: "the short name that lines begin with",
      shown: "json",
      readOnly: true,
      column: "id",
    },
    name: required(phrase({ about: "what it is called" }, 200)),
    timezone: { type: timezoneType, about: "times are shown in it, dates are its days", always: true },
    ...SETTINGS,
    role: choice(ROLES, { about: "what you are in it", readOnly: true }),
    current: boolean({ about: "whether your token acts in it", readOnly: true }),
    created_at: time({ about: "when it was made", sort: true, readOnly: true }),
    token: text({
      about: "the key of a workspace that was made without an account, shown once",
      readOnly: true,
      optional: true,
    }),
    claim: text({
      about: "the address at which a person claims it, told when it is made and by GET /whoami",
      readOnly: true,
      optional: true,
    }),
    expires_at: time({ about: "when it ends, if nobody claims it", readOnly: true, optional: true }),
  },
  example: {
    name: "Acme sales",
    timezone: "Europe/Berlin",
    role: "admin",
    current: true,
    created_at: "2026-06-01T08:12:44Z",
  },
});

/** A member of a workspace, or somebody invited. */
export const member = defineView({
  name: "user",
  plural: "members",
  prefix: "u",
  about: "Somebody who works in a workspace, or is invited to.",
  title: "email",
  order: "created_at",
  unfiltered: true,
  fields: {
    id: { type: textType(60), about: "the whole id", shown: "json", readOnly: true, column: "id" },
    handle: { type: textType(60), about: "user/u_… or invite/inv_…", shown: "json", readOnly: true },
    email: required(email({ about: "sign-in address" })),
    role: required(choice(ROLES, { about: "admins manage members, members work, viewers only read", initially: "member" })),
    status: choice(["member", "invited"], { about: "the invited join when they next sign in", readOnly: true }),
    created_at: time({ about: "since when", sort: true, readOnly: true }),
  },
  example: {
    handle: "user/u_t4v6w8y0",
    email: "bob@acme.com",
    role: "member",
    status: "member",
    created_at: "2026-06-01T08:12:44Z",
  },
});
