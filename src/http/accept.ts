import { echo } from "../kit/line.ts";
import { Problem } from "../kit/problem.ts";

export type Format = "text" | "json";

/** The media type of each format, as a 406 lists them. */
export const FORMATS: Record<Format, string> = { text: "text/plain", json: "application/json" };

/**
 * The format that an Accept header asks for (RFC 9110, section 12.5.1). The type with the highest quality wins; the most specific
 * range decides a type's quality.
 *
 * Undefined when the header names only other types. A header that only excludes types leaves the rest acceptable.
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
  // On equal quality the type named first wins, because JSON clients send `application/json, text/plain, */*`.
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
