/** A part of the file of a workspace: lines of one table, each with a row of it. */
export type Part = {
  /** What its lines are called: `record`, `change`, … */
  line: string;
  /** The kind of its records; undefined where the rows are no records. */
  kind?: string;
  table: string;
  columns: readonly PartColumn[];
  /** Columns with ids of records to which no foreign key leads. */
  refers?: readonly string[];
  /** What else must hold of a row. Gives what is wrong with it. */
  check?: (row: PartRow) => string | undefined;
};

export type PartRow = Readonly<Record<string, unknown>>;

export type PartColumn = {
  name: string;
  /** The column's type in PostgreSQL. */
  holds: "text" | "bigint" | "integer" | "boolean" | "timestamptz" | "date" | "text[]" | "jsonb" | "numeric(18,6)";
  /** It is never null. */
  required?: boolean;
  /** It holds a whole id with one of these prefixes. */
  ids?: ReadonlySet<string>;
  /** Whether a value of the right type may stand there. */
  allows?: (value: unknown) => boolean;
};

/** What the first line tells. */
export type Header = {
  exportedAt: string;
  /** The workspace that was written. */
  id: string;
  name: string;
  timezone: string;
  members: readonly string[];
  /** All that the file says of the workspace, and of the kinds that it has made, as it stands there. */
  workspace: PartRow;
  kinds: readonly unknown[];
};
