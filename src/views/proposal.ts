import { z } from "zod";
import { handleType, idType } from "../fields/link.ts";
import { asJson, countType, textType } from "../fields/text.ts";
import type { FieldType } from "../fields/type.ts";
import { choice, person, text, time } from "../fields/vocabulary.ts";
import { quoteIfNeeded } from "../kit/line.ts";
import { defineView } from "../records/define.ts";

/** What a write changes: its records, each with every field before and after. */
const diffType: FieldType = {
  ...textType(0, "what would change"),
  name: "diff",
  sqlType: "jsonb",
  operators: [],
  shown: z.array(
    z.object({
      kind: z.string(),
      record: z.string().nullable(),
      action: z.string(),
      changes: z.record(z.string(), z.object({ from: z.unknown(), to: z.unknown() })),
    }),
  ),
  toLine: (diff: unknown) => quoteIfNeeded(JSON.stringify(diff)),
  toJson: asJson,
};

/** A write that waits for somebody to approve it. */
export const proposal = defineView({
  name: "proposal",
  plural: "proposals",
  prefix: "pp",
  about: "A write that waits for somebody to approve it.",
  title: "request",
  order: "-at",
  unfiltered: true,
  fields: {
    id: { type: idType("proposal"), about: "the whole id", always: true, shown: "json", column: "id" },
    handle: {
      type: handleType("proposal"),
      about: "the short name that lines begin with",
      always: true,
      shown: "json",
      column: "id",
    },
    at: time({ about: "when it was proposed", always: true, sort: true }),
    actor: person({ about: "who proposed it", always: true }),
    state: choice(["open", "approved", "rejected"], { about: "what has become of it", always: true }),
    request: text({ about: "the request that it stands for", always: true }),
    changes: { type: countType, about: "how many records it would change", always: true },
    mark: text({ about: "stands for exactly these changes; approving takes it", always: true }),
    reason: text({ about: "why, where the proposer said so" }),
    agent: text({ about: "the program that proposed it" }),
    decided_by: person({ about: "who approved or rejected it" }),
    decided_at: time({ about: "when" }),
    decision: text({ about: "why it was rejected" }),
    body: text({ about: "the body of the request", shown: "json" }),
    diff: { type: diffType, about: "what would change, at most 100 records of it", always: true, shown: "json" },
  },
  example: {
    at: "2026-06-01T08:12:44Z",
    actor: "ann@example.com",
    state: "open",
    request: "PATCH /contacts/c_t4v6w8y0",
    changes: 1,
    mark: "Zk3x0PqWb1",
    reason: "signed the contract",
    body: '{"stage":"customer"}',
    diff: [{ kind: "contact", record: "c_t4v6w8y0", action: "updated", changes: { stage: { from: "lead", to: "customer" } } }],
  },
});
