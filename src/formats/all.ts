import type { FormatName } from "../derive/parameters.ts";
import type { Format } from "./format.ts";
import { json } from "./json.ts";
import { text } from "./text.ts";

const BY_NAME: Record<FormatName, Format> = { text, json };

/** Of several that a caller likes as well, the first is answered. */
export const FORMATS: readonly Format[] = Object.values(BY_NAME);

/** What refusals and messages come in. */
export const SPEAKING = [text, json] as const;
