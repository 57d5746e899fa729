import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";

export type Format = "text" | "json";

/** The media type of each, as the 406 lists them. */
export const FORMATS: Record<Format, string> = { text: "text/plain", json: "application/json" };

/**
 * The format an Accept header asks for (RFC 9110, section 12.5.1): the type with the highest quality, the more specific range deciding
 * each type's quality. Undefined when it names others and neither of these. A header that only says what is not wanted leaves the rest welcome.
 */
export function acceptedFormat(accept: string | undefined): Format | undefined {
  if (!accept || accept === "*/*") return "text";
  if (accept === "application/json") return "json";
  const ranges = accept
    .split(",")
    .map(readRange)
    .filter(({ type, subtype }) => type !== "" && subtype !== "");
  const quality = (type: string, subtype: string) =>
    Math.max(
      -1,
      ...best(
        ranges.filter(
          (range) => (range.type === type || range.type === "*") && (range.subtype === subtype || range.subtype === "*"),
        ),
      ),
    );
  const json = quality("application", "json");
  const text = quality("text", "plain");
  if (json <= 0 && text <= 0 && ranges.some((range) => range.quality > 0)) return undefined;
  if (json !== text) return json > 0 && json > text ? "json" : "text";
  // As welcome as each other: what was named first, `application/json, text/plain, */*` being what JSON clients send.
  const first = ranges.find((range) => range.type !== "*" && range.quality > 0);
  return first?.type === "application" && first.subtype === "json" ? "json" : "text";
}

/** No answer in a format that nobody asked for. */
export const notAcceptable = (accept: string) =>
  new Problem("not_acceptable", `the answer cannot be had as ${echo(accept)}`, [
    `Accept one of: ${Object.values(FORMATS).join(", ")}; or ?format=${Object.keys(FORMATS).join(" or ?format=")}`,
  ]);

type Range = { type: string; subtype: string; quality: number };

function readRange(text: string): Range {
  const [name = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const [type = "", subtype = ""] = name.split("/");
  const quality = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
  return { type, subtype, quality: quality === undefined || Number.isNaN(Number(quality)) ? 1 : Number(quality) };
}

const specificity = (range: Range) => (range.type === "*" ? 0 : range.subtype === "*" ? 1 : 2);

function best(ranges: Range[]): number[] {
  const most = Math.max(...ranges.map(specificity));
  return ranges.filter((range) => specificity(range) === most).map((range) => range.quality);
}
