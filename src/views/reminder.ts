import { textType } from "../fields/text.ts";
import { choice, person, text, time } from "../fields/vocabulary.ts";
import { defineView } from "../records/define.ts";

/** What is due: a follow-up of a contact or a deal, or an open task. It is shown under the record's own handle. */
export const reminder = defineView({
  name: "reminder",
  plural: "reminders",
  prefix: "r",
  about: "A follow-up or an open task that is due.",
  title: "name",
  order: "due_at",
  unfiltered: true,
  reminder: { at: "due_at", note: "note", owner: "owner", phone: "phone", email: "email", company: "company" },
  fields: {
    id: { type: textType(60), about: "the whole id of the record", always: true, shown: "json", column: "id" },
    handle: { type: textType(60), about: "the record it belongs to", always: true, shown: "json" },
    when: choice(["overdue", "due", "upcoming"], { about: "before today, today up to now, or later", always: true }),
    due_at: time({ about: "when it is due", sort: true, required: true }),
    name: text({ about: "what the record is called" }),
    note: text({ about: "what to do" }),
    owner: person({ about: "who owns the record, or does the task" }),
    company: text({ about: "the company it is about" }),
    phone: text({ about: "where to call: the contact's number" }),
    email: text({ about: "where to write: the contact's address" }),
    kind: text({ about: "the kind of the record", always: true }),
    updated_at: { ...time({ about: "when the record last changed", required: true }), shown: "json" },
  },
  example: {
    id: "c_01k9x2v7m3q8r0s2n5t4v6w8y0",
    handle: "contact/c_t4v6w8y0",
    when: "due",
    due_at: "2026-06-01T08:00:00Z",
    name: "Jane Doe",
    note: "ask about the quote",
    owner: "ann@example.com",
    company: "Acme Inc",
    phone: "+1 555 0100",
    email: "jane@acme.com",
    kind: "contact",
    updated_at: "2026-05-20T12:30:00Z",
  },
});
