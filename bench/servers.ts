import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { EmbeddedServer } from "../src/embedded/server.ts";
import { DATA, PEOPLE, type Person, urlOf } from "./place.ts";

/** A server under measurement. `application` is what its connections call themselves in PostgreSQL. */
export type Contender = { name: string; pid: number; baseUrl: string; application: string; stop: () => Promise<void> };

export const SECRET = "a secret of the benchmark, long enough";
const CHECKOUT = join(import.meta.dirname, "..");

/**
 * The product as it is run, in a process of its own; nothing is switched off, only its rate limit is out of reach. `checkout` is where its
 * source is, when it is not this one.
 */
export async function startProduct(
  database: EmbeddedServer,
  flags: readonly string[] = [],
  checkout = CHECKOUT,
  settings: Record<string, string> = {},
): Promise<Contender> {
  const folder = join(DATA, "product");
  await mkdir(folder, { recursive: true });
  const name = checkout === CHECKOUT ? "product" : "before";
  return start(
    name,
    "cardfile",
    [...flags, ...startWords(checkout)],
    {
      CRM_DATA: folder,
      CRM_PORT: "0",
      CRM_SECRET: SECRET,
      CRM_RATE: "999999999",
      DATABASE_URL: urlOf(database),
      ...settings,
    },
    checkout,
  );
}

/** What follows `node` in `npm start`. */
function startWords(checkout: string): string[] {
  const { scripts } = JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")) as { scripts: { start: string } };
  return scripts.start.split(" ").slice(1);
}

/** The floor, or a peer with the floor's statements and rendering in another framework. */
export async function startFloor(
  database: EmbeddedServer,
  person: Person,
  script = "floor",
  flags: readonly string[] = [],
): Promise<Contender> {
  return start(script, script, [...flags, "--import", "tsx", join(import.meta.dirname, `${script}.ts`)], {
    DATABASE_URL: urlOf(database),
    WORKSPACE: PEOPLE[person].workspaceId,
    APPLICATION: script,
  });
}

async function start(
  name: string,
  application: string,
  args: readonly string[],
  env: Record<string, string>,
  cwd = CHECKOUT,
): Promise<Contender> {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, args, { cwd, env: { PATH, HOME, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  process.once("exit", () => child.kill()); // also when this process fails
  const baseUrl = await firstAddress(name, child);
  return {
    name,
    application,
    baseUrl,
    pid: child.pid!,
    async stop() {
      const ended = new Promise((done) => child.once("exit", done));
      child.kill("SIGTERM");
      await ended;
    },
  };
}

function firstAddress(name: string, child: ChildProcess): Promise<string> {
  let said = "";
  return new Promise((resolve, reject) => {
    child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const address = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
      if (address) resolve(address);
    });
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-5000);
    });
    child.once("exit", (code) => reject(new Error(`${name} ended with ${code}: ${said}`)));
  });
}

/** A token for the person's workspace, through the front door in local mode. */
export async function signIn(product: Contender, person: Person): Promise<Record<string, string>> {
  const { email } = PEOPLE[person];
  const post = async (path: string, body: object) => {
    const response = await fetch(product.baseUrl + path, { method: "POST", body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`POST ${path}: ${text}`);
    return JSON.parse(text) as Record<string, string>;
  };
  const { code } = await post("/auth/request?format=json", { email });
  const { token } = await post("/auth/verify?format=json", { email, code, token_name: "bench" });
  return { Authorization: `Bearer ${token}` };
}
