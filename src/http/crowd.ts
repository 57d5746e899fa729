import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { placeOf } from "../kit/place.ts";

/** Connections at once: of all, of one address, and how long one may take to send its request before another may have its room. */
export type Bounds = { all: number; ofOne: number; graceMs: number };

export type Crowd = {
  /** A connection was made. */
  enter: (socket: Socket) => void;
  /** A request has begun on a connection. */
  begin: (request: IncomingMessage, response: ServerResponse) => void;
};

type Held = { since: number; served: boolean; requests: Set<IncomingMessage> };

/** All of its body has come: what it asked for is being done, or its answer is on the way. */
const isAtWork = ({ requests }: Held) => [...requests].some(({ complete }) => complete);

/**
 * Keeps room for others. An address that holds all it may loses the oldest connection on which no request is at work, or else is refused a
 * further one. When all room is taken, the address that holds most of it loses one in the same way: newcomers get in. `proxied`: all
 * connections are the proxy's, so that only the second rule holds. `close` is told whether it has answered before.
 */
export function createCrowd(bounds: Bounds, proxied: boolean, close: (socket: Socket, served: boolean) => void): Crowd {
  const places = new Map<string, Map<Socket, Held>>();
  let total = 0;

  function leave(place: string, socket: Socket): void {
    const held = places.get(place);
    if (!held?.delete(socket)) return;
    total -= 1;
    if (held.size === 0) places.delete(place);
  }

  function drop(place: string, newest: Socket, graceMs: number): void {
    const held = places.get(place)!;
    const now = performance.now();
    const found = [...held].find(([, each]) => !isAtWork(each) && now - each.since >= graceMs);
    const [victim] = found ?? [held.has(newest) ? newest : held.keys().next().value!];
    const served = held.get(victim)!.served || held.get(victim)!.requests.size > 0;
    leave(place, victim);
    close(victim, served);
  }

  function largest(): string {
    let [most, at] = [0, ""];
    for (const [place, { size }] of places) if (size > most) [most, at] = [size, place];
    return at;
  }

  const placeOfSocket = ({ remoteAddress }: Socket) => placeOf(remoteAddress ?? "unknown");
  const known = new WeakMap<Socket, Held>();

  return {
    enter(socket) {
      const place = placeOfSocket(socket);
      const each: Held = { since: performance.now(), served: false, requests: new Set() };
      if (!places.has(place)) places.set(place, new Map());
      places.get(place)!.set(socket, each);
      known.set(socket, each);
      total += 1;
      socket.once("close", () => leave(place, socket));
      if (!proxied && places.get(place)!.size > bounds.ofOne) drop(place, socket, bounds.graceMs);
      else if (total > bounds.all) drop(largest(), socket, 0);
    },
    begin(request, response) {
      const each = known.get(request.socket);
      if (!each) return;
      each.requests.add(request);
      response.once("close", () => {
        each.requests.delete(request);
        each.served = true;
        each.since = performance.now();
      });
    },
  };
}

/** Counts the requests under way of each caller. Gives false for one that has `most` already; else they end with their answers. */
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
