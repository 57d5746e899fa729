import type { FieldSpec } from "../fields/spec.ts";

/** Where a kind feeds `GET /reminders`: the names of its fields. */
export type ReminderSource = {
  at: string;
  note?: string;
  owner?: string;
  /** A field that is true, or has this value or one of these, once there is nothing to do. */
  doneWhen?: { field: string; is: true | string | readonly [string, ...string[]] };
  phone?: string;
  email?: string;
  /** The link to whom to call, where the record has no phone and e-mail of its own. */
  person?: string;
  company?: string;
};

/** The values of the field of `doneWhen` that end a reminder; the first of them is what "done" sets. */
export const doneValues = ({ is }: NonNullable<ReminderSource["doneWhen"]>): readonly [true | string, ...string[]] =>
  typeof is === "object" ? is : [is];

/** Where a record can be shown as a vCard: what the card says, each by the name of the field that holds it. */
export type CardSource = {
  name: string;
  email?: string;
  emails?: string;
  phone?: string;
  phones?: string;
  title?: string;
  company?: string;
  first_name?: string;
  last_name?: string;
  street?: string;
  postal_code?: string;
  city?: string;
  region?: string;
  country?: string;
  /** A domain, and further ones. */
  website?: string;
  websites?: string;
  notes?: string;
  tags?: string;
  /** Its members nickname, website, department and birthday have a place in a card. */
  custom?: string;
};

/** What tells who somebody is: by these fields two records are found that are one. `person` or `organisation` names them. */
export type IdentitySource = {
  person?: string;
  organisation?: string;
  email?: string;
  domain?: string;
  phone?: string;
  /** A link: two of one name there are likely one. */
  at?: string;
};

/**
 * What a payment settles, by fields of the record it links to: `into` takes the sum, `by` all that covers what the `items` come to, `given` has
 * a value once it is given out, `lacks` never have one, and after `ends` money only goes back. Until it is given out a payment waits, not `booked`.
 * `per` is the currency of both. `reverses` links to what a payment takes back.
 */
export type SettlingSource = {
  link: string;
  amount: string;
  per: string;
  into: string;
  items: string;
  by: readonly string[];
  given: string;
  lacks: readonly string[];
  ends: string;
  booked: string;
  reverses: string;
  reference: string;
  /** The day of the payment. */
  date: string;
};

/** A document that is written first and then given out, by the names of its fields. */
export type DocumentSource = {
  /** What giving it out is called: `POST /invoices/{id}/issue`. */
  act: string;
  /** The setting of the workspace that says how numbers look, and how they look where it says nothing. */
  numbering: { setting: string; usual: string };
  items: string;
  currency: string;
  number: string;
  series: string;
  /** When it was given out. */
  at: string;
  /** The day it bears, and the day until which it holds or is to be paid. */
  date: string;
  due: string;
  /** What the latter is called on paper. */
  dueLabel: string;
  /** The day of delivery. */
  delivered?: string;
  /** Days from the one to the other: a setting of the workspace, or this many. */
  days: { setting?: string; usual: number };
  /** Whom it is for: links, and what was copied when it was given out. */
  person: string;
  organisation: string;
  buyer: string;
  seller: string;
  totals: { net: string; tax: string; gross: string; taxes: string };
  /** Words that head it and that stand under it. */
  heading: string;
  note: string;
  /** The number that a tax authority gives a document after its issue. */
  mark?: string;
  reference?: string;
  /** Taken back by another document of the kind that links to it: when, how much of it, and what that act is called. */
  cancels?: { act: string; link: string; at: string; covered: string; open: string; paid: string };
  /** What the other party says to it, each with the field that keeps when. */
  answers?: readonly { act: string; at: string; excludes: string }[];
  /** The document that is made of it: `POST /quotes/{id}/invoice`. */
  becomes?: { kind: string; link: string; needs: string };
};

