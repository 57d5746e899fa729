import { constraintOf } from "../../postgres/errors.ts";

const ATTEMPTS = 5;

/**
 * Does work that makes new ids, and does it again when one of their handles is taken: they are eight characters, so that among a million
 * records, or changes, a new one meets an old one now and then.
 */
export async function withNewHandles<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS || !constraintOf(error)?.endsWith("_handle_key")) throw error;
    }
  }
}
