import type { Dialect, Phrase } from "../dialect.ts";
import { capabilities } from "./capabilities.ts";
import { document } from "./openApi.ts";
import { run } from "./run.ts";
import { envelope, refusal } from "./shape.ts";
import { TABLES } from "./tables.ts";

const phrases: readonly Phrase[] = [
  { method: "GET", path: "/openapi.json", about: "this dialect as OpenAPI", open: true, takes: [], answer: document },
  {
    method: "GET",
    path: "/capabilities",
    about: "the tools with their schemas, risks and examples; tools= names some",
    takes: ["organizationId", "tools"],
    answer: capabilities,
  },
  { method: "POST", path: "/tools/{toolName}", about: "run a tool", takes: [], answer: run },
];

const camel = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

export const ultra: Dialect = {
  name: "ultra-api",
  base: "/crm/agent",
  needs: "admin",
  tables: TABLES,
  other: ({ name, plural }) => ({ name: camel(name), plural: camel(plural) }),
  spell: camel,
  hidden: ["handle"],
  linkNames: true,
  showsAll: true,
  readQuery: (query) => ({ query, page: { limit: 50 } }),
  envelope,
  refusal,
  phrases,
};
