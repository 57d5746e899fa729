import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DATA } from "../place.ts";
import type { Contender } from "../servers.ts";
import type { Arena } from "./arena.ts";
import { callerOf } from "./callers.ts";

/** Nothing that one caller sends may keep the others waiting for longer, in milliseconds of CPU. */
const MOST_MS = 50;

/** Then it is not waited for any more. */
const LONGEST_MS = 20_000;

const MIB = 1_048_576;

/** As many times as fill the largest body. */
const filled = (piece: string, around: [string, string] = ["", ""]) =>
  around[0] + piece.repeat(Math.floor((MIB - around[0].length - around[1].length) / piece.length)) + around[1];

/** As `filled`, every piece made of its number. */
function numbered(make: (i: number) => string, around: [string, string] = ["", ""]): string {
  const pieces: string[] = [];
  let length = around[0].length + around[1].length;
  for (let i = 0; length < MIB - 100; i++) {
    pieces.push(make(i));
    length += pieces.at(-1)!.length;
  }
  return around[0] + pieces.join("") + around[1];
}

const BODIES: Record<string, string> = {
  "one long text": `{"name":"${"x".repeat(MIB - 100)}"}`,
  "one long note": `{"name":"x","notes":"${"x".repeat(MIB - 100)}"}`,
  "a text that is escaped": filled("\\u202e", ['{"name":"', '"}']),
  "a text of control characters": filled("\\u0001", ['{"name":"x","notes":"', '"}']),
  "a text of blanks": `{"name":"x${" ".repeat(MIB - 100)}x"}`,
  "arrays within arrays": `{"custom":{"a":${"[".repeat(500_000)}${"]".repeat(500_000)}}}`,
  "objects within objects": filled('{"a":', ['{"custom":', "1"]) + "}".repeat(10),
  "objects within objects, whole": `{"custom":${'{"a":'.repeat(170_000)}1${"}".repeat(170_000)}}`,
  "many keys": numbered((i) => `"k${i}":1,`, ["{", '"name":"x"}']),
  "many custom keys": numbered((i) => `"k${i}":1,`, ['{"name":"x","custom":{', '"a":1}}']),
  "one key many times": filled('"name":"x",', ["{", '"name":"x"}']),
  "many tags": numbered((i) => `"t${i}",`, ['{"name":"x","tags":[', '"a"]}']),
  "one tag many times": filled('"saas",', ['{"name":"x","tags":[', '"a"]}']),
  "tags in one text": filled("saas,", ['{"name":"x","tags":"', 'a"}']),
  "long whole numbers": numbered((i) => `${9007199254740994 + 2 * i},`, ['{"name":"x","custom":{"a":[', "1]}}"]),
  "longer whole numbers": numbered((i) => `1${String(i * 1024).padStart(20, "0")},`, ['{"name":"x","custom":{"a":[', "1]}}"]),
  "numbers with points": filled("1.5e300,", ['{"name":"x","custom":{"a":[', "1]}}"]),
  "a long number": `{"name":"x","amount_cents":${"9".repeat(MIB - 100)}}`,
  "an unknown field with a long name": `{"${"nam".repeat(300_000)}":1}`,
  "a long e-mail": `{"email":"${"a.".repeat(500_000)}@acme.com"}`,
  "an e-mail of at signs": `{"email":"${"@".repeat(MIB - 100)}"}`,
  "an e-mail of domains": `{"email":"a@${"a.".repeat(500_000)}"}`,
  "a long address": `{"name":"x","website":"${"http://".repeat(140_000)}"}`,
  "a long phone": `{"name":"x","phone":"${"+1 ".repeat(340_000)}"}`,
  "a long time": `{"name":"x","follow_up_at":"${"1".repeat(MIB - 100)}"}`,
  "a time of blanks": `{"name":"x","follow_up_at":"${" ".repeat(MIB - 100)}x"}`,
  "a relative time": `{"name":"x","follow_up_at":"+${"9".repeat(MIB - 100)}d"}`,
  "a long link": `{"name":"x","company":"${"co_".repeat(340_000)}"}`,
  "a link by a long name": `{"name":"x","company_id":"${"x ".repeat(500_000)}"}`,
  "form: one field many times": filled("&name=x", ["email=a%40b.c", ""]),
  "form: many fields": numbered((i) => `&k${i}=1`, ["name=x", ""]),
  "form: ampersands": filled("&", ["name=x", "&a=1"]),
  "form: percent signs": filled("%20", ["name=", ""]),
  "form: plus signs": filled("+", ["name=x", ""]),
  "form: as typed": filled("+ ", ["name=x", ""]),
  "form: tags": filled("&tags=a", ["name=x", ""]),
  blanks: filled(" "),
  "no JSON after all": filled('{"name":"x",', ["", "!"]),
};

