import type { ProblemCode } from "../kit/problem.ts";
import type { FieldSpec, RecordDefinition } from "../records/define.ts";

/** Named values that are no record's: parameters, the body of a sign-in, the facts of a message. */
export type Named = Readonly<Record<string, FieldSpec>>;

/**
 * One route as callers see it. A request is held against it before the handler runs, and the manual and the OpenAPI document are made of
 * it, so that a parameter or field cannot be taken and not be told.
 */
export type Operation = {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  about: string;
  /** Needs no token. */
  open?: boolean;
  /** What may stand behind the `?`, besides what every route takes. */
  parameters?: Named;
  /** A list of records also takes their fields as filters, and LIST_PARAMETERS; at most this many a page. `readListQuery` reads them. */
  filters?: { of: RecordDefinition; most: number };
  body?: OperationBody;
  answers: OperationAnswer;
  /** Refusals that do not follow from what the route takes. */
  refuses?: readonly ProblemCode[];
};

export type OperationBody =
  /** `given`: the link that the path holds already. */
  | { is: "create"; of: RecordDefinition; given?: string }
  | { is: "patch"; of: RecordDefinition }
  | { is: "values"; values: Named };

/** As the handler's Answer, with kinds in the place of values. A value that is not `required` may be missing. */
export type OperationAnswer =
  | { is: "record"; of: RecordDefinition }
  | { is: "list"; of: readonly RecordDefinition[] }
  | { is: "message" | "values"; values: Named }
  | { is: "document"; type: string };
