import assert from "node:assert/strict";
import { test } from "node:test";
import { columnKey, isKnownColumn, KNOWN_COLUMNS, kindOfColumns, mapColumns } from "../../../../src/formats/files/columns.ts";
import { gatherer } from "../../../../src/formats/files/gather.ts";

const OWN = {
  contact: [
    "name",
    "first_name",
    "last_name",
    "email",
    "emails",
    "phone",
    "title",
    "company",
    "stage",
    "tags",
    "notes",
    "follow_up_at",
  ],
  company: ["name", "domain", "industry", "notes"],
  deal: ["title", "amount_cents", "currency", "stage", "close_date"],
};

function gather(header: string, row: string, kind: keyof typeof OWN = "contact") {
  const columns = mapColumns(header.split(","), kind, OWN[kind]);
  return gatherer(columns)(row.split(","));
}

test("every name of the tables is found, and means one field within its table", () => {
  for (const { program, kind, columns } of KNOWN_COLUMNS) {
    const fields = new Map<string, string>();
    for (const [name, field] of Object.entries(columns)) {
      assert.ok(isKnownColumn(name), name);
      assert.equal(fields.get(columnKey(name)) ?? field, field, `${program} ${kind} ${name}`);
      fields.set(columnKey(name), field);
    }
  }
  for (const written of [
    "e-mail 3 - value",
    "EMAIL",
    "Téléphone",
    "telephone",
    "PRENOM",
    "first_name",
    "Firstname",
    "Straße",
    "STRASSE",
  ]) {
    assert.ok(isKnownColumn(written), written);
  }
  for (const other of ["", " ", "-", "Jane Doe", "42"]) assert.ok(!isKnownColumn(other), other);
});

const TWO = { email: "j@x.de", emails: ["k@x.de"] };

