/**
 * SQL with the values of a statement kept apart from its text. A value given to `sql` always leaves as a parameter; text gets in only
 * from source code and from definitions (`ident`, `raw`), so no caller can write SQL.
 */
export class Statement {
  private readonly strings: readonly string[];
  private readonly parts: readonly unknown[];
  private flat: Flat | undefined;

  constructor(strings: readonly string[], parts: readonly unknown[], flat?: Flat) {
    this.strings = strings;
    this.parts = parts;
    this.flat = flat;
  }

  /** With `$1`, `$2`, … where the values go. */
  get text(): string {
    return this.flatten().text;
  }

  get values(): readonly unknown[] {
    return this.flatten().values;
  }

  /** Nested statements are numbered once, when the outermost is read: composing costs nothing and stays linear. */
  private flatten(): Flat {
    if (this.flat) return this.flat;
    const flat = { text: "", values: [] };
    this.writeTo(flat);
    this.flat = flat;
    return flat;
  }

  private writeTo(flat: Flat): void {
    flat.text += this.strings[0];
    for (let i = 0; i < this.parts.length; i++) {
      const part = this.parts[i];
      if (part instanceof Statement) part.writeTo(flat);
      else flat.text += `$${flat.values.push(part)}`;
      flat.text += this.strings[i + 1];
    }
  }
}

export type StatementOptions = {
  /**
   * `custom` is planned for its values each time: `like`, `in`, ranges on skewed columns, and texts whose shapes callers choose.
   * `named`, the default, is prepared once a connection, and after five runs its plan no longer looks at the values.
   */
  plan?: "named" | "custom";
};

type Flat = { text: string; readonly values: unknown[] };

/** `sql\`select name from contacts where ${condition} and id = ${id}\``: statements are spliced in, everything else is a value. */
export function sql(strings: TemplateStringsArray, ...parts: unknown[]): Statement {
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    // Both would only fail inside the driver, where nothing tells which statement it was.
    if (part === undefined || typeof part === "function")
      throw new TypeError(`${typeof part} as a value, after: ${strings[i]}`);
  }
  return new Statement(strings, parts);
}

export type Separator = ", " | " and " | " or " | " " | "\n" | " union all " | " || ";

/** Statements one after the other; none at all is the empty text. */
export function join(statements: readonly Statement[], separator: Separator = ", "): Statement {
  if (statements.length === 0) return EMPTY;
  const strings = new Array<string>(statements.length + 1).fill(separator);
  strings[0] = strings[statements.length] = "";
  return new Statement(strings, statements);
}

const EMPTY = new Statement([""], []);

/** A table or column named by a definition, quoted so that it may be a reserved word. */
export function ident(name: string): Statement {
  if (!/^[a-z_][a-z0-9_]*$/.test(name)) throw new TypeError(`not an identifier: ${JSON.stringify(name)}`);
  return new Statement([`"${name}"`], []);
}

/** How many rows, as text of the statement: a limit that is a value is planned as a tenth of whatever there is. */
export function count(rows: number): Statement {
  if (!Number.isSafeInteger(rows) || rows < 0) throw new TypeError(`not a number of rows: ${rows}`);
  return new Statement([String(rows)], []);
}

/** A value worked out once for all rows, and hidden from the planner, so that a plan is as good for one as for another. */
export const once = (value: Statement): Statement => sql`(select ${value})`;

/** Constant text made from definitions when the program loads, never while it answers a request. */
export function raw(text: string): Statement {
  if (/\$\d/.test(text)) throw new TypeError(`constant text would clash with the numbers of the values: ${text}`);
  return new Statement([text], []);
}

/**
 * A statement made from definitions once and for all, which numbers its values itself so that it can use one several times. Values
 * beyond the last number it mentions are left off.
 */
export function numbered(text: string): (values: readonly unknown[]) => Statement {
  const used = Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)));
  return (values) => new Statement([text], [], { text, values: values.slice(0, used) });
}
