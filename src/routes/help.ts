import { existsSync, readdirSync, readFileSync } from "node:fs";
import { pendingMigrations } from "../db/migrate.ts";
import { countWorkers } from "../db/spread/nodes.ts";
import { fillManual, kindPage, type ManualSource } from "../derive/manual.ts";
import type { Answer } from "../http/reply.ts";
import { echo } from "../kit/line.ts";
import { nearest } from "../kit/nearest.ts";
import { Problem } from "../kit/problem.ts";
import { StartError } from "../kit/startError.ts";
import type { Catalog } from "../records/catalog.ts";
import type { Kind } from "../records/kind.ts";
import type { Context, Route } from "../service/route.ts";
import { calendar } from "../views/calendar.ts";
import { change } from "../views/change.ts";
import { delivery } from "../views/delivery.ts";
import { reminder } from "../views/reminder.ts";
import { token } from "../views/token.ts";
import { webhook } from "../views/webhook.ts";

const PAGES = new URL("../../manual/", import.meta.url);
const TRANSCRIPTS = new URL("../../test/golden/", import.meta.url);

const PAGE = { is: "document", type: "text/plain; charset=utf-8" } as const;

/** Kinds that are shown and filtered like records. */
const VIEWS: readonly Kind[] = [reminder, change, token, calendar, webhook, delivery];

/** `routes` gives the whole table, of which these are a part. */
export function helpRoutes(routes: () => readonly Route[]): Route[] {
  const manual = (context: Context) => page(context, "help", routes());
  return [
    { method: "GET", path: "/help", about: "the manual", open: true, tailored: true, answers: PAGE, handle: manual },
    {
      method: "GET",
      path: "/help/{topic}",
      about: "a page of the manual: more on one topic",
      open: true,
      tailored: true,
      answers: PAGE,
      handle: (context) => page(context, context.path.topic!, routes()),
    },
    {
      method: "GET",
      path: "/",
      about: "the manual, for who asks the bare address",
      open: true,
      tailored: true,
      answers: PAGE,
      handle: manual,
    },
    {
      method: "GET",
      path: "/llms.txt",
      about: "the manual, where language models look for it",
      open: true,
      tailored: true,
      answers: PAGE,
      handle: manual,
    },
    {
      method: "GET",
      path: "/.well-known/agent.md",
      about: "the manual, where agents look for it",
      open: true,
      tailored: true,
      answers: PAGE,
      handle: manual,
    },
    {
      method: "GET",
      path: "/healthz",
      about: "whether the process lives",
      open: true,
      answers: { is: "message", values: {} },
      handle: () => ({ is: "message", message: "alive" }),
    },
    {
      method: "GET",
      path: "/readyz",
      about: "whether the database answers",
      open: true,
      answers: { is: "message", values: {} },
      handle: ready,
    },
  ];
}

async function ready({ services }: Context): Promise<Answer> {
  const pending = await pendingMigrations(services.db.pool).catch(asProblem);
  if (pending.length > 0) throw notReady("the database wants migrations", "npm start migrates");
  if (!services.db.pool.spread) return { is: "message", message: "ready" };
  // The workspaces on other servers go on, so this one must not be taken out.
  const { missing } = await countWorkers(services.db.pool);
  return { is: "message", message: missing.length === 0 ? "ready" : `ready, but for the workspaces on ${missing.join(", ")}` };
}

/** A newer Cardfile may have migrated the database while this one serves. */
function asProblem(error: unknown): never {
  throw error instanceof StartError ? notReady(error.message, "start the Cardfile that fits the database") : error;
}

const notReady = (message: string, hint: string) =>
  new Problem("not_ready", message, hint, { headers: { "Retry-After": "5" } });

/** Other words for a topic. */
const ALSO = new Map([
  ["audit", "changes"],
  ["history", "changes"],
  ["search", "query"],
  ["filters", "query"],
  ["reminder", "reminders"],
  ["backup", "export"],
  ["agentcrm", "dialects"],
  ["incrm", "dialects"],
  ["ultra-api", "dialects"],
  ["crm", "dialects"],
  ["webhook", "webhooks"],
  ["deliveries", "webhooks"],
  ["events", "webhooks"],
  ["limit", "export"],
  ["signin", "auth"],
  ["schema", "sql"],
  ["connection", "sql"],
]);

function page(context: Context, asked: string, routes: readonly Route[]): Answer {
  const topic = ALSO.get(asked) ?? asked;
  const { catalog } = context.db;
  const { baseUrl } = context.services;
  const source: ManualSource = {
    catalog,
    views: VIEWS,
    routes,
    baseUrl,
    transcript: (name) => transcript(name).replaceAll(SHOWN_URL, baseUrl),
  };
  const file = new URL(`${encodeURIComponent(topic)}.md`, PAGES);
  const kind = [...catalog.kinds, ...VIEWS].find((kind) => kind.plural === topic || kind.name === topic);
  if (existsSync(file)) return document(fillManual(readFileSync(file, "utf8"), source));
  if (kind) return document(kindPage(kind, routes));
  const topics = manualPages(catalog).map((each) => each.topic);
  const near = nearest(topic, topics);
  throw new Problem(
    "not_found",
    `the manual has no topic ${echo(topic)}`,
    `${near.length > 0 ? `did you mean ${near.join(" or ")}? ` : ""}topics: ${topics.join(", ")}`,
  );
}

/** Everything there is to read, and what each page calls itself. */
export function manualPages(catalog: Catalog): { topic: string; title: string }[] {
  const written = readdirSync(PAGES).map((name) => ({
    topic: name.replace(/\.md$/, ""),
    title: /^# (.*)/.exec(readFileSync(new URL(name, PAGES), "utf8"))?.[1] ?? name,
  }));
  const kinds = [...catalog.kinds, ...VIEWS].map(({ plural, about }) => ({ topic: plural, title: about }));
  return [...written, ...kinds.filter(({ topic }) => !written.some((page) => page.topic === topic))];
}

/** The transcripts the tests replay, so what the manual shows is what happens. */
const transcript = (name: string) => readFileSync(new URL(`${name}.txt`, TRANSCRIPTS), "utf8");

/** The address they were written down with, which is the default one. */
const SHOWN_URL = "http://127.0.0.1:8080";

const document = (text: string): Answer => ({ is: "document", text, type: PAGE.type });
