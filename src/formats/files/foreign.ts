/** Files that hold no rows, told by how they begin: what each is, and what to send instead. */
import { Problem } from "../../kit/problem.ts";

/** Beginnings of files that are no text. */
const BINARY: readonly (readonly [begins: string, hint: string])[] = [
  ["PK\x03\x04", "of a spreadsheet, save as CSV (UTF-8) and send that; of an archive, send a file in it"],
  ["\xd0\xcf\x11\xe0", "an old spreadsheet: save as CSV (UTF-8) and send that"],
  ["\x1f\x8b", "a compressed file: unpack it first, gunzip -c file.gz | curl -T - …"],
  ["%PDF", "a PDF holds no rows: export CSV"],
  ["SQLite format 3", "a database: export a table of it as CSV and send that"],
];

export async function* refuseBinary(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let first = true;
  for await (const piece of bytes) {
    if (first && piece.length > 0) {
      const begins = Buffer.from(piece.subarray(0, 16)).toString("latin1");
      const found = BINARY.find(([mark]) => begins.startsWith(mark));
      if (found) throw new Problem("unsupported_media_type", "the file is no text", found[1]);
      first = false;
    }
    yield piece;
  }
}

const TEXTS: readonly (readonly [begins: RegExp, what: string, hint: string])[] = [
  [
    /^<(?:!doctype|html|head|body|table|\?xml|\w+:)/i,
    "the file is a page of HTML or XML",
    "export CSV; a page in place of a file often asks to sign in",
  ],
  [/^BEGIN\s*:\s*VCALENDAR/i, "the file is a calendar", "people come as vCard or CSV; a task is POST /tasks"],
  [/^(?:version:\s*\d+\s+)?dn::?\s/i, "the file is LDIF", "export the address book as vCard or CSV"],
];

const PIECES_OF_ZERO = /\0[^\0]\0[^\0]\0|[^\0]\0[^\0]\0[^\0]\0/;

/** Refuses a text that no reader here reads, by its first characters. */
export function refuseForeign(begun: string): void {
  const begins = begun.slice(0, 500).trimStart();
  const found = TEXTS.find(([mark]) => mark.test(begins));
  if (found) throw new Problem("unsupported_media_type", found[1], found[2]);
  const [header = ""] = begins.split(/[\r\n](?!\0)/, 1);
  if (!header.includes("\0")) return;
  const hint = PIECES_OF_ZERO.test(header) ? "it reads like UTF-16 without its mark: " : "";
  throw new Problem("unsupported_media_type", "the file is no text", `${hint}save it as UTF-8 and send that`);
}