test("the exports of other programs are read without being told", () => {
  const cases: [string, string, object][] = [
    [
      "First Name,Middle Name,Last Name,Organization Name,Organization Title,Labels,E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Value,Phone 1 - Value,Address 1 - City,Address 2 - City",
      "Jane,Q,Doe,Acme,CTO,* myContacts ::: Old Friends ::: vip,* Work,jane@acme.com ::: j@acme.com,jd@x.de,+49 1 ::: +49 2,Berlin,Bonn",
      {
        ...{
          first_name: "Jane",
          last_name: "Doe",
          name: "Jane Q Doe",
          company: "Acme",
          title: "CTO",
          tags: ["Old-Friends", "vip"],
        },
        ...{ email: "jane@acme.com", emails: ["j@acme.com", "jd@x.de"], phone: "+49 1", phones: ["+49 2"], city: "Berlin" },
        "custom.address_2_city": "Bonn",
      },
    ],
    [
      "Name,Given Name,Additional Name,Family Name,Group Membership,E-mail 1 - Type,E-mail 1 - Value,Organization 1 - Name,Organization 1 - Title",
      "Jane Doe,Jane,,Doe,* myContacts,* ,jane@acme.com,Acme,CTO",
      { name: "Jane Doe", first_name: "Jane", last_name: "Doe", email: "jane@acme.com", company: "Acme", title: "CTO" },
    ],
    [
      "Title,First Name,Last Name,Company,Job Title,Business Street,Business Country/Region,Mobile Phone,Home Phone,E-mail Address,E-mail 2 Address,Categories",
      "Dr.,Jane,Doe,Acme,CTO,Main St 1,US,+1 1,+1 2,jane@acme.com,j@x.de,vip;new",
      {
        ...{
          "custom.name_prefix": "Dr.",
          first_name: "Jane",
          last_name: "Doe",
          name: "Jane Doe",
          company: "Acme",
          title: "CTO",
        },
        ...{ street: "Main St 1", country: "US", phone: "+1 1", phones: ["+1 2"], email: "jane@acme.com", emails: ["j@x.de"] },
        tags: ["vip", "new"],
      },
    ],
    [
      "First Name,Last Name,URL,Email Address,Company,Position,Connected On",
      "Jane,Doe,https://www.linkedin.com/in/jd,,Acme,CTO,08 Aug 2024",
      {
        ...{ first_name: "Jane", last_name: "Doe", name: "Jane Doe", company: "Acme", title: "CTO" },
        ...{ "custom.linkedin": "https://www.linkedin.com/in/jd", "custom.connected_on": "08 Aug 2024" },
      },
    ],
    [
      "Account Name,First Name,Last Name,Title,Email",
      "Acme,Jane,Doe,CTO,j@x.de",
      { company: "Acme", first_name: "Jane", last_name: "Doe", title: "CTO", email: "j@x.de", name: "Jane Doe" },
    ],
    [
      "Person - Name,Person - Email,Person - Organization",
      "Jane,j@x.de,Acme",
      { name: "Jane", email: "j@x.de", company: "Acme" },
    ],
    [
      "Name,Vorname,Firma,E-Mail,Telefon,Handy,Ort,PLZ",
      "Doe,Jane,Acme,j@x.de,1,2,Bonn,53111",
      {
        last_name: "Doe",
        first_name: "Jane",
        name: "Jane Doe",
        company: "Acme",
        email: "j@x.de",
        phone: "1",
        phones: ["2"],
        city: "Bonn",
        postal_code: "53111",
      },
    ],
    [
      "Nom,Prénom,Société,Courriel,Téléphone",
      "Doe,Jane,Acme,j@x.de,1",
      { last_name: "Doe", first_name: "Jane", name: "Jane Doe", company: "Acme", email: "j@x.de", phone: "1" },
    ],
    [
      "Nombre,Apellidos,Empresa,Correo,Teléfono",
      "Jane,Doe,Acme,j@x.de,n/a",
      { first_name: "Jane", last_name: "Doe", name: "Jane Doe", company: "Acme", email: "j@x.de" },
    ],
    [
      "Display Name,Primary Email,Secondary Email,Work Phone,Work Address,Work Address 2,Birth Day",
      "Jane Doe,j@x.de,jd@x.de,1,Way 1,Flat 2,05",
      {
        ...{ name: "Jane Doe", email: "j@x.de", emails: ["jd@x.de"], phone: "1", street: "Way 1, Flat 2" },
        "custom.birth_day": "05",
      },
    ],
    ["Email,Email,Phone,Address 1,Address 2", "j@x.de,k@x.de,1,Way 1,Flat 2", { ...TWO, phone: "1", street: "Way 1, Flat 2" }],
    ["Name (Last; First),E-Mail".replace(";", " "), "Cher,j@x.de", { name: "Cher", email: "j@x.de" }],
    [
      "Record Id,Full Name,Contact Owner,Account Name,Mailing Zip",
      "zcrm_1,Jane Doe,Ann (ann@x.de),Acme;Beta,1",
      {
        ...{ "custom.zoho_id": "zcrm_1", name: "Jane Doe", owner: "ann@x.de", company: "Acme", postal_code: "1" },
        "custom.further_company": "Beta",
      },
    ],
    ["Nom,Courriel", "Jane Doe,j@x.de", { name: "Jane Doe", email: "j@x.de" }],
    [
      "name,Follow Up At,Lead Score (%),custom.plan,E-mail",
      'Jane,2026-01-01,7,pro,"J. Doe" <j@x.de>',
      { name: "Jane", follow_up_at: "2026-01-01", "custom.lead_score": "7", "custom.plan": "pro", email: "j@x.de" },
    ],
  ];
  for (const [header, row, expected] of cases) assert.deepEqual(gather(header, row), expected, header);
});

test("companies and deals have their own columns, also under the same names", () => {
  const hubspot = "Record ID,Deal Name,Deal Stage,Amount,Close Date,Deal owner,Associated Company";
  assert.deepEqual(gather(hubspot, "1,Big,demo,1.234,2026-01-01,Ann,Acme", "deal"), {
    ...{ "custom.hubspot_id": "1", title: "Big", stage: "demo", amount: "1.234", close_date: "2026-01-01", owner: "Ann" },
    company: "Acme",
  });
  assert.deepEqual(
    gather(
      "Deal Name,Deal Stage,Pipeline,Create Date (GMT+1),Associated Contact",
      "Big,Closed Won (Sales),Sales,2026-01-01,Jo Doe (jo@x.de);Al (al@x.de)",
      "deal",
    ),
    {
      ...{ title: "Big", stage: "Closed Won", "custom.pipeline": "Sales", "custom.created": "2026-01-01", contact: "Jo Doe" },
      ...{ contact_email: "jo@x.de", "custom.further_contact": "Al (al@x.de)" },
    },
  );
  assert.deepEqual(gather("Firma,Webseite,Branche", "Acme,acme.com,IT", "company"), {
    name: "Acme",
    domain: "acme.com",
    industry: "IT",
  });
  const headers = {
    contact: "First Name,Last Name,Email,Phone",
    company: "Company name,Company Domain Name,Industry",
    deal: "Deal - Title,Deal - Value,Deal - Stage,Person - Name",
    task: "Aufgabe,Fällig am,Erledigt",
  };
  for (const [kind, header] of Object.entries(headers)) assert.equal(kindOfColumns(header.split(",")), kind);
  assert.equal(kindOfColumns(["foo", "bar"]), undefined);
});
