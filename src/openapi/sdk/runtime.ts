import type { Operator } from "../../fields/predicate.ts";
import type { ProblemCode } from "../../kit/problem.ts";

// What follows stands in every /sdk.ts as it stands here, without imports. It names nothing that only Node or only browsers have.

/** What this client needs of `fetch`. Any standard one will do. */
interface FetchInit {
  method: string;
  headers: Record<string, string>;
  body?: string;
  signal?: never;
}
interface FetchAnswer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}
type Fetch = (url: string, init: FetchInit) => Promise<FetchAnswer>;

/** As AbortSignal. */
interface Signal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

export interface ClientOptions {
  /** Where the service answers. */
  baseUrl?: string | undefined;
  /** The token of POST /auth/verify, or what gives it before each request. */
  token?: string | (() => string | Promise<string>) | undefined;
  /** The name of your program, for the history. */
  agent?: string | undefined;
  /** How often a request that was refused for now (429, 503) is sent again; 4 unless you say. */
  retries?: number | undefined;
  /** The longest pause before that, in milliseconds. Who must wait longer gets the refusal. 60,000 unless you say. */
  longestWait?: number | undefined;
  fetch?: Fetch | undefined;
  /** Sent with every request. */
  headers?: Record<string, string> | undefined;
}

/** What goes along with one call. */
export interface CallOptions {
  /** A random name of this write: sent again within a day, it changes nothing twice. A create has one by itself. */
  idempotencyKey?: string | undefined;
  /** The ETag or the version that the record must still have; 412 when it moved on. */
  ifMatch?: string | number | undefined;
  /** Why, for the history. */
  reason?: string | undefined;
  agent?: string | undefined;
  /** The code that the first call had mailed. */
  code?: string | undefined;
  /**
   * What to do where the service wants a second, confirmed call. Without it that is a CardfileError `confirmation_required`, whose message
   * tells what would go. A function is given that error, and its answer decides; `true` confirms at once.
   */
  confirm?: true | ((question: CardfileError) => boolean | Promise<boolean>) | undefined;
  /** The type of a file that is sent: text/csv, application/x-ndjson, text/vcard. */
  contentType?: string | undefined;
  retries?: number | undefined;
  signal?: Signal | undefined;
  headers?: Record<string, string> | undefined;
}

/** A refusal, or no answer at all. */
export class CardfileError extends Error {
  override readonly name: string = "CardfileError";
  /** 0 where no answer came. */
  readonly status: number;
  /** `no_answer`: nothing that Cardfile says. `proposed`: the token may only propose, and the write waits for somebody to approve it. */
  readonly code: ProblemCode | "no_answer" | "proposed";
  /** What to do next. */
  readonly hint: string | null;
  readonly requestId: string | null;
  /** What the same call is repeated with, where it wants to be confirmed. */
  readonly confirm: string | undefined;
  /** Seconds to wait. */
  readonly retryAfter: number | undefined;
  /** The whole answer. */
  readonly body: Readonly<Record<string, unknown>>;

  constructor(status: number, body: Record<string, unknown>, requestId: string | null, retryAfter: number | undefined) {
    super(textIn(body, "message") ?? "no answer");
    this.status = status;
    this.code = (textIn(body, "error") ?? "no_answer") as CardfileError["code"];
    this.hint = textIn(body, "hint") ?? null;
    this.requestId = textIn(body, "request_id") ?? requestId;
    this.confirm = textIn(body, "confirm");
    this.retryAfter = retryAfter;
    this.body = body;
  }
}

function textIn(body: Record<string, unknown>, name: string): string | undefined {
  const value = body[name];
  return typeof value === "string" ? value : undefined;
}

/** What an operation takes, told as `method path …`: body or file, key, list, and the most rows of a page. */
type Plan = {
  method: string;
  path: string;
  body: boolean;
  file: boolean;
  key: boolean;
  list: boolean;
  limit: number | undefined;
};

function planOf(told: string): Plan {
  const [method = "GET", path = "/", ...takes] = told.split(" ");
  const has = (what: string) => takes.indexOf(what) >= 0;
  const most = takes.find((each) => /^\d+$/.test(each));
  const limit = most === undefined ? undefined : Number(most);
  return { method, path, file: has("file"), body: has("body") || has("file"), key: has("key"), list: has("list"), limit };
}

