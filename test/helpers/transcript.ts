/**
 * A transcript is what a terminal shows: a line that begins with `$ ` is a command, which goes on while its lines end in a backslash;
 * what follows, up to the next command, is its answer.
 */
export type Step = { command: string; answer: string };

/** The address in the files is the default one; a test's service listens on another port. */
export const SHOWN_URL = "http://127.0.0.1:8080";

export function readTranscript(text: string): Step[] {
  const steps: Step[] = [];
  for (const line of text.split("\n").slice(0, -1)) {
    const step = steps.at(-1);
    if (step?.command.endsWith("\\")) step.command += `\n${line}`;
    else if (line.startsWith("$ ")) steps.push({ command: line.slice(2), answer: "" });
    else if (step) step.answer += `${line}\n`;
    else throw new SyntaxError(`a transcript begins with a command, not with ${line}`);
  }
  return steps;
}

export function writeTranscript(steps: readonly Step[]): string {
  return steps.map(({ command, answer }) => `$ ${command}\n${answer}`).join("");
}

/** Answers the commands of a transcript anew. With `rename`, a command takes over the ids that an answer before it came to have. */
export async function replay(
  steps: readonly Step[],
  run: (command: string) => Promise<string>,
  baseUrl: string,
  rename: boolean,
): Promise<Step[]> {
  const renamed = new Map<string, string>();
  const played: Step[] = [];
  for (const step of steps) {
    const command = renameIn(step.command, renamed);
    const answer = shown(await run(command.replaceAll(SHOWN_URL, baseUrl)), baseUrl);
    if (rename) learnNames(renamed, step.answer, answer);
    played.push({ command, answer });
  }
  return played;
}

/** An answer as a terminal shows it at the default address: the CR that ends a header line is not to be seen. */
export function shown(answer: string, baseUrl: string): string {
  return answer.replaceAll(baseUrl, SHOWN_URL).replaceAll("\r\n", "\n");
}

/** Ids, codes and cursors: words that a command may have taken from an answer before it. */
const NAME = /\b(?=[\w.-]*\d)[\w.-]{6,}/g;

/** When an answer of the same shape comes with other ids, later commands are to name those. */
function learnNames(renamed: Map<string, string>, before: string, after: string): void {
  const [from, to] = [before.match(NAME) ?? [], after.match(NAME) ?? []];
  if (before.replace(NAME, "") !== after.replace(NAME, "")) return;
  for (const [i, name] of from.entries()) if (name !== to[i]) renamed.set(name, to[i]!);
}

function renameIn(command: string, renamed: ReadonlyMap<string, string>): string {
  return command.replace(NAME, (name) => renamed.get(name) ?? name);
}
