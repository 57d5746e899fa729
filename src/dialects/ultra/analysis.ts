import type { Values } from "../dialect.ts";
import { toOurs } from "../vocabulary.ts";
import { Misfit } from "./fits.ts";
import { answer, flag, listOf, object, orNull, text, whole, written } from "./schemas.ts";
import type { Tool } from "./tool.ts";

/** What an import would come to, before anything is imported. */

const MOST_ROWS = 2_000;
const MOST_TEXT = 900_000;

const FINDING = answer({
  row: whole("which of the rows, from 1; of CSV its line, from 2"),
  verdict: text("known: they are there already; likely: perhaps; double: only of an earlier row; refused", {
    enum: ["known", "likely", "double", "refused"],
  }),
  contactId: orNull(text("who is there already")),
  doubleOf: orNull(whole("the row before that is about the same person")),
  campaignIds: listOf(text("its id"), "the campaigns that they are in already"),
  why: orNull(text("what tells so, or why it would be refused")),
});

export const analyze: Tool = {
  name: "analyze_import_contact_deduplication",
  family: "Outbound Operations",
  table: "contact",
  about:
    "Tells of contacts that are to be imported who is known already and in which campaigns, which rows are doubles of each other, and which would be refused. Changes nothing.",
  risk: "low",
  input: (words) =>
    object(
      {
        contacts: listOf(object(written(words("contact"))), "the rows, with the fields of contacts", {
          minItems: 1,
          maxItems: MOST_ROWS,
        }),
        csv: text("the rows as CSV with a header, in place of contacts", { minLength: 1, maxLength: MOST_TEXT }),
        limit: whole("how many findings are told at most", { minimum: 1, maximum: 1000, default: 200 }),
      },
      [],
      { minProperties: 1 },
    ),
  output: () =>
    answer({
      rows: whole("how many there are"),
      new: whole("how many are of nobody who is there"),
      known: whole("how many are of contacts that are there already"),
      likely: whole("how many are so perhaps, by name or phone"),
      doubles: whole("how many are doubles of an earlier row"),
      refused: whole("how many would be refused"),
      campaigns: listOf(
        answer({ campaignId: text("its id"), contacts: whole("how many rows are of contacts that are in it") }),
        "the campaigns that some are in already",
      ),
      findings: listOf(FINDING, "rows of which there is something to tell"),
      truncated: flag("whether there are more findings than are told"),
    }),
  example: () => ({
    contacts: [
      { name: "Jane Doe", email: "jane@acme.com" },
      { name: "J. Doe", email: "Jane@acme.com" },
    ],
  }),
  async run({ call, input, words }) {
    const { contacts, csv, limit = 200 } = input as { contacts?: Values[]; csv?: string; limit?: number };
    if ((contacts === undefined) === (csv === undefined))
      throw new Misfit("input", "invalid_value", "input has contacts or csv, one of the two", [
        '{"contacts":[{"name":"Jane Doe","email":"jane@acme.com"}]}',
      ]);
    const of = words("contact");
    const file = csv ?? contacts!.map((each) => `${JSON.stringify(toOurs(of, each))}\n`).join("");
    const type = csv === undefined ? "application/x-ndjson" : "text/csv";
    const { json } = await call.ask("POST", `/${of.kind.plural}/import?analyze=true`, file, { "content-type": type });
    const items = json.items as Finding[];
    const { known = 0, likely = 0, new: fresh = 0, doubles = 0, refused = 0, left_out, campaigns = {} } = json as Counts;
    const counts = { rows: known + likely + fresh + refused, new: fresh, known, likely, doubles, refused };
    return {
      data: {
        ...counts,
        campaigns: Object.entries(campaigns).map(([campaignId, many]) => ({ campaignId, contacts: many })),
        findings: items.slice(0, limit).map(toldFinding),
        truncated: items.length > limit || left_out !== undefined,
      },
    };
  },
};

type Counts = Partial<Record<"known" | "likely" | "new" | "doubles" | "refused" | "left_out", number>> & {
  campaigns?: Record<string, number>;
};

type Finding = {
  row: number;
  outcome: string;
  id?: string;
  message?: string;
  values?: { why?: string; campaigns?: string[]; double_of?: number; double_why?: string };
};

const toldFinding = ({ row, outcome: verdict, id, message, values = {} }: Finding): Values => ({
  row,
  verdict,
  contactId: id ?? null,
  doubleOf: values.double_of ?? null,
  campaignIds: values.campaigns ?? [],
  why: message ?? values.why ?? values.double_why ?? null,
});
