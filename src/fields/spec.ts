import type { FieldType } from "./type.ts";

/** How a field is declared: its type, and what callers may do with it. */
export type FieldSpec = {
  type: FieldType;
  about: string;
  /** The record cannot be without it. */
  required?: boolean;
  readOnly?: boolean;
  /** A record may be without it though it is read-only; others are always there. */
  optional?: true;
  /** No record is without it, though nobody sends it: answers never show null. */
  always?: true;
  /** The value of a new record that did not name one. */
  initially?: string | number | boolean;
  /** Lists can be ordered by it, which an index does. */
  sort?: boolean;
  /** An index pages the records of one value of it in the order of lists, however many there are; it does for every link. */
  paged?: boolean;
  /** Text that people sort records by into groups of their own. */
  label?: boolean;
  /** `search=` and `GET /search` look at it. */
  search?: boolean;
  /** Where it shows: `detail` not on the lines of a list, `json` on no line, `asked` only where `fields=` names it. */
  shown?: "detail" | "json" | "asked";
  /** What it becomes by itself when another field is written; a value that is sent along wins. */
  derived?: Derivation;
  /** The field of the main value, of which this list holds the further ones. The main one is never in it. */
  further?: string;
  /** A record whose `field` has this value ought to have one: a write that leaves it without says so. */
  wanted?: { field: string; value: string };
  /** The column, where it is not called like the field. */
  column?: string;
  /** Its values are kept in the column `own`, under the name that `column` gives (derive/slots.ts). */
  slot?: true;
};

/**
 * `left-at`: the time of the change in which `field` left `value`; null again once it returns.
 * `side`: `out` where the address in `field` is a member's, else `in`.
 * `beginning`: how the text in `field` begins, or that of the page in `page`.
 * `thread`: the same field of the last record whose natural key is among those in `field`; of the first of a thread its own natural key, or id.
 * A new record gets them where they are not sent. A value that is still the derived one follows what it is derived from.
 */
export type Derivation =
  | { is: "left-at"; field: string; value: string }
  | { is: "side"; field: string }
  | { is: "beginning"; field: string; page: string }
  | { is: "thread"; field: string };
