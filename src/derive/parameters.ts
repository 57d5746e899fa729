import { z } from "zod";
import type { FieldSpec } from "../fields/spec.ts";
import { countType, textType } from "../fields/text.ts";
import { boolean, choice, text } from "../fields/vocabulary.ts";
import { oncePer } from "../kit/oncePer.ts";
import { derived } from "../records/derived.ts";
import type { Kind } from "../records/kind.ts";
import type { GROUPING } from "../records/reserved.ts";
import { type FigureName, figureNames, groupNames, UNITS } from "./grouping.ts";
import { nearParameters } from "./near.ts";
import type { Named } from "./operation.ts";
import { ALL, DEFAULT_LIMIT, DELETED, MOST_OFFSET } from "./query.ts";

/** What `format=` may say. */
export const FORMAT_NAMES = ["text", "json", "csv", "ndjson", "vcard", "ics", "html", "ubl"] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];

/** Any route takes these. */
export const COMMON_PARAMETERS = {
  format: choice(FORMAT_NAMES, {
    about: "the format of the answer; without it Accept decides, and */* is answered in text",
  }),
  pretty: boolean({ about: "indents JSON" }),
} satisfies Named;

export const WHY = { reason: text({ about: "why, for the history; also as the header X-Reason" }) } satisfies Named;

/** What every write of records takes. */
export const WRITING = {
  ...WHY,
  dry_run: boolean({ about: "answers what would be, and changes nothing" }),
  propose: boolean({ about: "keeps the write for somebody to approve: GET /proposals" }),
} satisfies Named;

/** Parameters that say how a write is answered, or that it is not made at once: they are no part of what it asks for. */
export const ASIDE: readonly string[] = ["code", "confirm", "dry_run", "fields", "format", "pretty", "propose", "reason"];

/** What the answer to a write says of a rehearsal. */
export const DRY = { dry_run: boolean({ about: "true where nothing was changed" }) } satisfies Named;

export const CONFIRM = {
  confirm: text({ about: "the confirm token that the first call answered" }),
} satisfies Named;

/** What the deletion takes of records that put one thing into another. */
export const detaching = ({ joins }: Kind): Named =>
  joins
    ? { detach: boolean({ about: "what was logged there for them, or is done, loses its link too; else it keeps it" }) }
    : {};

export const STEP_UP = {
  code: text({ about: "the code that the first call had mailed; also as the header X-Escalation-Code" }),
} satisfies Named;

/** `name,email`: the fields to show. */
export const chosenFields = derived((kind: Kind): { fields: FieldSpec; expand?: FieldSpec } => {
  const names = kind.fields.map(({ name }) => name);
  const links = kind.links.map(({ name }) => name);
  const expand = {
    type: textType(1_000, `a comma list of ${links.join(", ")}`),
    about: `linked records whose fields are shown too, as ${links[0]}.…`,
  };
  return {
    fields: { type: textType(8_000, `a comma list of ${names.join(", ")}`), about: "the fields to show" },
    ...(links.length > 0 ? { expand } : {}),
  };
});

export const limit = oncePer(
  (most: number): FieldSpec => ({
    type: { ...countType, expects: `a number from 1 to ${most}`, schema: z.int().min(1).max(most) },
    about: "rows a page",
    initially: Math.min(DEFAULT_LIMIT, most),
  }),
);

/** Of a list that can be had whole too. */
export const limitOrAll = oncePer(
  (most: number): FieldSpec => ({
    type: {
      ...countType,
      expects: `a number from 1 to ${most}, or ${ALL}`,
      schema: z.union([z.int().min(1).max(most), z.literal(ALL)]),
    },
    about: `rows a page; ${ALL} is the whole list in one answer, however long, in no order unless sort is sent`,
    initially: Math.min(DEFAULT_LIMIT, most),
  }),
);

export const cursor = text(
  { about: "where the page before ended, as its next_cursor says; goes with the same parameters" },
  8_000,
);

const OFFSET: FieldSpec = {
  type: { ...countType, expects: `a number from 0 to ${MOST_OFFSET}`, schema: z.int().min(0).max(MOST_OFFSET) },
  about: "rows to skip; not with cursor, nor with search unless sort is sent too; cursor goes further and costs less",
};

/** What adds a list up in the place of showing it. */
function groupingParameters(kind: Kind): Record<(typeof GROUPING)[number], FieldSpec> {
  const listOf = (names: readonly string[], about: string): FieldSpec => ({
    type: textType(1_000, names.length > 0 ? `a comma list of ${names.join(", ")}` : "the name of a field with numbers"),
    about,
  });
  const figure = (is: FigureName, about: string) => listOf(figureNames(kind, is), about);
  return {
    group_by: listOf(
      groupNames(kind),
      `answers groups in the place of records, by one or two fields; of a time by ${UNITS.join(", ")}`,
    ),
    sum: figure("sum", "what a group's values come to, money by currency"),
    avg: figure("avg", "their average"),
    min: figure("min", "the least of them"),
    max: figure("max", "the greatest of them"),
  };
}

/** What a list takes besides filters. */
export function listParameters(kind: Kind, most: number): Named & { search: FieldSpec } {
  const orders = kind.fields.filter(({ sort }) => sort).flatMap(({ name }) => [name, `-${name}`]);
  return {
    search: text({ about: "words to find, or what comes near them; best first" }),
    sort: choice(orders as [string, ...string[]], { about: "the order; - is descending", initially: kind.order }),
    limit: limitOrAll(most),
    cursor,
    offset: OFFSET,
    ...chosenFields(kind),
    count: boolean({ about: `counts all rows that match, up to 1000, with offset up to ${MOST_OFFSET}` }),
    ...deletedToo(kind),
    list: text({ about: "a saved list, by name or id: only its records" }),
    ...groupingParameters(kind),
    ...nearParameters(kind),
    ...COMMON_PARAMETERS,
  };
}

/** What a read takes of a kind whose records can be deleted. */
export const deletedToo = (kind: Kind): Named => (kind.field("deleted_at") ? DELETED_TOO : {});
const DELETED_TOO = { deleted: choice(DELETED, { about: "include: deleted records too, with deleted_at; only: these alone" }) };
