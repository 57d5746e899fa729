import type { Json } from "../../openapi/names.ts";
import type { Call, Said } from "../dialect.ts";
import { MOST_REASON, MOST_REQUEST_ID } from "./request.ts";
import { flag, object, orNull, text } from "./schemas.ts";
import { TOOLS } from "./tools.ts";

/** The dialect as an OpenAPI document: two operations. What each tool takes is told by the first of them. */
export const document = ({ baseUrl, dialect }: Call): Said => ({
  is: "whole",
  body: {
    openapi: "3.1.1",
    info: {
      title: "Cardfile in the words of ultra-api",
      version: "1",
      description:
        "Discover the tools with GET /crm/agent/capabilities, and run one with POST /crm/agent/tools/{toolName}. GET /help/dialects tells more.",
    },
    servers: [{ url: baseUrl }],
    security: [{ bearerAuth: [] }],
    paths: {
      [`${dialect.base}/capabilities`]: { get: CAPABILITIES },
      [`${dialect.base}/tools/{toolName}`]: { post: TOOL },
    },
    components: {
      schemas: {
        CrmAgentToolName: { type: "string", enum: TOOLS.map(({ name }) => name) },
        Request: REQUEST,
        Done: envelope(true, {}, { type: "null" }),
        Refused: envelope(false, { type: "null" }, text("what is wrong, and what to do about it")),
      },
      securitySchemes: {
        bearerAuth: { type: "http", scheme: "bearer", description: "a token with the scope admin, of an admin" },
      },
    },
  },
});

const envelope = (success: boolean, data: Json, error: Json): Json => {
  const properties = { success: { type: "boolean", const: success }, data, error, meta: { type: "object" } };
  return object(properties, Object.keys(properties));
};

const REQUEST: Json = object(
  {
    organizationId: text("the workspace of the token; needed by every tool but crm_resolve_workspace", {
      maxLength: MOST_REQUEST_ID,
    }),
    input: { type: "object", description: "what the tool takes: its inputSchema in the capabilities" },
    reason: orNull(text("why, for the history", { maxLength: MOST_REASON })),
    requestId: orNull(text("the same tool, requestId and input are done once within a day", { maxLength: MOST_REQUEST_ID })),
    dryRun: flag("answers what would be, and changes nothing; may stand in the input"),
    confirm: flag("needed by tools that delete or write many, when dryRun is not true; may stand in the input"),
  },
  ["input"],
);

const schema = (name: string): Json => ({ "application/json": { schema: { $ref: `#/components/schemas/${name}` } } });
const refusals = (told: Record<string, string>): Json =>
  Object.fromEntries(
    Object.entries(told).map(([status, description]) => [status, { description, content: schema("Refused") }]),
  );

const USUAL = {
  "401": "no valid token",
  "403": "no admin's token, or the tools are switched off in this workspace",
  "404": "no such organization, tool or record",
  "429": "too many requests: Retry-After tells when to come again",
};

const CAPABILITIES: Json = {
  operationId: "getCrmAgentCapabilities",
  summary: "Discover available CRM agent tools",
  tags: ["Capability Discovery"],
  parameters: [
    {
      name: "tools",
      in: "query",
      required: false,
      schema: { type: "string" },
      description: "only these tools: a comma list of names",
    },
    {
      name: "organizationId",
      in: "query",
      required: false,
      schema: { type: "string" },
      description: "checks that it is the workspace of the token, and that the tools are switched on",
    },
  ],
  responses: { "200": { description: "the tools with their schemas", content: schema("Done") }, ...refusals(USUAL) },
};

const TOOL: Json = {
  operationId: "executeCrmAgentTool",
  summary: "Execute a CRM agent tool",
  tags: ["Tool Execution"],
  parameters: [{ name: "toolName", in: "path", required: true, schema: { $ref: "#/components/schemas/CrmAgentToolName" } }],
  requestBody: { required: true, content: schema("Request") },
  responses: {
    "200": { description: "it is done, or in a dry run would be", content: schema("Done") },
    ...refusals({
      "400": "something does not fit: meta.field names it",
      ...USUAL,
      "409": "it needs confirm, or something stands against it",
      "422": "it names a record that is not there",
    }),
  },
};
