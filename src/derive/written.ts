import type { IdReference } from "../kit/id.ts";

/**
 * A linked record as a write names it: by id, by name, or both, which must then agree; or as a body of its own, by which it is found or made. Null
 * clears the link.
 */
export type LinkChoice = { id?: IdReference; name?: string; body?: Written } | null;

/** A body made ready for the database. */
export type Written = {
  /** Column values of exactly the fields that were sent; null clears. */
  sent: Record<string, unknown>;
  /** Further values a new record gets. */
  initial: Record<string, unknown>;
  /** Links that were sent, by the name of the linked record (`company`). */
  links: Record<string, LinkChoice>;
  /** Characters of the body it came in. */
  length: number;
  /** The caller expects the record to have one of these. */
  versions?: readonly number[];
  /** Its items are those of another document, and take nothing more from the records that they name. */
  whole?: true;
};
