import assert from "node:assert/strict";
import { test } from "node:test";
import { mcpChallenge, mcpResource } from "../../../src/http/challenge.ts";

const BASE = "https://crm.example.com";
const METADATA = 'resource_metadata="https://crm.example.com/.well-known/oauth-protected-resource/mcp"';

test("a challenge names the resource metadata and the scopes to request", () => {
  assert.equal(mcpResource(BASE), "https://crm.example.com/mcp");
  assert.equal(mcpChallenge(BASE), `Bearer ${METADATA}, scope="read write"`);
  assert.equal(mcpChallenge(BASE, "invalid_token"), `Bearer error="invalid_token", ${METADATA}, scope="read write"`);
  assert.equal(
    mcpChallenge(BASE, "insufficient_scope", ["read", "write", "delete"]),
    `Bearer error="insufficient_scope", error_description="this needs more than the program was allowed", ${METADATA}, scope="read write delete"`,
  );
});
