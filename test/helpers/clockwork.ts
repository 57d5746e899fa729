import { channel } from "node:diagnostics_channel";
import { type Service, startService } from "./service.ts";

/** A service in which the same requests give the same bytes. */
export type Clockwork = Service & {
  /** The first request that follows comes at this time, each further one a second later. */
  begin: (chapter: string, time: string) => void;
};

/** Node tells it of every request before the server sees it, so that a real curl moves the clock as well. */
const requests = channel("http.server.request.start");

/** Time and chance depend on the chapter and the number of the request in it alone: a change in one chapter leaves the others. */
export async function startClockwork(): Promise<Clockwork> {
  let chapter = { name: "", start: 0, requests: 0 };
  let clock = 0;
  let random = seeded("");
  const service = await startService({ now: () => clock, random: () => random() });
  const port = Number(new URL(service.baseUrl).port);

  const arrive = (message: unknown) => {
    const { socket } = message as { socket: { localPort?: number } };
    if (socket.localPort !== port) return;
    clock = chapter.start + 1000 * chapter.requests;
    random = seeded(`${chapter.name} ${chapter.requests}`);
    chapter.requests += 1;
  };
  requests.subscribe(arrive);

  return {
    ...service,
    begin(name, time) {
      chapter = { name, start: Date.parse(time), requests: 0 };
      clock = chapter.start;
    },
    async close() {
      requests.unsubscribe(arrive);
      await service.close();
    },
  };
}

/** mulberry32, seeded with an FNV-1a hash of the text. */
function seeded(text: string): () => number {
  let state = 0x811c9dc5;
  for (const byte of Buffer.from(text)) state = Math.imul(state ^ byte, 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
