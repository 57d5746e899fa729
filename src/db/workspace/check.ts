import { setImmediate as turn } from "node:timers/promises";
import { readWorkspaceFile } from "../../formats/files/workspaceRead.ts";
import type { Database } from "../database.ts";
import { partsOf } from "./parts.ts";
import type { CheckedFile } from "./restore.ts";

/** Reads the file of a workspace to its end and refuses one that is not whole, before anything is written. `again` reads it once more. */
export async function checkFile(
  { catalog }: Pick<Database, "catalog">,
  bytes: AsyncIterable<Uint8Array>,
  again: () => AsyncIterable<Uint8Array>,
): Promise<CheckedFile> {
  const parts = partsOf(catalog);
  const { lines, header, counts } = readWorkspaceFile(bytes, parts);
  for await (const _ of lines) await turn();
  return { header: header(), counts: counts(), lines: () => readWorkspaceFile(again(), parts).lines };
}
