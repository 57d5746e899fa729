import type { AddressInfo } from "node:net";
import { createApp } from "../../src/app.ts";
import { createGuests, type Guests } from "../../src/db/guests/guests.ts";
import { HINTS } from "../../src/db/hints.ts";
import { newestEntries } from "../../src/db/records/horizon.ts";
import { spreadAware } from "../../src/db/spread/pool.ts";
import { createLimiter } from "../../src/http/limits.ts";
import type { Request } from "../../src/http/request.ts";
import { createHttpServer } from "../../src/http/server.ts";
import { createTeller, type Teller } from "../../src/jobs/webhooks/teller.ts";
import { createIds } from "../../src/kit/id.ts";
import { type Log, silentLog } from "../../src/kit/log.ts";
import { createRandom } from "../../src/kit/random.ts";
import { createSeal } from "../../src/kit/seal.ts";
import { createClientDocuments } from "../../src/outbound/clientDocuments.ts";
import type { Mail } from "../../src/outbound/mail.ts";
import { createInternet, type WebhookNetwork } from "../../src/outbound/webhookPost.ts";
import { createPool, type Pool } from "../../src/postgres/pool.ts";
import { catalog, declarations } from "../../src/records/all.ts";
import { createCatalogs } from "../../src/service/catalogs.ts";
import { type Config, readConfig } from "../../src/service/config.ts";
import { addressOf } from "../../src/service/context.ts";
import { createMetrics } from "../../src/service/metrics.ts";
import { NOBODY } from "../../src/service/peers.ts";
import { readPlans } from "../../src/service/plans.ts";
import { createSessionCache } from "../../src/service/session.ts";
import { createWaiting } from "../../src/service/waiting.ts";
import { type Connection as Reachable, type TestDatabase, testDatabase } from "./postgres.ts";

export type Reply = {
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON, for the test to look into. */
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts on what it finds
  json: () => any;
  /** The record lines: all that is no trailer. */
  lines: string[];
};

export type Send = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Reply>;

/** One signed-in caller. `body` is sent as JSON when it is an object, as it is when it is text. */
export type Client = { token: string; email: string; send: Send };

export type Service = {
  database: TestDatabase;
  baseUrl: string;
  pool: Pool;
  guests: Guests;
  mails: Mail[];
  /** Tells webhooks until nothing is due. */
  tell: () => Promise<void>;
  /** Another process that tells webhooks of the same database. */
  anotherTeller: () => Teller;
  /** Without a token. */
  send: Send;
  signIn: (email?: string) => Promise<Client>;
  close: () => Promise<void>;
};

export type ServiceOptions = {
  now?: () => number;
  random?: () => number;
  config?: Record<string, string>;
  log?: Log;
  mail?: boolean;
  /** What documents of programs can be read; none unless said. */
  readPublic?: (url: URL) => Promise<string>;
  /** How long a webhook has to answer; ten seconds unless said. */
  webhookMs?: number;
  /** How names of webhooks' hosts resolve; not at all unless said. */
  lookup?: WebhookNetwork["lookup"];
  /** How its connections get to the database, when not directly. */
  reach?: (database: Reachable) => Promise<{ url: string }>;
  /** In place of a clone of the template. */
  database?: TestDatabase;
  /** Another service, whose database it shares. */
  beside?: Service;
};

/** The whole service on a database of its own, behind its real front door. */
export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const now = options.now ?? Date.now;
  const random = options.random ?? createRandom();
  // A fault of the service is never expected: say what it was.
  const log = options.log ?? { ...silentLog, error: (event, facts) => console.error(event, facts) };
  const config: Config = readConfig({
    CRM_SECRET: "a secret of the tests, long enough",
    CRM_SENDMAIL: options.mail ? "true" : "",
    ...options.config,
  });
  const database = options.database ?? options.beside?.database ?? (await testDatabase());
  const settings = {
    connection: options.reach ? await options.reach(database.connection) : database.connection,
    size: 4,
    queueLimit: 400,
    waitMs: 5_000,
    deadlineMs: 10_000,
    prepare: true,
    log,
    hints: HINTS,
  };
  const pool = await spreadAware(createPool(settings), () => createPool(settings));
  const ids = createIds(now, random);
  const seal = createSeal(config.secret);
  const { sqlSeconds: seconds, tokenDays } = config;
  const guests = createGuests({ pool, direct: database.connection, seal, random: createRandom(), now, seconds, tokenDays });
  const mails: Mail[] = [];
  let app: ReturnType<typeof createApp> | undefined;
  const callerOf = config.trustProxy ? (request: Request) => addressOf(request, true) : undefined;
  const server = createHttpServer((request) => app!(request), ids, callerOf);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const mail = options.mail ? async (each: Mail) => mails.push(each) > 0 : undefined;
  const lookup = options.lookup ?? (() => Promise.reject(new Error("there is no network")));
  const network = { ...createInternet(lookup), longestMs: options.webhookMs ?? 10_000 };
  const db = { pool, catalog };
  const catalogs = createCatalogs(catalog, declarations, pool);
  const teller = () => createTeller({ db, catalogs, seal, ids, now, log, network, hosts: config.webhookHosts, mail });
  const tellers = [teller()];
  const sessions = createSessionCache();
  const waiting = createWaiting((ids) => newestEntries(pool, ids));
  app = createApp(
    {
      config,
      baseUrl,
      // Long enough for a busy machine.
      db: { pool, catalog, nearMs: 5_000 },
      catalogs,
      seal,
      ids,
      random,
      now,
      log,
      mail,
      metrics: createMetrics(pool, NOBODY),
      plans: readPlans(
        config.plans,
        catalog.kinds.map(({ plural }) => plural),
      ),
      clientDocuments: createClientDocuments(
        options.readPublic ?? (() => Promise.reject(new Error("there is no network"))),
        now,
      ),
      webhooks: { network, tests: createLimiter({ quota: 1_000, seconds: 60 }) },
      forget(id) {
        sessions.forget(id);
        waiting.forget(id);
        guests.endEnded().catch((error: unknown) => log.error("guests stay", { cause: String(error) }));
      },
      waiting,
      guests,
    },
    sessions,
    createLimiter({ quota: config.rate, seconds: 60 }),
  );
  const send = sender(baseUrl, {});

  return {
    baseUrl,
    database,
    pool,
    guests,
    mails,
    tell: () => tellers[0]!.finish(),
    anotherTeller() {
      const another = teller();
      tellers.push(another);
      return another;
    },
    send,
    async signIn(email = "ann@example.com") {
      const asked = await send("POST", "/auth/request?format=json", { email });
      const code = mails.findLast((each) => each.to === email)?.text.match(/\d{6}/)?.[0] ?? asked.json().code;
      const verified = await send("POST", "/auth/verify?format=json", { email, code, token_name: "test" });
      const token: string = verified.json().token;
      return { token, email, send: sender(baseUrl, { authorization: `Bearer ${token}` }) };
    },
    async close() {
      waiting.stop();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await Promise.all(tellers.map((each) => each.stop()));
      await pool.close();
      if (!options.beside) await database.drop();
    },
  };
}

function sender(baseUrl: string, always: Record<string, string>): Send {
  return async (method, path, body, headers = {}) => {
    const sent = body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) };
    const response = await fetch(baseUrl + path, { method, ...sent, headers: { ...always, ...headers } });
    const text = await response.text();
    const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text), lines };
  };
}
