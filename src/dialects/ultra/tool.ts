import type { Parameters } from "../../derive/query.ts";
import type { Json } from "../../openapi/names.ts";
import type { Call, Reply, Values } from "../dialect.ts";
import type { Vocabulary } from "../vocabulary.ts";

/** How much a tool may do: it reads, it writes one record, or it deletes or writes many. */
export type Risk = "low" | "medium" | "high";

/** The words for the records of a table, in the caller's workspace. */
export type Words = (table: string) => Vocabulary;

/** The id of a record that is there, for examples; of a table without any, one that looks like it. `answers` fit the form among them. */
export type Known = ((table: string) => string) & { answers: Values };

/** A write to one of our own routes. */
export type Write = { query?: Parameters; body?: Values; headers?: Record<string, string> };

/** A tool at work: what it was given, and our routes, asked as its caller. */
export type Work = {
  call: Call;
  input: Values;
  words: Words;
  get: (path: string, query?: Parameters) => Promise<Reply>;
  /** Rehearsed in a dry run, done once under a request id, and in both of our steps where the caller confirms. */
  write: (method: "POST" | "PATCH" | "DELETE", path: string, write?: Write) => Promise<Reply>;
};

export type Outcome = { data: unknown; meta?: Values };

/** One of the tools of ultra-api, as requests to our own routes. */
export type Tool = {
  name: string;
  family: string;
  about: string;
  risk: Risk;
  /** It may be called before the organization is known. */
  unscoped?: true;
  /** What it does is only done with `confirm: true`. */
  confirms?: true;
  /** The table whose words its refusals are told in. */
  table?: string;
  input: (words: Words) => Json;
  output: (words: Words) => Json;
  /** An input that is taken; `dryRun` where it would change what is there. */
  example: (known: Known) => Values;
  run: (work: Work) => Promise<Outcome>;
};

export const writes = ({ risk }: Tool): boolean => risk !== "low";
