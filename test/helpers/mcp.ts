import assert from "node:assert/strict";
import type { Client, Reply } from "./service.ts";

export type Called = { text: string; isError: boolean };

/** A client of the Model Context Protocol. */
export type McpClient = {
  /** Sends a message of the revision 2026-07-28, with all it takes; `headers` and `meta` go over those, undefined takes one away. */
  modern: (method: string, params?: object, headers?: Headers, meta?: object) => Promise<Reply>;
  /** Sends a message as clients did before. */
  legacy: (method: string, params?: object, headers?: Record<string, string>) => Promise<Reply>;
  /** Calls a tool, which must give a result. */
  call: (tool: string, values: object) => Promise<Called>;
};

type Headers = Record<string, string | undefined>;

const META = "io.modelcontextprotocol/";

export function mcpOf({ send }: Pick<Client, "send">): McpClient {
  const post = (method: string, params: object | undefined, headers: Headers) =>
    send(
      "POST",
      "/mcp",
      { jsonrpc: "2.0", id: 7, method, params },
      defined({ ...ACCEPT, ...headers }) as Record<string, string>,
    );
  const modern: McpClient["modern"] = (method, params = {}, headers = {}, meta = {}) => {
    const { name = undefined, uri = name } = params as { name?: string; uri?: string };
    const _meta = {
      [`${META}protocolVersion`]: "2026-07-28",
      [`${META}clientInfo`]: { name: "Judge", version: "1.0" },
      [`${META}clientCapabilities`]: {},
      ...meta,
    };
    const all = { "mcp-protocol-version": "2026-07-28", "mcp-method": method, "mcp-name": uri, ...headers };
    return post(method, { ...params, _meta: defined(_meta) }, all);
  };
  return {
    modern,
    legacy: (method, params, headers = {}) => post(method, params, headers),
    async call(tool, values) {
      const reply = await modern("tools/call", { name: tool, arguments: values });
      assert.equal(reply.status, 200, reply.text);
      const { result } = reply.json();
      assert.equal(result.content.length, 1);
      return { text: result.content[0].text, isError: result.isError };
    },
  };
}

const ACCEPT = { "content-type": "application/json", accept: "application/json, text/event-stream" };

const defined = (values: object) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
