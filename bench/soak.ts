import { request, send } from "./client.ts";
import { cpuOf, memoryOf } from "./processes.ts";
import type { Cast } from "./works.ts";

/** CPU a request in microseconds of the first and the last slice, and what the process has grown to. */
export type Soak = { requests: number; first: number; last: number; rss: number };

const SLICE = 50_000;

/** What a long life does to the product: reads and lists until so many have been sent. */
export async function soak(
  { product, authorization, ids }: Cast,
  requests: number,
  say: (line: string) => void,
): Promise<Soak> {
  const next = (i: number) => {
    const id = ids[(i * 7919) % ids.length]!;
    return request("GET", i % 10 === 0 ? "/contacts?limit=10" : `/contacts/c_${id.slice(-8)}`, authorization);
  };
  await send(product.baseUrl, 8, 10_000, next); // compiles what is hot
  const costs: number[] = [];
  for (let sent = 0; sent < requests; sent += SLICE) {
    const before = cpuOf(product.pid);
    await send(product.baseUrl, 8, SLICE, (i) => next(sent + i));
    costs.push((cpuOf(product.pid) - before) / SLICE);
    say(`${sent + SLICE} requests: ${costs.at(-1)!.toFixed(0)} µs a request, ${memoryOf(product.pid).now.toFixed(0)} MB`);
  }
  return { requests, first: costs[0]!, last: costs.at(-1)!, rss: memoryOf(product.pid).now };
}
