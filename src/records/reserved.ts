import { SYSTEM_PREFIXES } from "../kit/id.ts";
import type { Declaration } from "./declaration.ts";

/** Names that lists use as parameters, so no field may have them. */
export const LIST_PARAMETERS = [
  ...(["search", "sort", "limit", "cursor", "offset", "fields", "expand", "count", "deleted", "format", "pretty"] as const),
  ...(["list", "group_by", "sum", "avg", "min", "max"] as const),
] as const;

/** Those that say which records are meant. */
export const FILTERING: readonly string[] = ["search", "list"];

/** Those that add records up, in the place of showing them. */
export const FIGURES = ["sum", "avg", "min", "max"] as const;
export const GROUPING = ["group_by", ...FIGURES] as const;

/**
 * First segments of paths that are no kind's, now or in the parts of the product that are to come. A kind of that name would hide them, or
 * be hidden by them.
 */
const PATHS = [
  ...["api", "approve", "audit", "auth", "batch", "bulk", "calendar", "calendars", "change", "changes", "claim", "connection"],
  ...[
    "crm",
    "delivery",
    "deliveries",
    "duplicates",
    "export",
    "feed",
    "healthz",
    "help",
    "import",
    "imports",
    "invite",
    "invites",
  ],
  ...["kind", "kinds", "list", "lists", "mcp", "members", "merge", "metrics", "oauth", "openapi", "pipeline", "proposal"],
  ...[
    "proposals",
    "readyz",
    "reminder",
    "reminders",
    "restore",
    "schema",
    "sdk",
    "search",
    "sql",
    "timeline",
    "token",
    "tokens",
  ],
  ...["tools", "undo", "user", "users", "v1", "webhook", "webhooks", "whoami", "workspace", "workspaces"],
];

/** Kinds, views and pages of the manual that are there already or are to come: no kind that a workspace makes may be called so. */
export const RESERVED_KINDS: readonly string[] = [
  ...[
    "email",
    "emails",
    "quote",
    "quotes",
    "invoice",
    "invoices",
    "payment",
    "payments",
    "campaign",
    "campaigns",
    "member",
    "script",
    "scripts",
  ],
  ...[
    "execution",
    "executions",
    "form",
    "forms",
    "qualification",
    "qualifications",
    "group",
    "groups",
    "duplicate",
    "own_record",
  ],
  ...[
    "addresses",
    "connect",
    "dialect",
    "dialects",
    "errors",
    "examples",
    "formats",
    "line",
    "query",
    "routes",
    "record",
    "records",
    "me",
    "history",
    "overview",
  ],
];

/** Names that a field cannot have, for a parameter, a part of an answer or of the service is called so. */
export const RESERVED_FIELDS: readonly string[] = [
  ...LIST_PARAMETERS,
  ...[
    "all",
    "confirm",
    "code",
    "dry_run",
    "purge",
    "propose",
    "reason",
    "near",
    "similarity",
    "since",
    "wait",
    "touched",
    "days",
    "due",
  ],
  ...[
    "agent",
    "actor",
    "change",
    "changes",
    "error",
    "force",
    "hint",
    "items",
    "kind",
    "kinds",
    "map",
    "members",
    "message",
    "next_cursor",
  ],
  ...[
    "own",
    "record",
    "request",
    "request_id",
    "strict",
    "take",
    "token",
    "total",
    "total_capped",
    "unknown",
    "workspace",
    "workspace_id",
  ],
  ...[
    "id",
    "handle",
    "version",
    "created_at",
    "created_by",
    "updated_at",
    "deleted_at",
    "merged_into",
    "custom",
    "constructor",
    "q",
    "xid",
  ],
];

/** Whether a name is a first segment of a path that is no kind's. */
export const isServiceName = (name: string): boolean => PATHS.includes(name) || name.startsWith("pg_");

/** Refuses a kind whose name, plural or prefix means something else already. */
export function checkName({ name, plural, prefix }: Declaration): void {
  for (const each of [name, plural]) {
    if (!/^[a-z][a-z0-9_]*$/.test(each)) throw new Error(`${each} is no name of a kind`);
    if (isServiceName(each)) throw new Error(`${each} is a name of the service's own`);
  }
  if (!/^[a-z]{1,4}$/.test(prefix)) throw new Error(`${prefix} is no prefix: one to four letters`);
  if (SYSTEM_PREFIXES.includes(prefix)) throw new Error(`${prefix} is a prefix of the service's own`);
}
