import { handleType, idType } from "../fields/link.ts";
import { choice, text, time } from "../fields/vocabulary.ts";
import { defineView } from "../records/define.ts";

/** Whose reminders a calendar shows. */
export const OWNERS = ["me", "all"] as const;

/** A calendar as its maker sees it: never its address, which was shown once. */
export const calendar = defineView({
  name: "calendar",
  plural: "calendars",
  prefix: "cal",
  about: "A private address at which calendar programs read what is due.",
  title: "name",
  order: "-created_at",
  unfiltered: true,
  fields: {
    id: { type: idType("calendar"), about: "the whole id", always: true, shown: "json", column: "id" },
    handle: {
      type: handleType("calendar"),
      about: "the short name that lines begin with",
      always: true,
      shown: "json",
      column: "id",
    },
    name: text({ about: "which program reads it", always: true }),
    owner: choice(OWNERS, { about: "whose reminders it shows: only yours, or all", always: true }),
    created_at: time({ about: "when it was made", sort: true, always: true }),
  },
  example: { name: "phone", owner: "me", created_at: "2026-06-01T08:12:44Z" },
});
