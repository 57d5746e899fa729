import { type Seal, sameText } from "./seal.ts";

/** Where a page ended: the sort value of its last row as the database printed it (null: no value) and that row's id. */
export type Position = { value: string | number | boolean | null; id: string };

/**
 * A cursor is the position and a mark that binds it to the list it came from (keyset pagination, after
 * use-the-index-luke.com/no-offset). `list` names the path, the workspace and every parameter that decides which rows come and in which order.
 */
export function writeCursor(position: Position, list: readonly string[], seal: Seal): string {
  const body = Buffer.from(JSON.stringify([position.value, position.id])).toString("base64url");
  return `${body}.${seal.mark("cursor", [...list, body])}`;
}

/** The position a cursor holds, or undefined when it is not a cursor of this list. */
export function readCursor(text: string, list: readonly string[], seal: Seal): Position | undefined {
  const [body, mark, ...rest] = text.split(".");
  if (!body || !mark || rest.length > 0 || !sameText(mark, seal.mark("cursor", [...list, body]))) return undefined;
  const [value, id] = JSON.parse(Buffer.from(body, "base64url").toString()) as [Position["value"], string];
  return { value, id };
}
