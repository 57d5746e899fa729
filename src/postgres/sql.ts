import { literalOf } from "./codec.ts";

/**
 * SQL that keeps the values of a statement apart from its text. A value given to `sql` is sent as a parameter. Text comes only from source code
 * and from definitions (`ident`, `raw`), so no caller can write SQL.
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

  /** The text with the values as literals, for COPY, which takes no parameters. */
  get literal(): string {
    if (this.parts.length === 0)
      return this.text.replace(/\$(\d+)/g, (_, number) => literalOf(this.values[Number(number) - 1]));
    let text = this.strings[0]!;
    for (let i = 0; i < this.parts.length; i++) {
      const part = this.parts[i];
      text += part instanceof Statement ? part.literal : literalOf(part);
      text += this.strings[i + 1];
    }
    return text;
  }

  /** Nested statements are numbered once, when the outermost text is read. Composing stays linear. */
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
   * `named`, the default, is prepared once on each connection. After five runs its plan no longer depends on the values.
   * `custom` is planned for its values each time: for `like`, `in`, ranges on skewed columns, and texts that callers shape.
   */
  plan?: "named" | "custom";
  /** A key of the rows that it is about: a pool over several servers runs all of it on the server that has them. */
  near?: string | undefined;
};

type Flat = { text: string; readonly values: unknown[] };

/** `sql\`select name from contacts where ${condition} and id = ${id}\``: statements are spliced in, everything else is a value. */
export function sql(strings: TemplateStringsArray, ...parts: unknown[]): Statement {
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    // Both would fail inside the driver, where nothing names the statement.
    if (part === undefined || typeof part === "function")
      throw new TypeError(`${typeof part} as a value, after: ${strings[i]}`);
  }
  return new Statement(strings, parts);
}

export type Separator = ", " | " and " | " or " | " " | "\n" | " union all " | " || " | " && " | " + ";

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

/** A number of rows as text: the planner takes a limit that is a parameter for a tenth of all rows. */
export function count(rows: number): Statement {
  if (!Number.isSafeInteger(rows) || rows < 0) throw new TypeError(`not a number of rows: ${rows}`);
  return new Statement([String(rows)], []);
}

/** A value that is computed once for all rows. The planner does not see it, so one plan fits all values. */
export const once = (value: Statement): Statement => sql`(select ${value})`;

/** Constant text, made from definitions when the program loads and never while it answers a request. */
export function raw(text: string): Statement {
  if (/\$\d/.test(text)) throw new TypeError(`constant text would clash with the numbers of the values: ${text}`);
  return new Statement([text], []);
}

/**
 * A statement whose text numbers its values itself, so that it can use one several times. The text is made from definitions once. Values
 * beyond the last number in the text are left off.
 */
export function numbered(text: string): (values: readonly unknown[]) => Statement {
  const used = Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)));
  return (values) => new Statement([text], [], { text, values: values.slice(0, used) });
}
