import { readPaper } from "../db/records/papers.ts";
import { single } from "../derive/query.ts";
import { PRINT_POLICY, printOf } from "../formats/documents/print.ts";
import { sheetOf } from "../formats/documents/sheet.ts";
import { ublOf } from "../formats/documents/ubl.ts";
import type { Answer } from "../http/reply.ts";
import type { Kind } from "../records/kind.ts";
import { type Authenticated, readPathId } from "../service/route.ts";
import { unfitProblem } from "./electronic.ts";
import { mayRead } from "./readable.ts";

/**
 * A document as a page of text, as a page that prints, or as an electronic invoice. Who does not ask for one of these is shown the record: a page
 * of text is asked for by `format=text`, because every program accepts text.
 */
export async function print(context: Authenticated, kind: Kind): Promise<Answer | undefined> {
  const { style, parameters, db, session, path } = context;
  const { name } = style.format;
  const asked = name === "html" || name === "ubl" || (name === "text" && single(parameters, "format") === "text");
  if (!asked || single(parameters, "fields") !== undefined || single(parameters, "deleted") !== undefined) return undefined;
  if (!mayRead(context, kind)) return undefined;
  const reference = readPathId(kind, path.id!);
  const paper = await readPaper(db, session.workspaceId, kind, reference);
  if (name === "text") return { is: "document", type: "text/plain; charset=utf-8", text: sheetOf(paper) };
  if (name === "html")
    return {
      is: "document",
      type: "text/html; charset=utf-8",
      text: printOf(paper),
      headers: { "Content-Security-Policy": PRINT_POLICY, "X-Frame-Options": "DENY", "Cache-Control": "no-store" },
    };
  const unfit = unfitProblem(kind, reference, paper);
  if (unfit) throw unfit;
  return { is: "document", type: "application/xml; charset=utf-8", text: ublOf(paper) };
}
