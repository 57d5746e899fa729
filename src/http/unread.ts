import type { ServerResponse } from "node:http";

/**
 * Limits the bytes of answers that clients have not read yet to `most`. Beyond it the connection with the oldest unread answer is
 * closed. Otherwise clients that request much and read nothing would exhaust the memory.
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
