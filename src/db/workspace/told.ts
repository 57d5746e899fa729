import { shortId } from "../../kit/id.ts";
import { counted } from "../../kit/words.ts";
import type { Pool } from "../../postgres/pool.ts";
import { sql } from "../../postgres/sql.ts";
import { partsOf } from "./parts.ts";
import { type CheckedFile, flatCounts } from "./restore.ts";

/** Those of the file's members who are none of this workspace: nobody comes in by a file. */
export async function absentMembers(pool: Pool, workspaceId: string, emails: readonly string[]): Promise<string[]> {
  const rows = await pool.rows(
    sql`select distinct e.email from unnest(${[...emails]}::text[]) e (email) where not exists (select from memberships m
      join users u on u.id = m.user_id where m.workspace_id = ${workspaceId} and u.email = lower(e.email)) order by 1`,
    { retry: true },
  );
  return rows.map(([email]) => email as string);
}

/** What came and is not deleted. */
const living = ({ counts, deleted }: CheckedFile): [name: string, count: number][] =>
  Object.entries(flatCounts(counts)).map(([name, count]) => [name, count - (deleted[name] ?? 0)]);

export const restoredValues = (workspaceId: string, file: CheckedFile, absent: readonly string[]) => ({
  workspace: `workspace/${shortId(workspaceId)}`,
  imported_from: file.header.id,
  exported_at: file.header.exportedAt,
  counts: Object.fromEntries(living(file).filter(([, count]) => count > 0)),
  deleted: file.deleted,
  not_members: absent,
});

/** What came, and what is left to do. */
export function restoredNotes(workspaceId: string, file: CheckedFile, absent: readonly string[]): string[] {
  const { header, catalog, deleted } = file;
  const names = new Map(partsOf(catalog).map(({ table, line }) => [table, line]));
  const came = living(file).map(([name, count]) => {
    const kind = catalog.get(name);
    const gone = deleted[name] ? ` and ${deleted[name]} deleted` : "";
    return `${counted(count, kind ?? { name: (names.get(name) ?? name).replaceAll("_", " "), plural: name.replaceAll("_", " ") })}${gone}`;
  });
  const declared = header.kinds.map((kind) => (kind as { name: string }).name);
  return [
    `workspace/${shortId(workspaceId)} is ${JSON.stringify(header.name)} as of ${header.exportedAt}: ${came.join(", ") || "empty"}`,
    ...(declared.length > 0
      ? [`it declares ${declared.slice(0, 20).join(", ")}${declared.length > 20 ? ", …" : ""}: GET /kinds`]
      : []),
    "the history tells of it: GET /audit?action=imported",
    ...(absent.length > 0
      ? [
          `not members here, so invite them, POST /workspaces/${shortId(workspaceId)}/invites: ${absent.slice(0, 20).join(", ")}${absent.length > 20 ? ` and ${absent.length - 20} more` : ""}`,
        ]
      : []),
    "tokens, invites, calendars, webhooks and the plan stayed behind",
  ];
}
