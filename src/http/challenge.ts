/** The resource that OAuth tokens are issued for (RFC 8707, RFC 9728): the MCP endpoint. */
export const mcpResource = (baseUrl: string) => `${baseUrl}/mcp`;

/** The scopes of a client that names none: enough for daily work, but no deletion. */
export const USUAL_SCOPES: readonly string[] = ["read", "write"];

/**
 * The `WWW-Authenticate` of a 401 or 403 at the MCP endpoint (RFC 6750, section 3; RFC 9728, section 5.1). It tells a client
 * where to get a token and which scopes to request. `scopes` includes those that the client already has.
 */
export function mcpChallenge(
  baseUrl: string,
  error?: "invalid_token" | "insufficient_scope",
  scopes: readonly string[] = USUAL_SCOPES,
): string {
  const parts = [
    ...(error ? [`error="${error}"`] : []),
    // ChatGPT asks its user for more scopes only when there is a description.
    ...(error === "insufficient_scope" ? ['error_description="this needs more than the program was allowed"'] : []),
    `resource_metadata="${baseUrl}/.well-known/oauth-protected-resource/mcp"`,
    `scope="${scopes.join(" ")}"`,
  ];
  return `Bearer ${parts.join(", ")}`;
}
