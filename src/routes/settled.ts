import { readOpen } from "../db/records/documents/open.ts";
import { amountText } from "../kit/amounts.ts";
import { shortId } from "../kit/id.ts";
import type { Kind } from "../records/kind.ts";
import type { Authenticated } from "../service/route.ts";
import { mayRead } from "./readable.ts";

/** Beside a payment: what is still open of what it pays. */
export async function openNotes(context: Authenticated, kind: Kind, id: string): Promise<string[]> {
  const { settles } = kind;
  if (!settles) return [];
  const { target } = kind.field(settles.link)!.link!;
  if (!mayRead(context, target)) return [];
  const found = await readOpen(context.db, context.session.workspaceId, kind, id);
  if (!found) return [];
  const { number, currency, open } = found;
  const which = `${target.name}/${shortId(found.id)} (${number})`;
  if (open === null) return [`nothing of ${which} is to be paid any more`];
  return [open === "0" ? `${which} is paid` : `${which} has ${amountText(open, currency)} (${open}) open`];
}
