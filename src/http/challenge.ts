/** What OAuth tokens are made out for (RFC 8707, RFC 9728): the MCP endpoint. */
export const mcpResource = (baseUrl: string) => `${baseUrl}/mcp`;

/** What a client asks for that was not told otherwise: enough for a day's work, nothing that deletes. */
export const USUAL_SCOPES: readonly string[] = ["read", "write"];

/**
 * The `WWW-Authenticate` of a 401 or 403 at the MCP endpoint (RFC 6750, section 3; RFC 9728, section 5.1): where a client learns how to get
 * a token, and which scopes to ask for. `scopes` are all it needs at once, those it has already included.
 */
export function mcpChallenge(
  baseUrl: string,
  error?: "invalid_token" | "insufficient_scope",
  scopes: readonly string[] = USUAL_SCOPES,
): string {
  const parts = [
    ...(error ? [`error="${error}"`] : []),
    // ChatGPT asks its person only where there is a description too.
    ...(error === "insufficient_scope" ? ['error_description="this needs more than the program was allowed"'] : []),
    `resource_metadata="${baseUrl}/.well-known/oauth-protected-resource/mcp"`,
    `scope="${scopes.join(" ")}"`,
  ];
  return `Bearer ${parts.join(", ")}`;
}
