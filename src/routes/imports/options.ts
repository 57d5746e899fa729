import { WHY } from "../../derive/parameters.ts";
import { isSet, single } from "../../derive/query.ts";
import { boolean, choice, text } from "../../fields/vocabulary.ts";
import type { DateOrder } from "../../formats/files/dates.ts";
import type { FileType } from "../../formats/files/open.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import type { Authenticated } from "../../service/route.ts";

export const IMPORT_PARAMETERS = {
  dry_run: boolean({ about: "writes nothing: shows what each column was taken for, the first rows, and what is refused" }),
  analyze: boolean({
    about: "a dry run that tells who is known already, what they have been put into, and which rows are doubles",
  }),
  strict: boolean({ about: "writes all rows or, when one is refused, none; 50000 rows at most" }),
  unknown: choice(["refuse", "keep"], {
    about: "keep: a column that nothing knows is kept as custom.<name>",
    initially: "refuse",
  }),
  map: text({ about: "what columns are, as in map=Firma:company,Rolle:title; nothing behind the : passes one over" }, 8_000),
  dates: choice(["dmy", "mdy"], { about: "how to read 05/06/2026, where its column does not tell" }),
  ...WHY,
};

export type ImportOptions = {
  dryRun: boolean;
  analyze: boolean;
  strict: boolean;
  keeps: boolean;
  map: ReadonlyMap<string, string>;
  dates: DateOrder | undefined;
  type: FileType | undefined;
};

export function readOptions({ parameters, headers }: Authenticated): ImportOptions {
  const chosen = <T extends string>(name: string, among: readonly T[]): T | undefined => {
    const sent = single(parameters, name);
    if (sent === undefined || (among as readonly string[]).includes(sent)) return sent as T | undefined;
    throw new Problem("invalid_value", `${name} cannot be ${echo(sent)}`, among.map((each) => `${name}=${each}`).join(" or "));
  };
  return {
    dryRun: isSet(parameters, "dry_run") || isSet(parameters, "analyze"),
    analyze: isSet(parameters, "analyze"),
    strict: isSet(parameters, "strict"),
    keeps: chosen("unknown", ["refuse", "keep"]) === "keep",
    map: readMap(parameters.filter(([name]) => name === "map").map(([, value]) => value)),
    dates: chosen("dates", ["dmy", "mdy"]),
    type: typeNamed(single(parameters, "format")) ?? typeSent(headers["content-type"] ?? ""),
  };
}

/** A name may hold a `:` itself: a field never does. */
function readMap(texts: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (const pair of texts.flatMap((each) => each.split(",")).filter((each) => each.trim() !== "")) {
    const at = pair.lastIndexOf(":");
    if (at < 1) throw new Problem("invalid_value", `map has no field for ${echo(pair)}`, "map=Firma:company,Rolle:title");
    map.set(pair.slice(0, at).trim(), pair.slice(at + 1).trim());
  }
  return map;
}

const NAMED: Record<string, FileType> = { csv: "csv", ndjson: "ndjson", vcard: "vcard" };

/** `format=` names that of the file where an answer cannot come in it. */
const typeNamed = (format: string | undefined) => (format === undefined ? undefined : NAMED[format]);

/** What programs mostly send says nothing of the file: then it is looked at. */
function typeSent(type: string): FileType | undefined {
  if (/^text\/(?:csv|tab-separated-values)\b/i.test(type)) return "csv";
  if (/^(?:application\/(?:x-)?(?:nd)?jsonl?|application\/(?:x-)?json-?lines)\b/i.test(type) && !/\/json\b/i.test(type))
    return "ndjson";
  return /^text\/(?:x-)?(?:vcard|directory)\b/i.test(type) ? "vcard" : undefined;
}
