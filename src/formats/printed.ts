import type { Operation } from "../derive/operation.ts";
import type { Format } from "./format.ts";

/** Formats of one document; a handler makes them whole, because a document says more than its own row. */
const shows = ({ method, answers, path }: Operation): boolean =>
  method === "GET" && answers.is === "record" && answers.of.document !== undefined && path.endsWith("/{id}");

const common = { allFields: true, linksNext: false, shows, end: "" } as const;

export const html: Format = {
  ...common,
  name: "html",
  mediaTypes: ["text/html"],
  contentType: "text/html; charset=utf-8",
  suffix: "html",
};

export const ubl: Format = {
  ...common,
  name: "ubl",
  mediaTypes: ["application/xml", "text/xml"],
  contentType: "application/xml; charset=utf-8",
  suffix: "xml",
};
