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

/**
 * Answers the commands of a transcript anew. A command names what an answer before it gave, so where that came out differently, commands
 * follow: `renamed` learns it and is kept from one transcript to the next.
 */
export async function replay(
  steps: readonly Step[],
  run: (command: string) => Promise<string>,
  baseUrl: string,
  renamed: Map<string, string>,
): Promise<Step[]> {
  const played: Step[] = [];
  for (const step of steps) {
    const command = [...renamed].reduce((text, [from, to]) => text.replaceAll(from, to), step.command);
    const answer = shown(await run(command.replaceAll(SHOWN_URL, baseUrl)), baseUrl);
    for (const [from, to] of differentNames(step.answer, answer)) renamed.set(from, to);
    played.push({ command, answer });
  }
  return played;
}

/** An answer as a terminal shows it at the default address: the CR that ends a header line is not to be seen. */
export function shown(answer: string, baseUrl: string): string {
  return answer.replaceAll(baseUrl, SHOWN_URL).replaceAll("\r\n", "\n");
}

/** What a person copies from an answer: the handle a line begins with, a code, a token, a cursor. */
const NAME = /^(?:\w+\/|code=|token=|confirm=|# next: )(\S+)/gm;

function differentNames(before: string, after: string): [from: string, to: string][] {
  const [from, to] = [namesIn(before), namesIn(after)];
  return from.length === to.length ? from.map((name, i) => [name, to[i]!] as [string, string]).filter(([a, b]) => a !== b) : [];
}

const namesIn = (answer: string) => [...answer.matchAll(NAME)].map(([, name]) => name!);
