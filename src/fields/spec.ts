import type { FieldType } from "./type.ts";

/** How a field is declared: its type, and what callers may do with it. */
export type FieldSpec = {
  type: FieldType;
  about: string;
  /** What others call it. A body that is no record's may use these names; of a record they are told as what was meant. */
  also?: readonly string[];
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
  /** Kept with the record, and worked out by the database from other fields of it: nobody can send it, and it is never stale. */
  computed?: Computation;
  /** Read-only for callers, and set by what is done with the record: `POST /invoices/{id}/issue`. */
  kept?: true;
  /** It is shown as `into` once the time in the field `at` has come. */
  turns?: { into: string; at: string };
  /** It is worked out from another field. Callers may send it all the same: what they send is written as that field, by these values. */
  sets?: { field: string; to: Readonly<Record<string, string | boolean>> };
  /** The setting of the workspace that a new record takes where it was not sent. */
  setting?: string;
  /** It says something about these fields: a record gets its initial value, or that of the setting, with the first value of one of them. */
  beside?: readonly string[];
  /** The link to a record of the same kind whose value a new record takes before that of the setting. */
  like?: string;
  /** What an item takes from the record that it names: by the name of the link, the fields of the record by those of the item. */
  takes?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What a new record takes from the record that its link `by` leads to, and keeps whatever becomes of that. Without the link there is no record. */
  copied?: { by: string; from: string };
  /** Said when the record is made, and not changed from then on. */
  fixed?: true;
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
 * `left-at`: the time of the change in which `field` left `value`; null again once it returns. `day` names a date that a file may have instead.
 * `side`: `out` where the address in `field` is a member's, else `in`.
 * `beginning`: how the text in `field` begins, or that of the page in `page`.
 * `thread`: the same field of the last record whose natural key is among those in `field`; of the first of a thread its own natural key, or id.
 * A new record gets them where they are not sent. A value that is still the derived one follows what it is derived from.
 */
export type Derivation =
  | { is: "left-at"; field: string; value: string; day?: string }
  | { is: "side"; field: string }
  | { is: "beginning"; field: string; page: string }
  | { is: "thread"; field: string };

/** Conditions on the fields of a record, each of which must hold. */
export type Holding = {
  has?: readonly string[];
  lacks?: readonly string[];
  settled?: Settling;
  unsettled?: Settling;
  begun?: string;
  /** Fields that are true. */
  holds?: readonly string[];
};

/** Whether what is owed for `items` has been covered by the amounts in `by`. */
export type Settling = { items: string; by: readonly string[] };

/**
 * `total`: of the items in `of`; where the field `negativeWith` has a value, the document takes back, and it counts below zero. `open`: what is
 * still to be paid. `first`: the first value whose conditions hold. `day-after`: midnight (UTC) after the day in `of`, while the conditions hold.
 * `walk`: where the `answers` lead along the `steps`, if it was not broken off at the time in `stopped`.
 */
export type Computation =
  | { is: "total"; figure: "net" | "tax" | "gross" | "taxes"; of: string; negativeWith?: string }
  | { is: "open"; items: string; by: readonly string[]; while: Holding }
  | { is: "first"; values: readonly (readonly [value: string, when: Holding])[]; else: string }
  | { is: "day-after"; of: string; while: Holding }
  | { is: "walk"; figure: "next" | "path" | "status"; steps: string; answers: string; stopped: string };
