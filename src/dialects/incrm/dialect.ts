import type { Dialect, Phrase } from "../dialect.ts";
import { change, create, list, one, remove, restore, WRITES } from "../verbs.ts";
import { createKey, keys, removeKey } from "./keys.ts";
import { document } from "./openApi.ts";
import { readQuery } from "./query.ts";
import { sdk } from "./sdk.ts";
import { envelope, refusal } from "./shape.ts";
import { TABLES } from "./tables.ts";
import { changeWebhook, createWebhook, removeWebhook, WEBHOOK_WRITES, webhook, webhooks } from "./webhooks.ts";

const phrases: readonly Phrase[] = [
  {
    method: "GET",
    path: "/openapi.json",
    about: "this dialect as an OpenAPI 3.0 document",
    open: true,
    takes: [],
    answer: document,
  },
  { method: "GET", path: "/sdk.ts", about: "its TypeScript client, one file", open: true, takes: [], answer: sdk },
  { method: "GET", path: "/api-key", about: "your API keys", takes: [], answer: keys },
  { method: "POST", path: "/api-key", about: "an API key; scopes [] means all", takes: [], answer: createKey },
  { method: "DELETE", path: "/api-key/{id}", about: "revoke an API key", takes: [], answer: removeKey },
  { method: "GET", path: "/webhook", about: "your webhooks", takes: [], answer: webhooks },
  { method: "POST", path: "/webhook", about: "a webhook: url, events", takes: WEBHOOK_WRITES, answer: createWebhook },
  { method: "GET", path: "/webhook/{id}", about: "one webhook", takes: [], answer: webhook },
  { method: "PUT", path: "/webhook/{id}", about: "change url, events, active", takes: WEBHOOK_WRITES, answer: changeWebhook },
  { method: "DELETE", path: "/webhook/{id}", about: "end a webhook", takes: WEBHOOK_WRITES, answer: removeWebhook },
  { method: "GET", path: "/{table}", about: "a page: page, perPage, where, orderBy", answer: list },
  { method: "POST", path: "/{table}", about: "create", takes: WRITES, answer: create },
  { method: "GET", path: "/{table}/{id}", about: "one", takes: [], answer: one },
  { method: "PUT", path: "/{table}/{id}", about: "change what is sent", takes: WRITES, answer: change },
  { method: "PATCH", path: "/{table}/{id}", about: "the same", takes: WRITES, answer: change },
  { method: "DELETE", path: "/{table}/{id}", about: "delete at once", takes: WRITES, answer: (call) => remove(call) },
  { method: "POST", path: "/{table}/{id}/restore", about: "bring a deleted one back", takes: WRITES, answer: restore },
];

const camel = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

export const inCrm: Dialect = {
  name: "InCRM",
  base: "/api/v1",
  tables: TABLES,
  other: ({ name, plural }) => ({ name: camel(name), plural: camel(plural) }),
  spell: camel,
  hidden: ["handle", "version"],
  linkNames: true,
  showsAll: true,
  readQuery,
  envelope,
  refusal,
  epochReset: true,
  phrases,
};
