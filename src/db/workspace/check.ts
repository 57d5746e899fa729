import { setImmediate as turn } from "node:timers/promises";
import type { Header } from "../../formats/files/workspacePart.ts";
import { readWorkspaceFile } from "../../formats/files/workspaceRead.ts";
import { echo } from "../../kit/line.ts";
import { Problem } from "../../kit/problem.ts";
import { UTC } from "../../kit/time.ts";
import type { Catalog } from "../../records/catalog.ts";
import { SETTING_NAMES, workspace } from "../../views/workspace.ts";
import { partsIn } from "./parts.ts";
import type { CheckedFile } from "./restore.ts";

/**
 * Reads the file of a workspace to its end and refuses one that is not whole, before anything is written. `again` reads it once more. `kindsOf`
 * reads the kinds that the header names.
 */
export async function checkFile(
  kindsOf: (kinds: readonly unknown[]) => Promise<Catalog>,
  bytes: AsyncIterable<Uint8Array>,
  again: () => AsyncIterable<Uint8Array>,
): Promise<CheckedFile> {
  let found: { catalog: Catalog; settings: Record<string, unknown> } | undefined;
  const describe = async (header: Header) => {
    found ??= { catalog: await kindsOf(header.kinds), settings: settingsOf(header) };
    return partsIn(found.catalog);
  };
  const { lines, header, counts, deleted } = readWorkspaceFile(bytes, describe);
  for await (const _ of lines) await turn();
  return {
    ...found!,
    header: header(),
    counts: counts(),
    deleted: deleted(),
    lines: () => readWorkspaceFile(again(), describe).lines,
  };
}

/** The settings of the workspace, each as its field takes it. Others, of which a newer file may tell, stay behind. */
function settingsOf({ workspace: said }: Header): Record<string, unknown> {
  return Object.fromEntries(
    SETTING_NAMES.flatMap((name) => {
      const value = said[name] ?? null;
      if (value === null) return [];
      const { type } = workspace.field(name)!;
      const reads = type.schema.safeParse(value).success ? type.toColumn(value, { now: 0, zone: UTC, me: "" }) : undefined;
      if (reads !== undefined) return [[name, reads]];
      throw new Problem("invalid_value", `${name} of the workspace cannot be ${echo(JSON.stringify(value), 60)}`, [
        `it expects ${type.expects}`,
      ]);
    }),
  );
}
