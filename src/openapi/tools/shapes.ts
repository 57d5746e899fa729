import type { Json } from "../names.ts";
import type { Tool } from "./tools.ts";

/** How others want tools told. */
export const SHAPES = ["openai", "anthropic", "mcp", "langchain"] as const;
export type Shape = (typeof SHAPES)[number];

/** What a list of them stands in. */
export function around(shape: Shape | undefined, tools: readonly unknown[]): Json | readonly unknown[] {
  if (shape === undefined) return { items: tools, next_cursor: null };
  return shape === "mcp" ? { tools } : tools;
}

/** As a request of that provider takes it; undefined is our own shape, which tells all. */
export function shaped(tool: Tool, shape: Shape | undefined, brief: boolean): Json {
  const { name, about, risk, method, path, example, writes } = tool;
  const schema = brief ? tool.brief : tool.input.schema;
  switch (shape) {
    case "openai":
      return { type: "function", function: { name, description: about, parameters: schema, strict: false } };
    case "anthropic":
      return { name, description: about, input_schema: schema };
    case "langchain":
      return { name, description: about, schema, metadata: { risk } };
    case "mcp":
      return { name, description: about, inputSchema: schema, annotations: hintsOf(risk) };
    default:
      return { name, about, risk, method, path, dry_run: writes, schema, example };
  }
}

const hintsOf = (risk: Tool["risk"]): Json => ({
  readOnlyHint: risk === "read",
  destructiveHint: risk === "destructive",
  openWorldHint: false,
});