type Values = Readonly<Record<string, unknown>>;
type Asked = { plan: Plan; target: string; query: Values; body: unknown; options: CallOptions };

/** One function for each operation. */
export function clientOf(operations: Readonly<Record<string, string>>, options: ClientOptions & { baseUrl: string }): object {
  const client: Record<string, unknown> = {};
  for (const [name, told] of Object.entries(operations)) {
    const plan = planOf(told);
    const call = (...args: unknown[]) => send(options, askedOf(plan, args));
    const all = (...args: unknown[]) => everyItem(options, askedOf(plan, args));
    client[name] = plan.list ? Object.assign(call, { all, groups: call }) : call;
  }
  return client;
}

/** The values of the path in their order, then the body, the parameters, the options. */
function askedOf(plan: Plan, args: readonly unknown[]): Asked {
  let next = 0;
  const target = plan.path.replace(/\{(\w+)\}/g, (_, name: string) => segment(name, args[next++]));
  const body = plan.body ? args[next++] : undefined;
  const query = (args[next++] ?? {}) as Values;
  return { plan, target, query, body, options: (args[next] ?? {}) as CallOptions };
}

function segment(name: string, value: unknown): string {
  const text =
    String(value ?? "")
      .split("/")
      .pop() ?? "";
  if (text !== "" && text !== "." && text !== "..") return encodeURIComponent(text);
  const message = `${name} cannot be ${JSON.stringify(String(value ?? ""))}`;
  throw new CardfileError(0, { error: "invalid_value", message, hint: "give the id or the handle" }, null, undefined);
}

async function* everyItem(client: ClientOptions & { baseUrl: string }, asked: Asked): AsyncGenerator<unknown, void, undefined> {
  let cursor = asked.query["cursor"];
  do {
    const query = { limit: asked.plan.limit, ...asked.query, cursor };
    const page = (await send(client, { ...asked, query })) as { items: unknown[]; next_cursor: string | null };
    yield* page.items;
    cursor = page.items.length > 0 ? page.next_cursor : null;
  } while (cursor !== null && cursor !== undefined);
}

/** Sends a request, and where it wants to be confirmed sends it again. */
async function send(client: ClientOptions & { baseUrl: string }, asked: Asked): Promise<unknown> {
  const { plan, options } = asked;
  const key = options.idempotencyKey ?? (plan.key && plan.method === "POST" ? randomKey() : undefined);
  const keyed: Asked = { ...asked, options: { ...options, idempotencyKey: key } };
  try {
    return await persist(client, keyed);
  } catch (error) {
    const question = error instanceof CardfileError && error.code === "confirmation_required" ? error : undefined;
    if (question?.confirm === undefined || !options.confirm) throw error;
    if (options.confirm !== true && !(await options.confirm(question))) throw error;
    return persist(client, { ...keyed, query: { ...asked.query, confirm: question.confirm } });
  }
}

async function persist(client: ClientOptions & { baseUrl: string }, asked: Asked): Promise<unknown> {
  const { plan, options } = asked;
  const most = options.retries ?? client.retries ?? 4;
  const longest = client.longestWait ?? 60_000;
  // What was on its way when the line broke may have been done.
  const harmless = plan.method === "GET" || options.idempotencyKey !== undefined;
  for (let tried = 0; ; tried += 1) {
    try {
      return await sendOnce(client, asked);
    } catch (error) {
      if (!(error instanceof CardfileError) || tried >= most || options.signal?.aborted) throw error;
      const refused = error.status === 429 || error.status === 503;
      if (!refused && !(error.code === "no_answer" && harmless)) throw error;
      const pause = (error.retryAfter ?? 0) * 1000 || 250 * 2 ** tried;
      if (pause > longest) throw error;
      // Callers that were refused together do not come back together.
      await sleep(pause + Math.random() * Math.min(pause, 2_000), options.signal);
    }
  }
}

