import { StartError } from "../kit/startError.ts";

type Setting = { initially: string; about: string; read?: (text: string, name: string) => unknown };

const whole = (least: number, most: number) => (text: string, name: string) => {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new StartError(`${name} must be a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`);
};

const onOff = (text: string, name: string) => {
  if (text === "on" || text === "off") return text === "on";
  throw new StartError(`${name} must be on or off, not ${JSON.stringify(text)}`);
};

function sqlUrl(text: string, name: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (text === "" || (url && /^postgres(ql)?:$/.test(url.protocol) && url.hostname && !url.username)) return text;
  throw new StartError(`${name} must be like postgres://db.example.com:5432/crm, without a user: each caller gets one`);
}

/** All settings: name, default and meaning. The README's table is made from this. */
export const SETTINGS = {
  CRM_HOST: { initially: "127.0.0.1", about: "address to listen on" },
  CRM_PORT: { initially: "8080", about: "port to listen on; 0 is any free one", read: whole(0, 65_535) },
  CRM_DATA: { initially: ".data", about: "folder of the embedded database and the generated secret" },
  DATABASE_URL: {
    initially: "",
    about: "PostgreSQL 15 or newer, `postgres://user:password@host:5432/name`; empty: the embedded one",
  },
  CRM_DIRECT_URL: { initially: "", about: "the same database without a pooler between, for migrations; empty: DATABASE_URL" },
  CRM_PREPARE: { initially: "on", about: "prepared statements; off behind PgBouncer before 1.21", read: onOff },
  CRM_POOL: {
    initially: "6",
    about: "database connections a process; a third as many more for searches and lists that no index pages, and 4 for streams",
    read: whole(1, 64),
  },
  CRM_SECRET: {
    initially: "",
    about: "key of tokens, codes and cursors, 32 characters or more; empty: generated into CRM_DATA",
  },
  CRM_BASE_URL: { initially: "", about: "the address callers see, for the manual and the links; empty: the one listened on" },
  CRM_SENDMAIL: {
    initially: "",
    about: "command that takes a mail on its input, e.g. `msmtp -t`; empty: local mode, see below",
  },
  CRM_MAIL_FROM: { initially: "cardfile@localhost", about: "sender of the mails" },
  CRM_TOKEN_DAYS: { initially: "90", about: "days without use after which a token expires", read: whole(1, 3650) },
  CRM_PLANS: { initially: "", about: "JSON file with the plans' caps, see below; empty: nothing is capped" },
  CRM_RATE: {
    initially: "",
    about:
      "requests a minute for a token and all minted from it, and for an address without one; empty: 6000, in local mode 600000",
  },
  CRM_OPEN_WORKSPACES: {
    initially: "",
    about: "whether anybody may make a workspace without an account, for seven days: on or off; empty: on in local mode only",
  },
  CRM_WEBHOOK_HOSTS: {
    initially: "",
    about:
      "hosts, with commas, that webhooks may reach by http or at a private address, e.g. `localhost`, to develop with; empty: none, only https to public addresses",
  },
  CRM_METRICS_TOKEN: { initially: "", about: "bearer token for GET /metrics; empty: there is no such path" },
  CRM_ACCESS_LOG: { initially: "off", about: "a log line for every request", read: onOff },
  CRM_TRUST_PROXY: { initially: "off", about: "take the caller's address from the last X-Forwarded-For entry", read: onOff },
  CRM_WORKERS: { initially: "1", about: "processes that serve", read: whole(1, 64) },
  CRM_SQL_SECONDS: {
    initially: "30",
    about: "seconds that a caller's own query may take, see /help/sql",
    read: whole(1, 3_600),
  },
  CRM_SQL_URL: {
    initially: "",
    about: "where callers reach the database themselves, `postgres://db.example.com:5432/crm`; empty: they do not",
    read: sqlUrl,
  },
  PG_BIN: { initially: "", about: "folder of the PostgreSQL programs to embed instead of the bundled ones" },
} as const satisfies Record<string, Setting>;

export type Config = Readonly<{
  host: string;
  port: number;
  data: string;
  databaseUrl: string;
  directUrl: string;
  prepare: boolean;
  pool: number;
  secret: string;
  baseUrl: string;
  sendmail: string;
  mailFrom: string;
  tokenDays: number;
  plans: string;
  openWorkspaces: boolean;
  webhookHosts: readonly string[];
  metricsToken: string;
  accessLog: boolean;
  rate: number;
  trustProxy: boolean;
  workers: number;
  sqlSeconds: number;
  sqlUrl: string;
  pgBin: string;
}>;

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i;

export const isLoopback = (host: string) => LOOPBACK.test(host);

/** Reads the settings from the environment. An unknown CRM_ variable is an error, because it is a misspelt setting. */
export function readConfig(environment: Record<string, string | undefined>): Config {
  for (const name of Object.keys(environment)) {
    if (!name.startsWith("CRM_") || name in SETTINGS) continue;
    throw new StartError(`there is no setting ${name}; there are: ${Object.keys(SETTINGS).join(", ")}`);
  }
  const value = (name: keyof typeof SETTINGS) => {
    const setting: Setting = SETTINGS[name];
    const text = environment[name] || setting.initially;
    return setting.read ? setting.read(text, name) : text;
  };
  const config = {
    host: value("CRM_HOST"),
    port: value("CRM_PORT"),
    data: value("CRM_DATA"),
    databaseUrl: value("DATABASE_URL"),
    directUrl: value("CRM_DIRECT_URL") || value("DATABASE_URL"),
    prepare: value("CRM_PREPARE"),
    pool: value("CRM_POOL"),
    secret: value("CRM_SECRET"),
    baseUrl: (value("CRM_BASE_URL") as string).replace(/\/+$/, ""),
    sendmail: value("CRM_SENDMAIL"),
    mailFrom: value("CRM_MAIL_FROM"),
    tokenDays: value("CRM_TOKEN_DAYS"),
    plans: value("CRM_PLANS"),
    openWorkspaces: onOff(
      (value("CRM_OPEN_WORKSPACES") as string) || (value("CRM_SENDMAIL") ? "off" : "on"),
      "CRM_OPEN_WORKSPACES",
    ),
    webhookHosts: (value("CRM_WEBHOOK_HOSTS") as string)
      .toLowerCase()
      .split(/[\s,]+/)
      .filter((host) => host !== ""),
    metricsToken: value("CRM_METRICS_TOKEN"),
    accessLog: value("CRM_ACCESS_LOG"),
    rate: whole(1, 999_999_999)((value("CRM_RATE") as string) || (value("CRM_SENDMAIL") ? "6000" : "600000"), "CRM_RATE"),
    trustProxy: value("CRM_TRUST_PROXY"),
    workers: value("CRM_WORKERS"),
    sqlSeconds: value("CRM_SQL_SECONDS"),
    sqlUrl: value("CRM_SQL_URL"),
    pgBin: value("PG_BIN"),
  } as Config;
  if (config.secret && config.secret.length < 32) throw new StartError("CRM_SECRET must have 32 characters or more");
  if (config.baseUrl && !/^https?:\/\/[^/\s?#]+$/.test(config.baseUrl))
    throw new StartError("CRM_BASE_URL must be like https://crm.example.com, without a path");
  if (!config.sendmail && !isLoopback(config.host)) {
    throw new StartError(
      `without CRM_SENDMAIL sign-in codes are shown to whoever asks, so CRM_HOST must be a loopback address, not ${config.host}; set CRM_SENDMAIL, e.g. "msmtp -t"`,
    );
  }
  return Object.freeze(config);
}
