import type { FormatName } from "../derive/parameters.ts";
import { csv } from "./csv.ts";
import type { Format } from "./format.ts";
import { ics } from "./ics.ts";
import { json } from "./json.ts";
import { ndjson } from "./ndjson.ts";
import { html, ubl } from "./printed.ts";
import { text } from "./text.ts";
import { vcard } from "./vcard.ts";

const BY_NAME: Record<FormatName, Format> = { text, json, csv, ndjson, vcard, ics, html, ubl };

/** Of several that a caller likes as well, the first is answered. */
export const FORMATS: readonly Format[] = Object.values(BY_NAME);

/** What refusals and messages come in. */
export const SPEAKING = [text, json] as const;