async function sendOnce(
  client: ClientOptions & { baseUrl: string },
  { plan, target, query, body, options }: Asked,
): Promise<unknown> {
  const fetching = client.fetch ?? (globalThis as unknown as { fetch: Fetch }).fetch;
  const token = typeof client.token === "function" ? await client.token() : client.token;
  const headers: Record<string, string> = { accept: "application/json", ...client.headers, ...options.headers };
  const { idempotencyKey, ifMatch, reason, agent = client.agent, code } = options;
  if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
  if (idempotencyKey !== undefined) headers["idempotency-key"] = idempotencyKey;
  if (ifMatch !== undefined) headers["if-match"] = /^\d+$/.test(`${ifMatch}`) ? `"${ifMatch}"` : `${ifMatch}`;
  if (agent !== undefined) headers["x-agent"] = inBytes(agent);
  if (code !== undefined) headers["x-escalation-code"] = code;
  const init: FetchInit = { method: plan.method, headers, ...(options.signal ? { signal: options.signal as never } : {}) };
  if (plan.body && body !== undefined) {
    headers["content-type"] = plan.file ? (options.contentType ?? "text/plain") : "application/json";
    init.body = plan.file ? String(body) : JSON.stringify(body);
  }
  if (reason !== undefined) headers["x-reason"] = inBytes(reason);
  let answer: FetchAnswer;
  let text: string;
  try {
    answer = await fetching(client.baseUrl.replace(/\/+$/, "") + target + searchOf(query), init);
    text = await answer.text();
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new CardfileError(0, { message: error instanceof Error ? error.message : String(error) }, null, undefined);
  }
  return readAnswer(answer, text, query);
}

function readAnswer({ status, headers }: FetchAnswer, text: string, query: Values): unknown {
  const requestId = headers.get("x-request-id");
  const isJson = /^application\/(?:[\w.-]+\+)?json\b/.test(headers.get("content-type") ?? "");
  const value: unknown = isJson && text !== "" ? JSON.parse(text) : text;
  const wait = Number(headers.get("retry-after") ?? Number.NaN);
  const told: Record<string, unknown> =
    typeof value === "object" && value !== null ? { ...value } : { message: `${status} ${text.slice(0, 200)}` };
  if (status === 202 && query["propose"] !== true)
    throw new CardfileError(status, { message: "kept as a proposal", ...told, error: "proposed" }, requestId, undefined);
  if (status >= 200 && status < 300) return value;
  throw new CardfileError(status, told, requestId, Number.isFinite(wait) ? wait : undefined);
}

/** Lists of names are one parameter; any other list is the parameter sent several times, which must all hold. */
const LISTS = /^(?:fields|group_by|sum|avg|min|max|expand|only)$/;

function searchOf(query: Values): string {
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue;
    const values: readonly unknown[] = Array.isArray(value) && !LISTS.test(name) ? value : [value];
    for (const each of values) pairs.push(`${encodeURIComponent(name)}=${encodeURIComponent(String(each))}`);
  }
  return pairs.length > 0 ? `?${pairs.join("&")}` : "";
}

/** A header holds bytes; the service reads them as UTF-8. */
const inBytes = (text: string): string => unescape(encodeURIComponent(text));

function randomKey(): string {
  const { crypto } = globalThis as unknown as { crypto?: { randomUUID?: () => string } };
  if (crypto?.randomUUID) return crypto.randomUUID();
  const part = () => Math.random().toString(36).slice(2);
  return `${Date.now().toString(36)}-${part()}${part()}`;
}

function sleep(ms: number, signal: Signal | undefined): Promise<void> {
  const { setTimeout } = globalThis as unknown as { setTimeout: (run: () => void, ms: number) => unknown };
  return new Promise((resolve) => {
    const done = () => {
      signal?.removeEventListener("abort", done);
      resolve();
    };
    signal?.addEventListener("abort", done);
    setTimeout(done, ms);
  });
}

/** What is sent once or several times; several must all hold. */
export type OneOrMore<Value> = Value | readonly Value[];
/** A filter: a value, or an operator before it: `gte:1000`, `in:lead,qualified`, `is:null`. */
export type Filter<Value> = OneOrMore<Value | `${Operator}:${string}`> | undefined;
export type TextFilter = OneOrMore<string> | undefined;
export type AnyFilter = OneOrMore<string | number | boolean> | undefined;

/** Which fields an answer shows; its identity is always there. */
export interface Chosen {
  fields: string | readonly string[];
}
/** A record of which only some fields were asked. */
export type Part<Item> = Partial<Item> & { [name: `${string}.${string}`]: unknown };

