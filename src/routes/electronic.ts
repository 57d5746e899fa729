import { readPaper } from "../db/records/papers.ts";
import { settingsOf } from "../db/records/settings.ts";
import type { Paper } from "../formats/documents/paper.ts";
import { unfitForUbl } from "../formats/documents/ubl.ts";
import type { IdReference } from "../kit/id.ts";
import { minorDigits } from "../kit/money.ts";
import { Problem } from "../kit/problem.ts";
import type { Kind } from "../records/kind.ts";
import type { Authenticated } from "../service/route.ts";

/** What keeps a document from being an electronic invoice: told with its issue, and refused where it is asked for as one. */

const LETTERHEAD =
  'letterhead: PATCH /workspaces/{id} {"country":"DE","tax_id":"DE123456789","endpoint":"9930:DE123456789"}; the buyer: PATCH its company or contact';

/** What only the issue decides, or is said after it, is not missing before. */
const lasting = (paper: Paper): string[] => unfitForUbl({ ...paper, number: paper.number ?? "1", mark: paper.mark ?? "1" });

/** Why a document has no such form; undefined where it has one. */
export function unfitProblem(kind: Kind, reference: IdReference, paper: Paper): Problem | undefined {
  const { document, plural } = kind;
  const lacks = document!.cancels ? unfitForUbl(paper) : [`${plural} are no electronic invoices`];
  if (lacks.length === 0) return undefined;
  return new Problem(
    "unprocessable",
    `it cannot be an electronic invoice: ${lacks.join("; ")}`,
    hintsFor(kind, pathOf(kind, reference), paper),
  );
}

const pathOf = ({ plural, prefix }: Kind, { key }: IdReference) => `/${plural}/${prefix}_${key.slice(-8)}`;

function hintsFor(kind: Kind, one: string, paper: Paper): string[] {
  const { document } = kind;
  if (!document!.cancels || minorDigits(paper.currency) > 2) return [`as a page: GET ${one}?format=html`];
  const lacks = lasting(paper);
  if (paper.number === null)
    return [...(lacks.length > 0 ? [LETTERHEAD] : []), `POST ${one}/${document!.act} copies both into it and gives the number`];
  if (lacks.length === 0) return [`PATCH ${one} {"${document!.mark}":"…"}`];
  return [`${anew(kind, one)}: both are copied into the document when it is given out`, LETTERHEAD];
}

/** What is given out stays as it is. */
const anew = ({ document }: Kind, one: string) =>
  `POST ${one}/${document!.cancels!.act}, set what is missing, then make a new one`;

/** Told with the issue, or its dry run: everything at once that it should have said before. Nothing of a currency that has no such form. */
export async function lackingNotes({ db, session, dryRun }: Authenticated, kind: Kind, id: string): Promise<string[]> {
  if (!kind.document!.cancels) return [];
  const reference = { prefix: kind.prefix, key: id };
  const one = pathOf(kind, reference);
  const paper = await readPaper(db, session.workspaceId, kind, reference);
  const lacks = minorDigits(paper.currency) > 2 ? [] : lasting(paper);
  const untaxed = await untaxedNote(db, session.workspaceId, paper);
  if (lacks.length + untaxed.length === 0) return [];
  const unfit = lacks.length > 0 ? [`it is no electronic invoice (format=ubl) like this: ${lacks.join("; ")}`] : [];
  const before = `before the issue: ${lacks.length > 0 ? LETTERHEAD : `PATCH ${one} {"${kind.document!.items}":[…]}`}`;
  return [...unfit, ...untaxed, dryRun ? before : `if it should be otherwise: ${anew(kind, one)}`];
}

/** Items that got no rate, because neither they nor the workspace have one. */
async function untaxedNote(db: Authenticated["db"], workspaceId: string, { items }: Paper): Promise<string[]> {
  const places = items.flatMap(({ tax_category }, i) => (tax_category === "Z" ? [i + 1] : []));
  if (places.length === 0) return [];
  const { tax_rate } = await settingsOf((statement) => db.pool.rows(statement, { retry: true }), workspaceId);
  if (tax_rate !== null) return [];
  return [
    `no tax on item ${places.join(", ")}: neither it nor the workspace has a tax_rate; what is exempt says why: "tax_category":"E","tax_reason":"…"`,
  ];
}
