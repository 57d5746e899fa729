import { custom, decimal, email, longText, phrase, required, tags } from "../fields/vocabulary.ts";
import { defineRecord } from "./define.ts";
import { workspaceCurrency } from "./money.ts";

export const employee = defineRecord({
  name: "employee",
  plural: "employees",
  prefix: "em",
  about: "Somebody who works for you.",
  title: "name",
  aside: true,
  naturalKey: "email",
  fields: {
    name: required(phrase({ about: "full name", sort: true, search: true })),
    email: email({ about: "main address; POST with a known one updates that employee", sort: true, search: true }),
    role: phrase({ about: "what they do: engineer, sales, …", sort: true, search: true, paged: true }),
    rate: decimal({ about: "what an hour of theirs costs, in whole units of the currency: 85.5, no cents", sort: true }),
    currency: workspaceCurrency,
    tags: tags({ about: "labels", search: true }),
    notes: longText({ about: "anything worth keeping", search: true }),
    custom: custom({ about: "your own fields, as custom.<key>" }),
  },
  example: { name: "Ann Lee", email: "ann@example.com", role: "Engineer", rate: 85.5, currency: "EUR" },
});
