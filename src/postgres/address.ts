import { readFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";
import { StartError } from "../kit/startError.ts";

/** The address of the database in parts, where the host may be the folder of a socket, or as a `postgres://` URL. */
export type ConnectionOptions =
  | { host: string; port?: number; user: string; password?: string; database: string }
  | { url: string };

export type Address = {
  host: string;
  port: number;
  /** The Unix socket, when the host is a folder. */
  path: string | undefined;
  user: string;
  password: string;
  database: string;
  tls: Tls | undefined;
};

/** `optional`: without TLS on the server the connection is not encrypted. */
export type Tls = { optional: boolean; options: tls.ConnectionOptions };

/** The URL's parameters, by libpq's names. All others are refused: some (channel_binding, sslcert) promise what this library does not do. */
const PARAMETERS = ["host", "user", "sslmode", "sslrootcert"];

export function addressOf(connection: ConnectionOptions): Address {
  if (!("url" in connection)) return address({ password: "", port: 5432, ...connection, tls: undefined });
  const url = parseUrl(connection.url);
  const unknown = [...url.searchParams.keys()].find((key) => !PARAMETERS.includes(key));
  if (unknown)
    throw new StartError(`DATABASE_URL: "${unknown}" is not among the parameters understood: ${PARAMETERS.join(", ")}`);
  // libpq names a socket in two ways: `postgres:///crm?host=/run/postgresql&user=crm` and `postgres://crm@%2Frun%2Fpostgresql/crm`.
  const host = url.searchParams.get("host") ?? decode(url.hostname).replace(/^\[|\]$/g, "");
  const user = url.searchParams.get("user") ?? decode(url.username);
  const database = decode(url.pathname.slice(1));
  if (!host || !user || !database) {
    throw new StartError("DATABASE_URL needs a host, a user and a database: postgres://user:password@host:5432/database");
  }
  return address({
    host,
    port: Number(url.port || 5432),
    user,
    password: decode(url.password),
    database,
    tls: tlsOf(host, url.searchParams.get("sslmode") ?? "disable", url.searchParams.get("sslrootcert")),
  });
}

/** The URL holds a password, so no message repeats it. */
function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "postgres:" || url?.protocol === "postgresql:") return url;
  throw new StartError("DATABASE_URL is no URL of the form postgres://user:password@host:5432/database?sslmode=require");
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new StartError("DATABASE_URL: a % in it that stands for itself is written %25");
  }
}

function address(parts: Omit<Address, "path">): Address {
  return { ...parts, path: parts.host.startsWith("/") ? `${parts.host}/.s.PGSQL.${parts.port}` : undefined };
}

/** https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION */
function tlsOf(host: string, mode: string, rootCert: string | null): Tls | undefined {
  if (host.startsWith("/") || mode === "disable") return undefined;
  // The server chooses a certificate by `servername`, which must not be an IP address. The certificate is checked against `host`.
  const name = net.isIP(host) ? { host } : { host, servername: host };
  if (mode === "allow" || mode === "prefer") return { optional: true, options: { ...name, rejectUnauthorized: false } };
  if (mode === "require" && !rootCert) return { optional: false, options: { ...name, rejectUnauthorized: false } };
  if (!["require", "verify-ca", "verify-full"].includes(mode)) {
    throw new StartError("DATABASE_URL: sslmode is one of disable, allow, prefer, require, verify-ca, verify-full");
  }
  const ca = rootCert && rootCert !== "system" ? { ca: readCertificate(rootCert) } : {};
  const anyName = mode === "verify-full" ? {} : { checkServerIdentity: () => undefined };
  return { optional: false, options: { ...name, ...ca, ...anyName } };
}

function readCertificate(path: string): string {
  try {
    const ca = readFileSync(path, "utf8");
    tls.createSecureContext({ ca });
    return ca;
  } catch (cause) {
    throw new StartError(`DATABASE_URL: sslrootcert is no file with certificates: ${path}`, { cause });
  }
}