const LONG = "x".repeat(7_000);
const PATHS: Record<string, string> = {
  "an unknown filter": `/contacts?${LONG}=1`,
  "many filters": `/contacts?${"name=like:x&".repeat(580)}`,
  "many values": `/contacts?stage=in:${"lead,".repeat(1_300)}`,
  "quoted values": `/contacts?stage=in:${encodeURIComponent('"a\\"",'.repeat(300))}`,
  "a long word": `/search?q=${LONG}`,
  "many words": `/search?q=${"ab+".repeat(2_300)}`,
  "a list with many words": `/contacts?search=${"ab+".repeat(2_300)}`,
  "percent signs in like": `/contacts?name=like:${"%25".repeat(2_300)}`,
  "a long cursor": `/contacts?cursor=${"A".repeat(7_000)}`,
  "a long sort": `/contacts?sort=${"-".repeat(7_000)}`,
  "many fields": `/contacts?fields=${"name,".repeat(1_400)}`,
  "a custom path": `/contacts?custom.${"a.".repeat(3_400)}=1`,
  "a long id": `/contacts/${LONG}`,
  "many segments": `/${"a/".repeat(3_500)}`,
  "the manual": "/help",
  "the manual's examples": "/help/examples",
  "the OpenAPI document": "/openapi.json",
  "a page of the largest size": "/contacts?limit=200&format=json&pretty",
};

export async function stalls({ start, check }: Arena): Promise<void> {
  const file = join(DATA, "watch");
  const product = await start({ WATCH: file }, ["--require", join(import.meta.dirname, "watch.cjs")]);
  const caller = await callerOf(product, "stalls@bench.example");
  for (let i = 0; i < 200; i++)
    await caller.post("/contacts", { name: `Long ${i}`, email: `long${i}@x.example`, notes: "é".repeat(5_000) });
  await caller.send("GET", "/openapi.json"); // made once a process
  const longest = await watch(product, file);
  const found: [ms: number, what: string][] = [];
  const measure = async (what: string, send: () => Promise<{ status: number }>) => {
    await longest();
    const { status } = await send();
    found.push([await longest(), `${what} (${status})`]);
    if (found.at(-1)![0] > LONGEST_MS) throw new Error(`no end of ${what}`);
  };
  for (const [what, body] of Object.entries(BODIES)) {
    for (const path of ["/contacts", "/deals"])
      await measure(`POST ${path} with ${what}`, () => caller.send("POST", path, body));
  }
  for (const [what, path] of Object.entries(PATHS)) await measure(`GET ${what}`, () => caller.send("GET", path));
  await measure("unsigned body", () => caller.send("POST", "/auth/verify", BODIES["form: one field many times"]!));
  found.sort(([a], [b]) => b - a);
  for (const [ms, what] of found.slice(0, 12)) process.stdout.write(`       ${ms.toFixed(0).padStart(6)} ms ${what}\n`);
  rmSync(file, { force: true });
  const over = found.filter(([ms]) => ms > MOST_MS);
  check(`nothing holds the others up for more than ${MOST_MS} ms`, over.length === 0, `${found.length} requests`);
}

/** Reads, and begins anew, the longest time that the product has worked on end. */
async function watch({ pid }: Contender, file: string): Promise<() => Promise<number>> {
  return async () => {
    await sleep(10);
    rmSync(file, { force: true });
    process.kill(pid, "SIGUSR2");
    for (let waited = 0; !existsSync(file); waited += 2) {
      if (waited > LONGEST_MS) return Number.POSITIVE_INFINITY;
      await sleep(2);
    }
    return Number(readFileSync(file, "utf8"));
  };
}
