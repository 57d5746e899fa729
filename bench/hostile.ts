/**
 * `node --import tsx bench/hostile.ts [parts…] [--seconds 30]`: the product under people who mean it ill and machines that fail. Each part says what it
 * found and takes at most two minutes; the exit code is 1 when anything was not as it must be.
 */
import { type Arena, inArena } from "./hostile/arena.ts";
import { flood, slow } from "./hostile/crowding.ts";
import { crash, gone, killed } from "./hostile/failing.ts";
import { overload } from "./hostile/overload.ts";
import { stalls } from "./hostile/stalls.ts";
import { readArguments } from "./place.ts";

const { options, rest: named } = readArguments(process.argv.slice(2), ["seconds"]);
const seconds = Number(options.get("seconds") ?? 30);

const PARTS: Record<string, (arena: Arena) => Promise<void>> = {
  stalls,
  slow,
  flood,
  overload,
  killed: killed(seconds),
  gone,
  crash: crash(seconds),
};

const unknown = named.find((name) => !(name in PARTS));
if (unknown) throw new Error(`there is no part ${unknown}; there are: ${Object.keys(PARTS).join(", ")}`);
const wanted = Object.entries(PARTS).filter(([name]) => named.length === 0 || named.includes(name));
const failed = await inArena(Object.fromEntries(wanted));
process.stdout.write(failed === 0 ? "all as it must be\n" : `${failed} FAILED\n`);
process.exit(failed === 0 ? 0 : 1);
