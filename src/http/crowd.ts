import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { networkOf } from "../kit/network.ts";

/**
 * Limits on open connections: of all networks together and of one network. A connection without a whole request may be dropped
 * after `graceMs`.
 */
export type Bounds = { all: number; ofOne: number; graceMs: number };

export type Crowd = {
  /** Registers a new connection. */
  enter: (socket: Socket) => void;
  /** Registers a request on a connection. */
  begin: (request: IncomingMessage, response: ServerResponse) => void;
};

type Held = { since: number; served: boolean; requests: Set<IncomingMessage> };

/** A connection is active when the body of one of its requests has fully arrived. Active connections are dropped last. */
const isActive = ({ requests }: Held) => [...requests].some(({ complete }) => complete);

/**
 * Drops connections so that one network cannot use them all. A connection is active or idle. A network above its limit loses its
 * oldest idle connection, or else the new one.
 *
 * Above the limit of all, the network with most connections loses one in the same way. With `proxied` only this rule holds,
 * because all connections come from the proxy. `close` learns whether the connection has been answered before.
 */
export function createCrowd(bounds: Bounds, proxied: boolean, close: (socket: Socket, served: boolean) => void): Crowd {
  const networks = new Map<string, Map<Socket, Held>>();
  let total = 0;

  function leave(network: string, socket: Socket): void {
    const held = networks.get(network);
    if (!held?.delete(socket)) return;
    total -= 1;
    if (held.size === 0) networks.delete(network);
  }

  function drop(network: string, newest: Socket, graceMs: number): void {
    const held = networks.get(network)!;
    const now = performance.now();
    const found = [...held].find(([, connection]) => !isActive(connection) && now - connection.since >= graceMs);
    const [victim] = found ?? [held.has(newest) ? newest : held.keys().next().value!];
    const served = held.get(victim)!.served || held.get(victim)!.requests.size > 0;
    leave(network, victim);
    close(victim, served);
  }

  function largest(): string {
    let [most, at] = [0, ""];
    for (const [network, { size }] of networks) if (size > most) [most, at] = [size, network];
    return at;
  }

  const networkOfSocket = ({ remoteAddress }: Socket) => networkOf(remoteAddress ?? "unknown");
  const known = new WeakMap<Socket, Held>();

  return {
    enter(socket) {
      const network = networkOfSocket(socket);
      const connection: Held = { since: performance.now(), served: false, requests: new Set() };
      if (!networks.has(network)) networks.set(network, new Map());
      networks.get(network)!.set(socket, connection);
      known.set(socket, connection);
      total += 1;
      socket.once("close", () => leave(network, socket));
      if (!proxied && networks.get(network)!.size > bounds.ofOne) drop(network, socket, bounds.graceMs);
      else if (total > bounds.all) drop(largest(), socket, 0);
    },
    begin(request, response) {
      const connection = known.get(request.socket);
      if (!connection) return;
      connection.requests.add(request);
      response.once("close", () => {
        connection.requests.delete(request);
        connection.served = true;
        connection.since = performance.now();
      });
    },
  };
}

/**
 * Counts the running requests of connection caller. Returns false when the caller has `most` already. A request ends with its answer.
 */
export function createTurnstile(most: number): (caller: string, response: ServerResponse) => boolean {
  const counts = new Map<string, number>();
  return (caller, response) => {
    const count = counts.get(caller) ?? 0;
    if (count >= most) return false;
    counts.set(caller, count + 1);
    response.once("close", () => {
      const left = counts.get(caller)! - 1;
      if (left === 0) counts.delete(caller);
      else counts.set(caller, left);
    });
    return true;
  };
}
