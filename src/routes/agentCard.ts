import type { Catalog } from "../records/catalog.ts";
import { type Route, seenBaseUrl } from "../service/route.ts";
import { version } from "./openapi.ts";

/** What a program that looks for agents' services reads first: where the manual is, and how one signs in. */
export const agentCardRoutes = ({ kinds }: Catalog): Route[] => [
  {
    method: "GET",
    path: "/.well-known/agent.json",
    about: "what this is, where its manual is and how one signs in, for programs",
    open: true,
    answers: { is: "json" },
    handle: (context) => ({ is: "json", json: JSON.stringify(cardOf(seenBaseUrl(context), kinds)) }),
  },
];

const cardOf = (baseUrl: string, kinds: Catalog["kinds"]) => ({
  name: "cardfile",
  description:
    "A CRM you can grep: there is no UI, it is driven with HTTP, and every record comes back as one labelled line of text, or as JSON.",
  version,
  base_url: baseUrl,
  manual_url: `${baseUrl}/.well-known/agent.md`,
  docs_url: `${baseUrl}/help`,
  openapi_url: `${baseUrl}/openapi.json`,
  tools_url: `${baseUrl}/tools`,
  mcp_url: `${baseUrl}/mcp`,
  content_types: ["text/plain", "application/json"],
  capabilities: [...kinds.filter(({ shared }) => !shared).map(({ plural }) => plural), "workspaces", "members"],
  authentication: {
    type: "bearer",
    scheme: "email-otp",
    description: "ask for a code by e-mail, verify it, and send the token that comes back with every request",
    request_endpoint: `${baseUrl}/auth/request`,
    verify_endpoint: `${baseUrl}/auth/verify`,
  },
});