/** What adds a list up in the place of showing it. */
export interface Grouping {
  group_by?: string | readonly string[] | undefined;
  sum?: string | readonly string[] | undefined;
  avg?: string | readonly string[] | undefined;
  min?: string | readonly string[] | undefined;
  max?: string | readonly string[] | undefined;
}
export type Group = { [name: string]: string | number | boolean | null };

/** What every write of records takes. */
export interface WriteQuery {
  /** Why, for the history. */
  reason?: string | undefined;
  /** Answers what would be, and changes nothing. */
  dry_run?: boolean | undefined;
}
/** An operation without parameters. */
export interface Nothing {
  format?: undefined;
}

/** A page of a list. */
export interface Page<Item> {
  items: Item[];
  /** The cursor of the next page; null at the end. */
  next_cursor: string | null;
  /** With count: how many match, at most 1000 unless offset is sent. */
  total?: number;
  /** With count: whether there are more than total. */
  total_capped?: boolean;
  /** True when nothing has all the words and these are near misses. */
  near?: boolean;
  /** In the feed: for how long newer changes have waited. */
  lag_seconds?: number;
  /** What may be surprising about the answer. */
  notes?: string[];
}

/** An operation: the values of its path, its body, then what stands behind the `?`, then options. */
export type Call<Given extends readonly unknown[], Query, Answer> = (
  ...args: [...given: Given, query?: Query, options?: CallOptions]
) => Promise<Answer>;

/** A read of one record. */
export interface Reading<Given extends readonly unknown[], Query, Item> {
  (...args: [...given: Given, query?: Query, options?: CallOptions]): Promise<Item>;
  (...args: [...given: Given, query: Query & Chosen, options?: CallOptions]): Promise<Part<Item>>;
}

/** A write that answers the record. It may be proposed instead. */
export interface Writing<Given extends readonly unknown[], Query, Item, Proposed> {
  (...args: [...given: Given, query?: Query, options?: CallOptions]): Promise<Item>;
  (...args: [...given: Given, query: Query & Chosen, options?: CallOptions]): Promise<Part<Item>>;
  (...args: [...given: Given, query: Query & { propose: true }, options?: CallOptions]): Promise<Proposed>;
}

/** A write that answers a message. It may be proposed instead. */
export interface Doing<Given extends readonly unknown[], Query, Answer, Proposed> {
  (...args: [...given: Given, query?: Query, options?: CallOptions]): Promise<Answer>;
  (...args: [...given: Given, query: Query & { propose: true }, options?: CallOptions]): Promise<Proposed>;
}

/** A page of a list; `all` goes through its pages. */
export interface Pages<Given extends readonly unknown[], Query, Item> {
  (...args: [...given: Given, query?: Query, options?: CallOptions]): Promise<Page<Item>>;
  all(...args: [...given: Given, query?: Query, options?: CallOptions]): AsyncGenerator<Item, void, undefined>;
}

/** The same of what cannot be listed without a parameter. */
export interface Finding<Given extends readonly unknown[], Query, Item> {
  (...args: [...given: Given, query: Query, options?: CallOptions]): Promise<Page<Item>>;
  all(...args: [...given: Given, query: Query, options?: CallOptions]): AsyncGenerator<Item, void, undefined>;
}

/** A list of which an answer may show only some fields. */
export interface Listing<Given extends readonly unknown[], Query, Item> {
  (...args: [...given: Given, query?: Query, options?: CallOptions]): Promise<Page<Item>>;
  (...args: [...given: Given, query: Query & Chosen, options?: CallOptions]): Promise<Page<Part<Item>>>;
  all(...args: [...given: Given, query?: Query, options?: CallOptions]): AsyncGenerator<Item, void, undefined>;
  all(...args: [...given: Given, query: Query & Chosen, options?: CallOptions]): AsyncGenerator<Part<Item>, void, undefined>;
}

/** A list that can be added up: by groups, or as a whole. */
export interface Counting<Given extends readonly unknown[], Query, Item> extends Listing<Given, Query, Item> {
  groups(...args: [...given: Given, query: Query & Grouping, options?: CallOptions]): Promise<Page<Group>>;
}
