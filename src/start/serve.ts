import { lookup } from "node:dns/promises";
import type { Server } from "node:http";
import { get } from "node:https";
import type { AddressInfo } from "node:net";
import { createApp } from "../app.ts";
import { createGuests } from "../db/guests/guests.ts";
import { newestEntries } from "../db/records/horizon.ts";
import { spreadAware } from "../db/spread/pool.ts";
import { createIndexKeeper } from "../db/vectors/keep.ts";
import { createLimiter } from "../http/limits.ts";
import type { Request } from "../http/request.ts";
import { createHttpServer } from "../http/server.ts";
import { createJobs } from "../jobs/all.ts";
import { startJobs } from "../jobs/loop.ts";
import { createTeller } from "../jobs/webhooks/teller.ts";
import { createIds } from "../kit/id.ts";
import type { Log } from "../kit/log.ts";
import { createRandom } from "../kit/random.ts";
import { createSeal } from "../kit/seal.ts";
import { StartError } from "../kit/startError.ts";
import { createClientDocuments } from "../outbound/clientDocuments.ts";
import { createMailer } from "../outbound/mail.ts";
import { createOutbox } from "../outbound/outbox.ts";
import { createPublicReader } from "../outbound/publicDocument.ts";
import { createInternet } from "../outbound/webhookPost.ts";
import type { ConnectionOptions } from "../postgres/address.ts";
import { catalog, declarations } from "../records/all.ts";
import { WEBHOOK_TESTS } from "../routes/webhooks/trying.ts";
import { createCatalogs } from "../service/catalogs.ts";
import type { Config } from "../service/config.ts";
import { addressOf } from "../service/context.ts";
import { createMetrics } from "../service/metrics.ts";
import { createNotice, createTally, type News, NOBODY, type Peers } from "../service/peers.ts";
import { readPlans } from "../service/plans.ts";
import { createSessionCache } from "../service/session.ts";
import { createWaiting } from "../service/waiting.ts";
import { openPool, readSecret } from "./storage.ts";

/** Connections on which the servers of a spread database are asked one by one, so many at once. */
const ASKED_AT_ONCE = 16;

/** A running server. */
export type Serving = {
  /** The public URL. */
  baseUrl: string;
  /** Handles news from other processes. */
  hear: (news: News) => void;
  /** The metrics of this process. */
  metrics: () => string;
  /** Waits for running requests, then closes. */
  stop: () => Promise<void>;
};

/** Serves in this process. The database must be running and migrated. */
export async function serve(config: Config, connection: ConnectionOptions, log: Log, peers: Peers): Promise<Serving> {
  const pool = await spreadAware(openPool(connection, config, log, config.pool), () =>
    openPool(connection, config, log, ASKED_AT_ONCE),
  );
  const plans = readPlans(
    config.plans,
    catalog.kinds.map(({ plural }) => plural),
  );
  const ids = createIds(Date.now, createRandom());
  const sessions = createSessionCache();
  const tally = peers === NOBODY ? undefined : createTally((used) => peers.tell({ used }));
  const limiter = createLimiter({ quota: config.rate, seconds: 60 }, tally);
  const notice = peers === NOBODY ? undefined : createNotice((changed) => peers.tell({ changed }));
  const waiting = createWaiting((ids) => newestEntries(pool, ids), notice);
  const metrics = createMetrics(pool, peers);
  const catalogs = createCatalogs(catalog, declarations, pool);
  const seal = createSeal(readSecret(config));
  const direct = config.databaseUrl ? { url: config.directUrl } : connection;
  const { sqlSeconds: seconds, tokenDays } = config;
  const guests = createGuests({ pool, direct, seal, random: createRandom(), now: Date.now, seconds, tokenDays });
  const send = config.sendmail ? createMailer(config.sendmail, config.mailFrom, Date.now) : undefined;
  const outbox = send && createOutbox({ pool, seal, ids, now: Date.now, log, send });
  const resolve = (host: string) => lookup(host, { all: true });
  const network = createInternet(resolve);
  // The app needs the URL, which is known only once the server listens. So the handler looks the app up at each request.
  let answer: ReturnType<typeof createApp> | undefined;
  const callerOf = config.trustProxy ? (request: Request) => addressOf(request, true) : undefined;
  const server = createHttpServer((request) => answer!(request), ids, callerOf);
  await listen(server, config);
  const { port } = server.address() as AddressInfo;
  const baseUrl = config.baseUrl || `http://${config.host.includes(":") ? `[${config.host}]` : config.host}:${port}`;
  answer = createApp(
    {
      config,
      baseUrl,
      db: { pool, catalog },
      catalogs,
      seal,
      ids,
      random: createRandom(),
      now: Date.now,
      log,
      plans,
      metrics,
      mail: outbox?.post,
      clientDocuments: createClientDocuments(createPublicReader({ lookup: resolve, get }), Date.now),
      webhooks: { network, tests: createLimiter(WEBHOOK_TESTS) },
      forget(id) {
        forget(id);
        peers.tell({ forget: id });
        guests.endEnded().catch((error: unknown) => log.warn("guests stay", { cause: String(error) }));
      },
      waiting,
      guests,
    },
    sessions,
    limiter,
  );
  function forget(id: string): void {
    sessions.forget(id);
    waiting.forget(id);
  }
  const hosts = config.webhookHosts;
  const teller = createTeller({
    db: { pool, catalog },
    catalogs,
    seal,
    ids,
    now: Date.now,
    log,
    network,
    hosts,
    mail: outbox?.post,
  });
  const indexes = createIndexKeeper({ pool, direct, catalog, log });
  const stopJobs = startJobs(createJobs({ pool, catalog }, config, outbox, guests, teller, indexes, Date.now), log);
  return {
    baseUrl,
    hear(news) {
      if ("forget" in news) forget(news.forget);
      else if ("changed" in news) news.changed.forEach(waiting.heard);
      else for (const [key, count] of news.used) limiter.add(key, count, Date.now());
    },
    metrics: metrics.own,
    async stop() {
      stopJobs();
      indexes.stop();
      waiting.stop();
      await Promise.all([close(server), teller.stop()]);
      await pool.close();
    },
  };
}

/**
 * The length of the kernel's accept queue. With Node's 511, connections of a crowd would be dropped and retried seconds later.
 */
const BACKLOG = 4_096;

function listen(server: Server, { host, port }: Config): Promise<void> {
  return new Promise((done, fail) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why: Record<string, string> = {
        EADDRINUSE: `port ${port} on ${host} is taken: stop what uses it, or set CRM_PORT`,
        EACCES: `port ${port} may not be used: set CRM_PORT to one above 1023`,
      };
      fail(new StartError(why[error.code ?? ""] ?? `cannot listen on ${host}:${port}: ${error.message}`));
    });
    server.listen({ port, host, backlog: BACKLOG }, done);
  });
}

const GRACE_MS = 10_000;

/** Refuses new connections and waits for running requests. */
async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((done) => server.close(() => done()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), GRACE_MS);
  await closed;
  clearTimeout(timer);
}
