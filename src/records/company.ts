import { country, custom, domain, further, longText, person, phone, phrase, required, tags } from "../fields/vocabulary.ts";
import { defineRecord } from "./define.ts";

export const company = defineRecord({
  name: "company",
  plural: "companies",
  prefix: "co",
  about: "An organisation your contacts and deals belong to.",
  title: "name",
  naturalKey: "domain",
  identity: { organisation: "name", domain: "domain", phone: "phone" },
  card: {
    name: "name",
    company: "name",
    phone: "phone",
    website: "domain",
    websites: "domains",
    notes: "notes",
    tags: "tags",
    custom: "custom",
  },
  fields: {
    name: required(phrase({ about: "name", sort: true, search: true })),
    domain: domain({ about: "web domain; POST with a known one updates that company", sort: true, search: true }),
    domains: further("domain", domain, {
      about: "further domains; POST with one of them as domain updates this company",
      search: true,
      shown: "detail",
    }),
    industry: phrase({ about: "line of business", sort: true, search: true, paged: true, label: true }),
    phone: phone({ about: "phone number", search: true }),
    owner: person({ about: "who looks after it", sort: true, paged: true }),
    tags: tags({ about: "labels", search: true }),
    street: phrase({ about: "street and number", shown: "detail" }),
    postal_code: phrase({ about: "postal code", shown: "detail" }, 20),
    city: phrase({ about: "town", paged: true, shown: "detail" }, 200),
    region: phrase({ about: "state, province or county", shown: "detail" }, 200),
    country: country({ about: "ISO 3166 code", paged: true, shown: "detail" }),
    tax_id: phrase({ about: "VAT or tax number", shown: "detail" }, 60),
    notes: longText({ about: "anything worth keeping", search: true }),
    custom: custom({ about: "your own fields, as custom.<key>" }),
  },
  example: { name: "Acme Inc", domain: "acme.com", industry: "Software", tags: ["saas"] },
});
