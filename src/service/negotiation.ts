import { single } from "../derive/query.ts";
import { FORMATS, SPEAKING } from "../formats/all.ts";
import type { Format, Speaking } from "../formats/format.ts";
import { json } from "../formats/json.ts";
import { acceptedFormat, notAcceptable } from "../http/accept.ts";
import type { Request } from "../http/request.ts";
import type { Target } from "../http/target.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";
import type { Route } from "./route.ts";

/** In which format a request is answered, and in which it is refused. */

/** The format of a refusal: that of the answer if it can hold a refusal, else the one that Accept prefers. */
export function readSpeaking({ parameters, segments }: Target, accepted: Speaking): Speaking {
  // Whoever looks for metadata (RFC 8615) takes nothing but JSON, and mostly forgets to say so.
  if (segments[0] === ".well-known") return json;
  const asked = single(parameters, "format");
  if (asked === undefined) return accepted;
  if (!FORMATS.some(({ name }) => name === asked)) {
    const names = FORMATS.map(({ name }) => `format=${name}`);
    throw new Problem("invalid_value", `format cannot be ${echo(asked)}`, names.join(" or "));
  }
  return SPEAKING.find(({ name }) => name === asked) ?? accepted;
}

/** The last segment without its suffix, where it ends with that of a format. */
export function readSuffix(segments: readonly string[]): { stem: string[]; suffix: Format | undefined } {
  const last = segments.at(-1) ?? "";
  const dot = last.lastIndexOf(".");
  const suffix = dot > 0 ? FORMATS.find((format) => format.suffix === last.slice(dot + 1)) : undefined;
  return { stem: [...segments.slice(0, -1), last.slice(0, dot)], suffix };
}

/** The format of the answer: `format=` decides, then the suffix of the path, then Accept. */
export function readFormat(
  { headers }: Request,
  { parameters }: Target,
  suffix: Format | undefined,
  { body }: Route,
  formats: readonly Format[],
): Format {
  const named = single(parameters, "format") ?? suffix?.name;
  // It names the format of the file that is sent, where an answer cannot come in it.
  const asked = body?.is === "file" && !formats.some(({ name }) => name === named) ? undefined : named;
  const format = asked === undefined ? acceptedFormat(headers.accept, formats) : formats.find(({ name }) => name === asked);
  if (format) return format;
  throw notAcceptable(asked ?? headers.accept ?? "", formats);
}

/** A document has one type, and who asks for its path gets that. */
export const negotiates = ({ answers, standard }: Route) => !standard && answers.is !== "document" && answers.is !== "json";
