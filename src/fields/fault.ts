/** What is wrong with a value of several parts, in words that name the part. */
export class Fault extends Error {}

/** What `read` finds wrong with a value; undefined where it takes it. */
export function faultIn(read: (value: never) => unknown, value: unknown): string | undefined {
  try {
    read(value as never);
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error.message;
    throw error;
  }
}

/** The value as it is kept; undefined where it is none. */
export function taken<T>(read: (value: never) => T, value: unknown): T | undefined {
  try {
    return read(value as never);
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}
