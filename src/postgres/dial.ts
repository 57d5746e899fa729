import net from "node:net";
import tls from "node:tls";
import type { Address } from "./address.ts";

/** The server process of a connection, and the key to cancel its statements with. */
export type Backend = { pid: number; secret: number };

/** The time limit of a cancel request. */
const CANCEL_MS = 2_000;

/** SSLRequest and the code of CancelRequest: PostgreSQL documentation, "Message Formats". */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
const CANCEL_CODE = 80877102;

/**
 * Opens a socket that is ready for the first message, encrypted if the address says so. `hold` gets each socket as it is made, so that the
 * caller can destroy it at any moment. postgres.js must not encrypt it: it takes all listeners off a socket that may still fail, and an
 * error event without a listener ends the process.
 */
export async function dial(to: Address, hold: (socket: net.Socket) => void): Promise<net.Socket> {
  const socket = to.path ? net.connect({ path: to.path }) : net.connect({ host: to.host, port: to.port, noDelay: true });
  hold(socket);
  await happens(socket, "connect");
  if (!to.tls) return socket;
  socket.write(SSL_REQUEST);
  const answer = String(await happens(socket, "data"));
  if (answer === "N" && to.tls.optional) return socket;
  // Further bytes were slipped in before the encryption began (CVE-2021-23222).
  if (answer !== "S") throw new Error("the database does not offer TLS, which sslmode asks for");
  const secure = tls.connect({ ...to.tls.options, socket });
  hold(secure);
  await happens(secure, "secureConnect");
  return secure;
}

function happens(socket: net.Socket, event: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    socket.once(event, resolve);
    socket.once("error", reject);
    socket.once("close", () => reject(gone()));
  });
}

/** Has the code that postgres.js uses. */
export function gone(): Error {
  return Object.assign(new Error("the connection to the database has gone"), { code: "CONNECTION_CLOSED" });
}

/**
 * Asks the server, on a connection of its own, to cancel the backend's statement. Best effort: nobody is told. cancel() of postgres.js
 * ignores the promise of that connection, so a server that cannot be reached would end the process with an unhandled rejection.
 */
export function cancel(to: Address, backend: Backend): void {
  const request = Buffer.alloc(16);
  for (const [i, number] of [request.length, CANCEL_CODE, backend.pid, backend.secret].entries()) {
    request.writeUInt32BE(number, 4 * i);
  }
  let held: net.Socket | undefined;
  const timer = setTimeout(() => held?.destroy(), CANCEL_MS).unref();
  const hold = (socket: net.Socket) => {
    held = socket.unref();
  };
  dial(to, hold)
    .then((socket) => {
      socket.on("error", () => {});
      socket.on("close", () => clearTimeout(timer));
      // The socket stays open: PgBouncer drops a request whose connection closes before it was passed on.
      socket.write(request);
      socket.resume();
    })
    .catch(() => clearTimeout(timer));
}
