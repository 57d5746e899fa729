import { handleType, idType, referenceType } from "../fields/link.ts";
import { boolean, tags, text, time } from "../fields/vocabulary.ts";
import { defineView } from "../records/define.ts";

/** A token as its owner sees it: never the secret, which was shown once. */
export const token = defineView({
  name: "token",
  plural: "tokens",
  prefix: "tok",
  about: "A session: what a program shows to act for you.",
  title: "name",
  order: "-last_used_at",
  unfiltered: true,
  fields: {
    id: { type: idType("token"), about: "the whole id", always: true, shown: "json", column: "id" },
    handle: {
      type: handleType("token"),
      about: "the short name that lines begin with",
      always: true,
      shown: "json",
      column: "id",
    },
    name: text({ about: "what the program called itself", always: true }),
    workspace_id: { type: referenceType("workspace"), about: "the workspace it acts in", always: true },
    scopes: tags({ about: "what it may do at most; without: all that you may" }),
    current: boolean({ about: "whether it is the token of this request", always: true }),
    parent_id: { type: referenceType("token"), about: "the token it was minted with, and ends with" },
    client: text({ about: "of a connection, allowed on the consent page: the program that holds it, by its OAuth client id" }),
    audience: text({ about: "the only address it works at" }),
    expires_at: time({ about: "when it ends in any case" }),
    created_at: time({ about: "when it was made", always: true }),
    last_used_at: time({ about: "the hour in which it was last used, by its beginning", sort: true }),
  },
  example: {
    name: "nightly import",
    workspace_id: "ws_8m3q5h2k",
    scopes: ["contacts.read", "contacts.write"],
    current: false,
    created_at: "2026-06-01T08:12:44Z",
    last_used_at: "2026-06-02T03:00:00Z",
  },
});
