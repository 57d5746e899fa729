import type { Part } from "../../formats/files/workspacePart.ts";
import type { ReadLine } from "../../formats/files/workspaceRead.ts";
import { prefixOf } from "../../kit/id.ts";
import { Problem } from "../../kit/problem.ts";
import { constraintOf, sqlstateOf, toProblem } from "../../postgres/errors.ts";
import { ident, join, raw, sql } from "../../postgres/sql.ts";
import type { Transaction } from "../../postgres/transaction.ts";
import type { Catalog } from "../../records/catalog.ts";
import type { Kind } from "../../records/kind.ts";
import { rowRefusal } from "../imports/refusals.ts";
import { takeAddresses } from "../records/addresses.ts";
import { indexNewMentions } from "../records/mentions.ts";
import { rowsOf } from "../records/table.ts";
import { WORKSPACE_KIND } from "./parts.ts";

/** Lines of one part of the file, in its order. */
export type Batch = { part: Part; lines: readonly ReadLine[] };

/** Where lines go. */
export type Target = { tx: Pick<Transaction, "rows" | "savepoint">; workspaceId: string; catalog: Catalog };

const MOST_LINES = 1_000;
const MOST_CHARACTERS = 1_000_000;

/** Lines that are stored at once. */
export async function* batchesOfLines(lines: AsyncIterable<readonly ReadLine[]>): AsyncGenerator<Batch> {
  let some: ReadLine[] = [];
  let characters = 0;
  const take = (): Batch => {
    const taken = { part: some[0]!.part, lines: some };
    some = [];
    characters = 0;
    return taken;
  };
  for await (const read of lines) {
    for (const line of read) {
      if (some.length > 0 && (some[0]!.part !== line.part || some.length >= MOST_LINES || characters >= MOST_CHARACTERS))
        yield take();
      some.push(line);
      characters += line.json.length;
    }
  }
  if (some.length > 0) yield take();
}

/** The database refused a value of some line. */
export const isRefusedValue = (error: unknown): boolean => /^(?:22|23|54)/.test(sqlstateOf(error) ?? "");

export const refusedLine = ({ n }: ReadLine, fault: string, cause?: unknown) =>
  new Problem("invalid_value", `line ${n} is refused: ${fault}`, "nothing was written", { cause });

/** Stores lines as they stand. Of what refers to a record, the record has to be there. */
export async function storeBatch({ tx, workspaceId, catalog }: Target, { part, lines }: Batch): Promise<void> {
  const { table, columns, kind: name, line, refers = [] } = part;
  const names = join(columns.map((column) => ident(column.name)));
  // Entries get the number that they have who were there before there was a feed: its readers begin anew.
  const [place, first] = line === "change" ? [raw(", xid"), raw(", '0'")] : [raw(""), raw("")];
  await tx.rows(sql`insert into ${ident(table)} (workspace_id, ${names}${place})
    select ${workspaceId}, ${join(columns.map((column) => sql`x.${ident(column.name)}`))}${first}
    from unnest(${lines.map(({ json }) => json)}::text[]) with ordinality u (line, place)
    cross join lateral jsonb_populate_record(null::${ident(table)}, u.line::jsonb -> 'row') x order by u.place`);
  const kind = name === undefined ? undefined : catalog.get(name);
  if (kind) {
    const ids = lines.map(({ row }) => row.id as string);
    await takeAddresses(tx as Transaction, workspaceId, kind, ids);
    await indexNewMentions(tx, workspaceId, kind, ids);
  }
  if (line === "change") await checkEntries(tx, workspaceId, catalog, lines);
  for (const column of refers) await checkReferences(tx, workspaceId, catalog, lines, column);
}

/** An entry is of a record that is there, of a version that it has reached, and can be read as a record of its kind. */
async function checkEntries(
  tx: Target["tx"],
  workspaceId: string,
  catalog: Catalog,
  lines: readonly ReadLine[],
): Promise<void> {
  for (const [kind, some] of groupedBy(lines, ({ row }) =>
    row.kind === WORKSPACE_KIND ? undefined : catalog.get(row.kind as string),
  )) {
    const [wrong] =
      await tx.rows(sql`select u.n from unnest(${some.map(({ n }) => n)}::integer[], ${some.map(({ row }) => row.record_id as string)}::text[],
        ${some.map(({ row }) => row.version as number)}::integer[], ${some.map(({ json }) => json)}::text[]) u (n, id, version, line)
      where not exists (select from ${rowsOf(kind)} r where r.workspace_id = ${workspaceId} and r.id = u.id and r.version >= u.version)
        or jsonb_populate_record(null::${ident(kind.table)}, u.line::jsonb #> '{row,row}') is null order by u.n limit 1`);
    if (wrong) {
      const line = some.find(({ n }) => n === wrong[0])!;
      throw refusedLine(
        line,
        `the file has no ${kind.name} ${line.row.record_id} that has come to version ${line.row.version}`,
      );
    }
  }
}

async function checkReferences(
  tx: Target["tx"],
  workspaceId: string,
  catalog: Catalog,
  lines: readonly ReadLine[],
  column: string,
): Promise<void> {
  for (const [kind, some] of groupedBy(lines, ({ row }) => catalog.byPrefix(prefixOf(row[column] as string)))) {
    const [missing] = await tx.rows(sql`select u.id from unnest(${some.map(({ row }) => row[column] as string)}::text[]) u (id)
      where not exists (select from ${rowsOf(kind)} r where r.workspace_id = ${workspaceId} and r.id = u.id) limit 1`);
    if (missing)
      throw refusedLine(some.find(({ row }) => row[column] === missing[0])!, `the file has no ${kind.name} ${missing[0]}`);
  }
}

function groupedBy(lines: readonly ReadLine[], kindOf: (line: ReadLine) => Kind | undefined): Map<Kind, ReadLine[]> {
  const groups = new Map<Kind, ReadLine[]>();
  for (const line of lines) {
    const kind = kindOf(line);
    if (!kind) continue;
    const group = groups.get(kind) ?? [];
    groups.set(kind, group);
    group.push(line);
  }
  return groups;
}

/** Stores lines of which the database refuses one, and throws what names it. Lines before it are stored. */
export async function findRefused(target: Target, { part, lines }: Batch): Promise<void> {
  try {
    await target.tx.savepoint((inner) => storeBatch({ ...target, tx: inner }, { part, lines }));
    return;
  } catch (error) {
    if (!isRefusedValue(error)) throw error;
    if (lines.length === 1) throw refusedLine(lines[0]!, whyRefused(target.catalog, part, error), error);
  }
  const middle = Math.ceil(lines.length / 2);
  await findRefused(target, { part, lines: lines.slice(0, middle) });
  await findRefused(target, { part, lines: lines.slice(middle) });
}

function whyRefused(catalog: Catalog, { kind: name, table, line }: Part, error: unknown): string {
  const constraint = constraintOf(error) ?? "";
  if (/_(?:pkey|handle_key)$/.test(constraint) && constraint.startsWith(table))
    return "its id is that of a line before, or ends like one";
  if (constraint === "changes_version_key") return "a line before is of the same version";
  if (constraint.endsWith("_fkey"))
    return `it links to what no line before is: ${constraint.replace(/^.*_workspace_id_|_fkey$/g, "")}`;
  if (constraint === "addresses_pkey") return "another living record has one of its addresses";
  const kind = name === undefined ? undefined : catalog.get(name);
  const { message } = kind ? rowRefusal(kind, error) : toProblem(error);
  return line === "change" ? `its row: ${message}` : message;
}
