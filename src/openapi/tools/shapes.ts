import type { Json } from "../schemas.ts";
import type { Tool } from "./tools.ts";

/** How others want tools told. */
export const SHAPES = ["openai", "anthropic", "mcp", "langchain"] as const;
export type Shape = (typeof SHAPES)[number];

/** As a request of that provider takes them; undefined is our own shape, which tells all. */
export function shaped(tools: readonly Tool[], shape: Shape | undefined, brief: boolean): unknown {
  const each = (make: (tool: Tool, schema: Json) => Json) =>
    tools.map((tool) => make(tool, brief ? tool.brief : tool.input.schema));
  switch (shape) {
    case "openai":
      return each(({ name, about }, parameters) => ({
        type: "function",
        function: { name, description: about, parameters, strict: false },
      }));
    case "anthropic":
      return each(({ name, about }, schema) => ({ name, description: about, input_schema: schema }));
    case "langchain":
      return each(({ name, about, risk }, schema) => ({ name, description: about, schema, metadata: { risk } }));
    case "mcp":
      return {
        tools: each(({ name, about, risk }, inputSchema) => ({
          name,
          description: about,
          inputSchema,
          annotations: hintsOf(risk),
        })),
      };
    default:
      return {
        items: each(({ name, about, risk, method, path, example, writes }, schema) => ({
          name,
          about,
          risk,
          method,
          path,
          dry_run: writes,
          schema,
          example,
        })),
        next_cursor: null,
      };
  }
}

const hintsOf = (risk: Tool["risk"]): Json => ({
  readOnlyHint: risk === "read",
  destructiveHint: risk === "destructive",
  openWorldHint: false,
});
