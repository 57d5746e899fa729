import type { Encoded } from "../http/reply.ts";
import type { InnerRequest } from "../http/request.ts";
import type { Era } from "./era.ts";
import { Fault } from "./message.ts";

/** A page of the manual. */
export type Page = { topic: string; title: string };

const TYPE = "text/plain";

/** The public URL of the page. */
const uriOf = (baseUrl: string, topic: string) => `${baseUrl}/help/${topic}`;

export function listResources(pages: readonly Page[], baseUrl: string) {
  const resources = pages.map(({ topic, title }) => ({ uri: uriOf(baseUrl, topic), name: topic, title, mimeType: TYPE }));
  return { resources };
}

export async function readResource(
  uri: unknown,
  pages: readonly Page[],
  baseUrl: string,
  era: Era,
  ask: (request: InnerRequest) => Promise<Encoded>,
) {
  const page = pages.find(({ topic }) => uriOf(baseUrl, topic) === uri);
  if (!page) throw new Fault(era === "modern" ? "badParams" : "noResource", "Resource not found", { data: { uri } });
  const { body } = await ask({ method: "GET", target: `/help/${page.topic}`, headers: {}, body: "" });
  return { contents: [{ uri, mimeType: TYPE, text: body.toString() }] };
}
