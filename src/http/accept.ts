import type { Format } from "../formats/format.ts";
import { json } from "../formats/json.ts";
import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";

/**
 * The one of `formats` that an Accept header asks for (RFC 9110, section 12.5.1): the type with the highest quality, the more specific range
 * deciding each type's quality. Undefined when it names others and none of these. A header that only says what is not wanted leaves the rest
 * welcome. `formats` begins with text and has JSON, which everything can be had in.
 */
export function acceptedFormat<Of extends Format>(accept: string | undefined, formats: readonly Of[]): Of | undefined {
  if (!accept || accept === "*/*") return formats[0];
  if (accept === json.mediaTypes[0]) return formats.find((format) => format.name === json.name);
  const ranges = accept
    .split(",")
    .map(readRange)
    .filter(({ type, subtype }) => type !== "" && subtype !== "");
  const wishes = formats.map((format) => wishFor(format, ranges));
  const most = Math.max(...wishes.map(({ quality }) => quality));
  if (most <= 0) return ranges.some(({ quality }) => quality > 0) ? undefined : formats[0];
  // As welcome as each other: what was named first, `application/json, text/plain, */*` being what JSON clients send.
  const welcome = wishes.map(({ quality, at }) => (quality === most ? at : Number.MAX_VALUE));
  return formats[welcome.indexOf(Math.min(...welcome))];
}

/** No answer in a format that nobody asked for. `formats` are those that the answer can be had in. */
export function notAcceptable(asked: string, formats: readonly Format[]): Problem {
  const types = formats.map(({ mediaTypes }) => mediaTypes[0]);
  const names = formats.map(({ name }) => `?format=${name}`);
  return new Problem("not_acceptable", `the answer cannot be had as ${echo(asked)}`, [
    `Accept one of: ${types.join(", ")}; or ${names.join(" or ")}`,
  ]);
}

type Range = { type: string; subtype: string; quality: number };

function readRange(text: string): Range {
  const [name = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const [type = "", subtype = ""] = name.split("/");
  const quality = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
  return { type, subtype, quality: quality === undefined || Number.isNaN(Number(quality)) ? 1 : Number(quality) };
}

/** How welcome a format is, -1 where nothing names it, and where the header first names it or its family; `*` names nothing. */
function wishFor({ mediaTypes }: Format, ranges: readonly Range[]): { quality: number; at: number } {
  const wishes = mediaTypes.map((mediaType) => {
    const [type, subtype] = mediaType.split("/");
    const fits = (range: Range) =>
      (range.type === type || range.type === "*") && (range.subtype === subtype || range.subtype === "*");
    const at = ranges.findIndex((range) => range.type !== "*" && range.quality > 0 && fits(range));
    return { quality: Math.max(-1, ...best(ranges.filter(fits))), at: at < 0 ? ranges.length : at };
  });
  return wishes.reduce((most, wish) => (wish.quality > most.quality ? wish : most));
}

const specificity = (range: Range) => (range.type === "*" ? 0 : range.subtype === "*" ? 1 : 2);

function best(ranges: Range[]): number[] {
  const most = Math.max(...ranges.map(specificity));
  return ranges.filter((range) => specificity(range) === most).map((range) => range.quality);
}
