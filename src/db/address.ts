import { readFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";
import { StartError } from "../kit/startError.ts";

/** Where the database is: parts, with a socket's folder as the host, or a `postgres://` URL. */
export type Connection = { host: string; port?: number; user: string; password?: string; database: string } | { url: string };

export type Address = {
  host: string;
  port: number;
  /** The Unix socket, when the host is a folder. */
  path: string | undefined;
  user: string;
  password: string;
  database: string;
  ssl: false | "prefer" | "require" | VerifiedTls;
};

/** As tls.connect takes it. `host` is what the certificate has to name, an IP address included. */
type VerifiedTls = { rejectUnauthorized: true; host: string; ca?: string; checkServerIdentity?: () => undefined };

/** The URL's parameters, libpq's names. Any other is refused, for some (channel_binding, sslcert) promise what we would not keep. */
const PARAMETERS = ["host", "sslmode", "sslrootcert"];

export function addressOf(connection: Connection): Address {
  if (!("url" in connection)) return address({ password: "", port: 5432, ...connection, ssl: false });
  const url = parseUrl(connection.url);
  const unknown = [...url.searchParams.keys()].find((key) => !PARAMETERS.includes(key));
  if (unknown)
    throw new StartError(`DATABASE_URL: "${unknown}" is not among the parameters understood: ${PARAMETERS.join(", ")}`);
  // `postgres:///crm?host=/run/postgresql` and `postgres://%2Frun%2Fpostgresql/crm` are libpq's two ways to name a socket.
  const host = url.searchParams.get("host") ?? decode(url.hostname).replace(/^\[|\]$/g, "");
  const user = decode(url.username);
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
    ssl: tlsOf(host, url.searchParams.get("sslmode") ?? "disable", url.searchParams.get("sslrootcert")),
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
function tlsOf(host: string, mode: string, rootCert: string | null): Address["ssl"] {
  if (host.startsWith("/") || mode === "disable") return false;
  if (mode === "allow" || mode === "prefer") return "prefer";
  if (mode === "require" && !rootCert) return "require";
  if (!["require", "verify-ca", "verify-full"].includes(mode)) {
    throw new StartError("DATABASE_URL: sslmode is one of disable, allow, prefer, require, verify-ca, verify-full");
  }
  return {
    rejectUnauthorized: true,
    host,
    ...(rootCert && rootCert !== "system" ? { ca: readCertificate(rootCert) } : {}),
    ...(mode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
  };
}

function readCertificate(path: string): string {
  try {
    const ca = readFileSync(path, "utf8");
    tls.createSecureContext({ ca }); // inside postgres.js it would throw where nobody can catch it
    return ca;
  } catch (cause) {
    throw new StartError(`DATABASE_URL: sslrootcert is no file with certificates: ${path}`, { cause });
  }
}

export function dial(to: Address): net.Socket {
  const socket = to.path ? net.connect({ path: to.path }) : net.connect({ host: to.host, port: to.port, noDelay: true });
  // postgres.js names the certificate's host by this.
  return Object.assign(socket, { host: to.host });
}

/** Which backend to cancel, as it told when it was connected. */
export type Backend = { pid: number; secret: number };

/**
 * Asks the server to cancel what the backend runs: a CancelRequest on a connection of its own (PostgreSQL documentation, 55.2.8), in
 * the clear as libpq sent it until 17. Best effort, nobody is told. postgres.js's own cancel() drops the promise of its connection, so
 * that a server that cannot be reached ends the process with an unhandled rejection.
 */
export function cancel(to: Address, backend: Backend): void {
  const request = Buffer.alloc(16);
  request.writeUInt32BE(16, 0);
  request.writeUInt32BE(80877102, 4);
  request.writeUInt32BE(backend.pid, 8);
  request.writeUInt32BE(backend.secret, 12);
  const socket = dial(to).unref();
  socket.on("error", () => socket.destroy());
  socket.setTimeout(2_000, () => socket.destroy());
  // Not end(): PgBouncer forgets a cancel request whose connection has closed before it was passed on.
  socket.write(request);
  socket.resume();
}
