import { handleType, idType } from "../fields/link.ts";
import { textType } from "../fields/text.ts";
import type { FieldType } from "../fields/type.ts";
import { boolean, choice, email, phrase, required, text, time } from "../fields/vocabulary.ts";
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
  name: "member",
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