/**
 * What happened `at` a time to what the `links` lead to. `as` names it in `last_activity_at` and `activity_count`, where that is not the kind's
 * name; `only` records of which the field has one of these values count.
 */
export type TouchSource = {
  at: string;
  links: readonly string[];
  as?: string;
  only?: { field: string; is: readonly [string, ...string[]] };
};

/** A kind of record as it is declared: data, and nothing about how it is done. */
export type Declaration = {
  /** Singular, as in the handle `contact/c_…`. */
  name: string;
  /** As in the path `/contacts`; also the table. */
  plural: string;
  prefix: string;
  /** The workspace made it: its records are in the table that all such kinds share (derive/slots.ts). */
  shared?: true;
  about: string;
  /** The field that names the record to a person. */
  title: string;
  /** The fields whose values, one space between them, are the title of a new record that comes without one. */
  titleParts?: readonly string[];
  /** POST with a known value of this field updates that record. */
  naturalKey?: string;
  /** A record without any of these links is refused, and goes along when the last of them is deleted. */
  needsOneOf?: readonly string[];
  reminder?: ReminderSource;
  identity?: IdentitySource;
  card?: CardSource;
  /** An amount worth adding up, by the field that says what it is an amount of: totals are never mixed. */
  sums?: { amount: string; per: string };
  /** Each record is something that happened to what it links to, which tells when the last was and how many there are. */
  touches?: readonly TouchSource[];
  /**
   * Each record names e-mail addresses in these fields, and by them the records that have these addresses or domains, at the time `at`. Its fields
   * of the type `links` show which records those are.
   */
  mentions?: { at: string; in: readonly string[] };
  /**
   * What of it stands on the timelines of the records that it links to or mentions: each record, at the time by which its lists are ordered; or each
   * of its changes, which stand on its own timeline too. The changes of a record of an own kind stand on its own timeline alone.
   */
  timeline?: "records" | "changes";
  /**
   * Records that move through stages while `open` holds: `GET /pipeline` adds up their `sums` by `stage`. `probability` names the field that
   * says in percent how likely each is, where the kind has one.
   */
  pipeline?: { stage: string; open: { field: string; is: string }; probability?: string };
  /**
   * From when on a record stays as it is: once the field `when` has a value. Callers still change the fields in `free`. `instead` says what to do, to the refusal of anything else.
   */
  frozen?: { when: string; free: readonly string[]; instead: string };
  /** A record is an `amount` that is counted into a field of the one that it links to, if that is open. */
  settles?: SettlingSource;
  document?: DocumentSource;
  /** What a document says of whom it is for, by the names of the fields that hold it. */
  party?: Readonly<Record<string, string>>;
  /**
   * Each record puts what the link `whom` leads to into what the link `into` leads to, and does it once. `/campaigns/{id}/members` adds, changes and
   * removes them by filters, where `as` is `members`. `state` tells how far each is, `by` who sees to it. A record that goes takes along what is
   * still to be done for both.
   */
  joins?: { into: string; whom: string; as: string; state: string; by: string };
  /** Each record is a call of `whom` along the `script` that it links to: `answers` to `steps` of it, the `path` they took, and what is `next`. */
  walks?: { script: string; whom: string; steps: string; answers: string; path: string; next: string };
  /** `GET /scripts/{id}/export` is what its POST takes. */
  exported?: true;
  /** Where every word counts, only its name is told. */
  aside?: true;
  /** Its lines begin with its name alone: what they tell of has no identity. */
  nameless?: true;
  /** Its list takes parameters of its own and no filters. */
  unfiltered?: true;
  /** Rows a page of its list has at most; 200 unless it says so. */
  mostRows?: number;
  /** The order of a list that names none; `-` is descending. */
  order?: string;
  fields: Readonly<Record<string, FieldSpec>>;
  /** The values that make a good example; checked by a test, shown in hints, manual and OpenAPI. */
  example: Record<string, unknown>;
  /** What a record made of it has besides, of fields that are worked out. */
  made?: Record<string, unknown>;
};
