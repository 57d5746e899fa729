import { type Seal, sameText } from "./seal.ts";

/** The end of a page: the id of its last row and that row's sort value as the database printed it. Null means no value. */
export type Position = { value: string | number | boolean | null; id: string };

/**
 * A cursor is a position plus a mark that binds it to its list (keyset pagination, after use-the-index-luke.com/no-offset).
 *
 * `list` names the path, the workspace and every parameter that decides the rows or their order.
 */
export function writeCursor(position: Position, list: readonly string[], seal: Seal): string {
  const body = Buffer.from(JSON.stringify([position.value, position.id])).toString("base64url");
  return `${body}.${seal.mark("cursor", [...list, body])}`;
}

/** Reads a cursor's position. Undefined when the cursor belongs to another list or is malformed. */
export function readCursor(text: string, list: readonly string[], seal: Seal): Position | undefined {
  const [body, mark, ...rest] = text.split(".");
  if (!body || !mark || rest.length > 0 || !sameText(mark, seal.mark("cursor", [...list, body]))) return undefined;
  const [value, id] = JSON.parse(Buffer.from(body, "base64url").toString()) as [Position["value"], string];
  return { value, id };
}
