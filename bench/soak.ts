import { request, send } from "./client.ts";
import { cpuOf, memoryOf } from "./processes.ts";
import type { Contender } from "./servers.ts";
import type { Cast } from "./works.ts";

/** CPU a request in microseconds of the first and the last slice, and what the process has grown to. */
export type Soak = { requests: number; first: number; last: number; rss: number; floor: { first: number; last: number } };

const SLICE = 50_000;

/** Before anything is measured, for V8 compiles what has become hot during the first tens of thousands. */
const WARM = 50_000;

/**
 * What a long life does to the product, and to the floor beside it: reads and lists until each has answered so many. The first and the last
 * are each the middle one of three slices.
 */
export async function soak(
  { product, floor, authorization, ids }: Cast,
  requests: number,
  say: (line: string) => void,
): Promise<Soak> {
  const id = (i: number) => ids[(i * 7919) % ids.length]!;
  const list = (i: number) => i % 10 === 0;
  const sides = [
    {
      contender: product,
      costs: [] as number[],
      next: (i: number) => request("GET", list(i) ? "/contacts" : `/contacts/c_${id(i).slice(-8)}`, authorization),
    },
    {
      contender: floor,
      costs: [] as number[],
      next: (i: number) => request("GET", list(i) ? "/contacts" : `/contacts/${id(i)}`),
    },
  ];
  for (const { contender, next } of sides) await send(contender.baseUrl, 8, WARM, next);
  for (let sent = 0; sent < requests; sent += SLICE) {
    for (const { contender, costs, next } of sides) costs.push(await sliceOf(contender, (i) => next(sent + i)));
    const [own, bare] = sides.map(({ costs }) => costs.at(-1)!.toFixed(0));
    say(`${sent + SLICE} requests: ${own} µs a request, floor ${bare}, ${memoryOf(product.pid).now.toFixed(0)} MB`);
  }
  const [own, bare] = sides.map(({ costs }) => ({ first: middle(costs.slice(0, 3)), last: middle(costs.slice(-3)) }));
  return { requests, ...own!, rss: memoryOf(product.pid).now, floor: bare! };
}

async function sliceOf({ baseUrl, pid }: Contender, next: Parameters<typeof send>[3]): Promise<number> {
  const before = cpuOf(pid);
  await send(baseUrl, 8, SLICE, next);
  return (cpuOf(pid) - before) / SLICE;
}

const middle = (costs: readonly number[]) => [...costs].sort((a, b) => a - b)[Math.floor(costs.length / 2)]!;
