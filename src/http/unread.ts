import type { ServerResponse } from "node:http";

/**
 * Keeps the bytes of answers that their clients have not yet read within `most`: when there are more, the client that has kept one
 * longest is cut off. Otherwise those who ask for much and read nothing could have all the memory there is.
 */
export function createUnread(most: number): (response: ServerResponse, bytes: number) => void {
  const waiting = new Map<ServerResponse, number>();
  let total = 0;
  const drop = (response: ServerResponse) => {
    total -= waiting.get(response) ?? 0;
    waiting.delete(response);
  };
  return (response, bytes) => {
    waiting.set(response, bytes);
    total += bytes;
    response.once("close", () => drop(response));
    for (const oldest of waiting.keys()) {
      if (total <= most || oldest === response) return;
      drop(oldest);
      oldest.destroy();
    }
  };
}
