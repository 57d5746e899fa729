/**
 * As much of a shell as the transcripts use: assignments, pipes, quotes, `$NAME`, `$(…)`, a function of one line and `# comments`. It
 * refuses what it does not know, and also what a person had better quote, so that it never quietly means something else than bash.
 */
export type Program = (args: readonly string[], input: string) => Promise<string> | string;

export type Shell = {
  /** What a command prints. A command may stretch over lines that end in a backslash. */
  run: (command: string) => Promise<string>;
  variables: Map<string, string>;
};

type Part =
  | { is: "text" | "variable"; text: string; quoted: boolean }
  | { is: "commands"; pipeline: Pipeline; quoted: boolean };
type Word = Part[];
type Pipeline = Word[][];

export function createShell(programs: Readonly<Record<string, Program>>): Shell {
  const variables = new Map<string, string>();
  const functions = new Map<string, Pipeline>();

  async function run(command: string): Promise<string> {
    const line = command.replaceAll("\\\n", "");
    if (line.startsWith("#")) return "";
    const [, name, body] = /^(\w+)\(\) \{ (.*); \}$/.exec(line) ?? [];
    if (name === undefined || body === undefined) return runPipeline(parse(line), []);
    functions.set(name, parse(body));
    return "";
  }

  async function runPipeline(pipeline: Pipeline, given: readonly string[], input = ""): Promise<string> {
    let output = input;
    for (const words of pipeline) {
      if (words.every(isAssignment)) await assign(words, given);
      else output = await runCommand(words, given, output);
    }
    return output;
  }

  async function assign(words: readonly Word[], given: readonly string[]): Promise<void> {
    for (const word of words) {
      const value = (await Promise.all(word.map((part) => textOf(part, given)))).join("");
      variables.set(value.slice(0, value.indexOf("=")), value.slice(value.indexOf("=") + 1));
    }
  }

  async function runCommand(words: readonly Word[], given: readonly string[], input: string): Promise<string> {
    const expanded: string[] = [];
    for (const word of words) expanded.push(...(await expand(word, given)));
    const [name = "", ...args] = expanded;
    const body = functions.get(name);
    if (body) return runPipeline(body, args, input);
    const program = Object.hasOwn(programs, name) ? programs[name] : undefined;
    if (!program) throw new SyntaxError(`the small shell has no ${name}`);
    return program(args, input);
  }

  /** One word, except that `"…$@"` becomes as many as there are arguments. */
  async function expand(word: Word, given: readonly string[]): Promise<string[]> {
    const words = [""];
    for (const part of word) {
      const pieces = part.is === "variable" && part.text === "@" ? given : [await textOf(part, given)];
      if (part.is !== "text" && !part.quoted && pieces.some((piece) => piece === "" || /[\s*?[]/.test(piece)))
        throw new SyntaxError("an expansion that is empty or would be split: put it in double quotes");
      words.push(`${words.pop()}${pieces[0] ?? ""}`, ...pieces.slice(1));
    }
    return words;
  }

  async function textOf(part: Part, given: readonly string[]): Promise<string> {
    if (part.is === "text") return part.text;
    if (part.is === "commands") return (await runPipeline(part.pipeline, given)).replace(/\n+$/, "");
    const value = variables.get(part.text);
    if (value === undefined) throw new SyntaxError(`$${part.text} is not set`);
    return value;
  }

  return { run, variables };
}

const isAssignment = ([first]: Word) => first?.is === "text" && !first.quoted && /^[A-Za-z_]\w*=/.test(first.text);

function parse(line: string): Pipeline {
  const source = { line, at: 0 };
  const pipeline = readPipeline(source);
  if (source.at < line.length) throw new SyntaxError(`a stray ) at column ${source.at + 1} of: ${line}`);
  return pipeline;
}

type Source = { line: string; at: number };

/** Up to the end of the line or to the `)` of a substitution. */
function readPipeline(source: Source): Pipeline {
  const pipeline: Pipeline = [[]];
  for (;;) {
    take(source, /[ \t]*/y);
    const next = source.line[source.at];
    if (next === undefined || next === ")") return pipeline;
    if (next === "|") {
      source.at += 1;
      pipeline.push([]);
    } else pipeline.at(-1)!.push(readWord(source));
  }
}

function readWord(source: Source): Word {
  const word: Word = [];
  for (;;) {
    const next = source.line[source.at];
    if (next === undefined || " \t|)".includes(next)) return word;
    if (next === "'") word.push({ is: "text", text: take(source, /'[^']*'/y).slice(1, -1), quoted: true });
    else if (next === '"') word.push(...readQuoted(source));
    else if (next === "$") word.push(readExpansion(source, false));
    else word.push({ is: "text", text: take(source, /[\w./:=,@%^+-]+/y), quoted: false });
  }
}

function readQuoted(source: Source): Word {
  const word: Word = [{ is: "text", text: "", quoted: true }];
  source.at += 1;
  for (;;) {
    const next = source.line[source.at];
    if (next === '"') {
      source.at += 1;
      return word;
    }
    if (next === "$") word.push(readExpansion(source, true));
    else word.push({ is: "text", text: take(source, /(?:[^"$\\`!]|\\["$\\])+/y).replace(/\\(.)/g, "$1"), quoted: true });
  }
}

function readExpansion(source: Source, quoted: boolean): Part {
  if (!source.line.startsWith("$(", source.at))
    return { is: "variable", text: take(source, /\$(?:@|[A-Za-z_]\w*)/y).slice(1), quoted };
  source.at += 2;
  const pipeline = readPipeline(source);
  take(source, /\)/y);
  return { is: "commands", pipeline, quoted };
}

function take(source: Source, pattern: RegExp): string {
  pattern.lastIndex = source.at;
  const found = pattern.exec(source.line)?.[0];
  if (found === undefined) throw new SyntaxError(`the small shell cannot read column ${source.at + 1} of: ${source.line}`);
  source.at += found.length;
  return found;
}
