import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import { DATA } from "./place.ts";

/** The frameworks to measure beside the floor, each with a script of its name here, and the version that is measured. */
export const PEERS: ReadonlyMap<string, string> = new Map([["fastify", "5.12.8"]]);

/** Brings what a peer needs where it is missing: it is no dependency of the product, so it lives with the benchmark's data. */
export async function ensurePeer(name: string, say: (text: string) => void): Promise<void> {
  if (isThere(name)) return;
  const version = PEERS.get(name);
  say(`${name} ${version} is fetched`);
  await mkdir(DATA, { recursive: true, mode: 0o755 });
  await promisify(execFile)("npm", ["install", "--prefix", DATA, "--no-audit", "--no-fund", `${name}@${version}`]);
}

function isThere(name: string): boolean {
  try {
    return createRequire(join(DATA, "package.json")).resolve(name) !== "";
  } catch {
    return false;
  }
}
