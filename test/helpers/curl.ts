import { type IncomingMessage, request } from "node:http";
import type { Program } from "./shell.ts";

/** The programs the transcripts call, as far as they use them: bare Debian has no curl. A test holds them against the real ones. */
export const programs: Record<string, Program> = { curl, grep, sed, printf };

type Call = { url: string; method?: string; headers: string[]; data: string[]; get: boolean; include: boolean };

/** A text in which `\\n` is a line break. */
function printf([text = "", ...more]: readonly string[]): string {
  if (more.length > 0 || /%|\\[^n]/.test(text))
    throw new SyntaxError("the small printf prints one text and knows nothing but \\n");
  return text.replaceAll("\\n", "\n");
}

/** `curl [-sSiG] [-X method] [-H header] [-d data] [--data-urlencode name=value] [--data-binary @-] url` */
async function curl(args: readonly string[], input: string): Promise<string> {
  const { url, method, headers, data, get, include } = readCall(args, input);
  // Real curl refuses the one and expands the other.
  if (/[\s[\]{}]/.test(url)) throw new SyntaxError(`curl would not take the address ${url} as it is`);
  const body = get || data.length === 0 ? undefined : data.join("&");
  const target = get && data.length > 0 ? `${url}${url.includes("?") ? "&" : "?"}${data.join("&")}` : url;
  const sent = {
    "User-Agent": USER_AGENT,
    Accept: "*/*",
    ...(body === undefined
      ? {}
      : { "Content-Type": "application/x-www-form-urlencoded", "Content-Length": Buffer.byteLength(body) }),
    ...Object.fromEntries(headers.map(readHeader)),
  };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const call = request(
      target,
      { method: method ?? (body === undefined ? "GET" : "POST"), headers: sent, agent: false },
      resolve,
    );
    call.on("error", reject).end(body);
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  return include ? `${headOf(response)}${text}` : text;
}

/** The history shows it as the agent, so it is the same whichever curl the machine has. */
export const USER_AGENT = "curl/8.5.0";

/** What stands behind an option's letter; the others are switches. */
const VALUED = "XHd";

function readCall(args: readonly string[], input: string): Call {
  const call: Call = { url: "", headers: [], data: [], get: false, include: false };
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--data-binary" && rest[0] === "@-") {
      rest.shift();
      call.data.push(input);
    } else if (arg === "--data-urlencode") call.data.push(encodeValue(rest.shift() ?? ""));
    else if (!arg.startsWith("-") && call.url === "") call.url = arg;
    else if (!/^-\w/.test(arg)) throw new SyntaxError(`the small curl does not know ${arg}`);
    else {
      for (let letters = arg.slice(1); letters !== ""; letters = letters.slice(1)) {
        if (!VALUED.includes(letters[0]!)) set(call, letters[0]!, "");
        else {
          set(call, letters[0]!, letters.slice(1) || (rest.shift() ?? ""));
          break;
        }
      }
    }
  }
  return call;
}

function set(call: Call, letter: string, value: string): void {
  if (letter === "X") call.method = value;
  else if (letter === "H") call.headers.push(value);
  else if (letter === "d" && !value.startsWith("@")) call.data.push(value);
  else if (letter === "G") call.get = true;
  else if (letter === "i") call.include = true;
  else if (!"sS".includes(letter)) throw new SyntaxError(`the small curl does not know -${letter} ${value}`);
}

/** `name=value`, of which only the value is encoded. */
function encodeValue(text: string): string {
  const equals = text.indexOf("=");
  if (equals < 1) throw new SyntaxError(`the small curl wants name=value: ${text}`);
  return `${text.slice(0, equals + 1)}${encodeURIComponent(text.slice(equals + 1))}`;
}

function readHeader(text: string): [name: string, value: string] {
  const colon = text.indexOf(":");
  // What a shell sends is UTF-8; Node writes headers as Latin-1.
  return [text.slice(0, colon), Buffer.from(text.slice(colon + 1).trim(), "utf8").toString("latin1")];
}

function headOf({ httpVersion, statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  const lines = [`HTTP/${httpVersion} ${statusCode} ${statusMessage}`];
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** `grep [-v] [-c] [-i] [-E] pattern` of patterns that mean the same to grep and to JavaScript. */
function grep(args: readonly string[], input: string): string {
  const pattern = args.at(-1) ?? "";
  const flags = args.slice(0, -1).join("").replaceAll("-", "");
  if (/[^vciE]/.test(flags) || /[\\+?|(){}]/.test(flags.includes("E") ? pattern.replace(/[|()]/g, "") : pattern))
    throw new SyntaxError(`the small grep does not know ${args.join(" ")}`);
  const expression = new RegExp(pattern, flags.includes("i") ? "i" : "");
  const found = linesOf(input).filter((line) => expression.test(line) !== flags.includes("v"));
  return flags.includes("c") ? `${found.length}\n` : found.map((line) => `${line}\n`).join("");
}

/** `sed -n 's/from/to/p'`, nothing in `from` that means something else to sed. */
function sed([flag, script = "", ...more]: readonly string[], input: string): string {
  const [, from, to] = /^s\/([^/\\+?|(){}]*)\/([^/\\&]*)\/p$/.exec(script) ?? [];
  if (flag !== "-n" || from === undefined || to === undefined || more.length > 0)
    throw new SyntaxError(`the small sed does not know ${script}`);
  const expression = new RegExp(from);
  return linesOf(input)
    .filter((line) => expression.test(line))
    .map((line) => `${line.replace(expression, to)}\n`)
    .join("");
}

const linesOf = (text: string) => text.split("\n").slice(0, text.endsWith("\n") ? -1 : undefined);
