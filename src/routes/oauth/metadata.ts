import { mcpResource, USUAL_SCOPES } from "../../http/challenge.ts";
import type { Answer } from "../../http/reply.ts";
import { VERBS } from "../../kit/scope.ts";
import { type Route, seenBaseUrl } from "../../service/route.ts";

export const AUTHORIZE = "/oauth/authorize";
export const TOKEN = "/oauth/token";
export const REVOKE = "/oauth/revoke";
export const REGISTER = "/oauth/register";

export const AUTH_METHODS = ["none", "client_secret_basic", "client_secret_post"] as const;
export const GRANT_TYPES = ["authorization_code", "refresh_token"] as const;

/**
 * Both documents are served with and without the endpoint's path at the end, because clients try both (RFC 8414, section 3.1; RFC
 * 9728, section 3.1).
 */
export const metadataRoutes: Route[] = ["", "/mcp"].flatMap((path): Route[] => [
  {
    method: "GET",
    path: `/.well-known/oauth-authorization-server${path}`,
    about: "where programs ask for tokens",
    open: true,
    standard: "RFC 8414",
    answers: { is: "json" },
    handle: (context) => json(serverMetadata(seenBaseUrl(context))),
  },
  {
    method: "GET",
    path: `/.well-known/oauth-protected-resource${path}`,
    about: "what /mcp wants of a token",
    open: true,
    standard: "RFC 9728",
    answers: { is: "json" },
    handle: (context) => json(resourceMetadata(seenBaseUrl(context))),
  },
]);

const json = (document: unknown): Answer => ({ is: "json", json: JSON.stringify(document) });

const serverMetadata = (issuer: string) => ({
  issuer,
  authorization_endpoint: issuer + AUTHORIZE,
  token_endpoint: issuer + TOKEN,
  registration_endpoint: issuer + REGISTER,
  revocation_endpoint: issuer + REVOKE,
  scopes_supported: VERBS,
  response_types_supported: ["code"],
  response_modes_supported: ["query"],
  grant_types_supported: GRANT_TYPES,
  token_endpoint_auth_methods_supported: AUTH_METHODS,
  revocation_endpoint_auth_methods_supported: AUTH_METHODS,
  code_challenge_methods_supported: ["S256"],
  authorization_response_iss_parameter_supported: true,
  client_id_metadata_document_supported: true,
  protected_resources: [mcpResource(issuer)],
  service_documentation: `${issuer}/help/connect`,
});

/** The resource metadata. It lists the usual scopes instead of all, because clients request every scope listed here. */
const resourceMetadata = (baseUrl: string) => ({
  resource: mcpResource(baseUrl),
  authorization_servers: [baseUrl],
  scopes_supported: USUAL_SCOPES,
  bearer_methods_supported: ["header"],
  resource_name: "Cardfile",
  resource_documentation: `${baseUrl}/help/connect`,
});
