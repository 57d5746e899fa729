import type { Author } from "../../db/database.ts";
import { isHandleTaken, rowRefusal } from "../../db/imports/refusals.ts";
import type { Problem } from "../../kit/problem.ts";
import type { Kind } from "../../records/kind.ts";

/** A chunk that the database refused, and what that means for the row that did it. */
export class ChunkFault extends Error {
  readonly kind: Kind;
  readonly problem: Problem;
  /** Other ids may do, or other callers may be out of the way. */
  readonly passing: boolean;

  constructor(kind: Kind, error: unknown, mayRead: (plural: string) => boolean) {
    super("a chunk was refused", { cause: error });
    this.kind = kind;
    this.problem = rowRefusal(kind, error, mayRead);
    this.passing = isHandleTaken(error) || this.problem.code === "busy" || this.problem.code === "not_ready";
  }
}

export async function writing<T>(kind: Kind, { mayRead }: Author, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw new ChunkFault(kind, error, mayRead);
  }
}
