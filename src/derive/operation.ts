import type { FieldSpec } from "../fields/spec.ts";
import type { ProblemCode } from "../kit/problem.ts";
import type { Verb } from "../kit/scope.ts";
import type { Kind } from "../records/kind.ts";

/** Named values that are no record's: parameters, the body of a sign-in, the facts of a message. */
export type Named = Readonly<Record<string, FieldSpec>>;

/**
 * One route as callers see it. A request is held against it before the handler runs, and the manual and the OpenAPI document are made of
 * it, so that a parameter or field cannot be taken and not be told.
 */
export type Operation = {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  about: string;
  /** Needs no token. A token that is sent is read only where it says so. */
  open?: boolean | "or with a token";
  /** The kind whose records it is about, where the path is called otherwise. */
  kind?: Kind;
  /** What a token must be good for: by the method unless said, `member` for any. */
  needs?: Verb | "member";
  /** What may stand behind the `?`, besides what every route takes. */
  parameters?: Named;
  /** A list of records also takes their fields as filters, and LIST_PARAMETERS; at most this many a page. `readListQuery` reads them. */
  filters?: {
    of: Kind;
    most: number;
    /** It takes the filters and search= alone: what it answers is not the records themselves. */
    only?: true;
    /** It writes all that they find: there are no pages. */
    bulk?: true;
  };
  /** Parameters by which it writes records besides the one that its body is. */
  besides?: readonly string[];
  body?: OperationBody;
  /** The handler reads the text of the body itself. */
  raw?: true;
  answers: OperationAnswer;
  /** Who says what it takes and answers, in place of OpenAPI: "RFC 6749". As there, what it does not know it passes over. */
  standard?: string;
  /** An idempotency key makes it once, as it does every write of records. */
  keyed?: true;
  /** Refusals that do not follow from what the route takes. */
  refuses?: readonly ProblemCode[];
};

export type OperationBody =
  /** `given`: the link that the path holds already. */
  | { is: "create"; of: Kind; given?: string }
  | { is: "patch"; of: Kind }
  /** `partial`: what is not sent stays as it is. `plain`: the field that a body is which is no JSON and names none. */
  | { is: "values"; values: Named; partial?: true; plain?: string; example: Record<string, unknown> }
  /** A file of any length, which the handler reads as it comes. Its records are of one kind, or each names its own. */
  | { is: "file"; of?: Kind };

/** A body that the operation takes. */
export function bodyExample(body: OperationBody): Record<string, unknown> {
  if (body.is === "values") return body.example;
  if (body.is === "file") return {};
  const given = body.is === "create" ? body.given : undefined;
  const stays = (name: string) => body.is === "patch" && body.of.field(name)?.fixed === true;
  return Object.fromEntries(Object.entries(body.of.example).filter(([name]) => name !== given && !stays(name)));
}

/** As the handler's Answer, with kinds in the place of values. A value that is not `required` may be missing. */
export type OperationAnswer = { statuses?: readonly (200 | 201)[] } & (
  | { is: "record"; of: Kind }
  | { is: "list"; of: readonly Kind[] }
  | { is: "message" | "values"; values: Named }
  /** `also`: other types that Accept may ask for, which are JSON. */
  | { is: "document"; type: string; also?: readonly string[] }
  | { is: "json" }
  /** Rows under columns that only the request tells. */
  | { is: "table" }
  /** Lines that come while the work runs. */
  | { is: "report" }
);

const METHOD_VERB: Record<Operation["method"], Verb> = {
  GET: "read",
  POST: "write",
  PUT: "write",
  PATCH: "write",
  DELETE: "delete",
};

/**
 * What a token must be good for, and for which kind's records where the path is about one. `partly`: create or update alone may do, which
 * only the write itself can tell.
 */
export type Scope = { verb: Verb; plural: string | undefined; partly?: true };

/** `plurals` are the kinds a scope can be about. Undefined: any token will do. */
export function scopeOf(operation: Operation, plurals: ReadonlySet<string>): Scope | undefined {
  const { method, path, needs, filters, kind } = operation;
  if (needs === "member") return undefined;
  const filtered = filters?.of.plural;
  const plural =
    kind?.plural ??
    path.split("/").findLast((segment) => plurals.has(segment)) ??
    (filtered !== undefined && plurals.has(filtered) ? filtered : undefined);
  if (needs) return { verb: needs, plural };
  return { verb: METHOD_VERB[method], plural, ...writeOf(operation) };
}

/** A record's POST creates, or updates what it finds by the natural key: either is enough to try. */
function writeOf({ body }: Operation): Pick<Scope, "verb" | "partly"> | undefined {
  if (body?.is === "patch") return { verb: "update" };
  if (body?.is === "file") return { verb: "write", partly: true };
  if (body?.is !== "create") return undefined;
  return body.of.naturalKey === undefined ? { verb: "create" } : { verb: "write", partly: true };
}

/** Whether an operation writes records in one unit of work: those take `dry_run`. A file is written in many. */
export const isRecordWrite = ({ parameters, body }: Operation): boolean =>
  parameters?.["dry_run"] !== undefined && body?.is !== "file";

/** Whether an idempotency key makes an operation happen once. */
export const takesKey = (operation: Operation): boolean =>
  operation.keyed === true || operation.body?.is === "file" || isRecordWrite(operation);

/** Some fields of a definition as values on their own. */
export function valuesOf({ fields }: Kind, ...names: string[]): Named {
  return Object.fromEntries(fields.filter(({ name }) => names.includes(name)).map(({ name, ...spec }) => [name, spec]));
}
