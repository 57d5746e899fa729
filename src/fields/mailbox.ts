import { z } from "zod";
import { addressesIn } from "../kit/mailboxes.ts";
import { inPlace, itemsOf, listOf } from "./list.ts";
import { scalarPredicate } from "./operators.ts";
import { emailType, isEmail, readEmail, textType } from "./text.ts";
import type { FieldType } from "./type.ts";

/** Characters of a header. A longer one is refused before it is read. */
const LONGEST_HEADER = 100_000;

const read = (header: string) => (header.length > LONGEST_HEADER ? [header] : addressesIn(header));

/** An address as a mail has it; the name before it is dropped, because the contact with that address has one. */
export const mailboxType: FieldType = {
  ...emailType,
  name: "mailbox",
  expects: "an e-mail address, bare or as in Jane Doe <jane@acme.com>",
  fromText: (text) => {
    const [address = "", ...others] = read(text);
    return others.length > 0 ? text : readEmail(address);
  },
};

const isMailbox = (address: string) => address.length <= 254 && isEmail(readEmail(address));

/** People that one mail names in one header. */
const MOST_MAILBOXES = 500;

/** The addresses in a header of a mail: a list whose items may each hold several, or the header's text. */
export const mailboxesType: FieldType = {
  ...listOf(mailboxType),
  expects: `a list of at most ${MOST_MAILBOXES} e-mail addresses, or a header such as Jane Doe <jane@acme.com>, sam@acme.com`,
  ...inPlace(MOST_MAILBOXES, z.array(z.string().refine((text) => read(text).every(isMailbox))).max(MOST_MAILBOXES), (texts) =>
    texts.flatMap((text) => read(text).map(readEmail)),
  ),
  refusal: "invalid_email",
  fromText: read,
};

/** Long ones are of some hundred characters; an index entry has room for these. */
const MOST_OF_ID = 500;
const MESSAGE_ID = /^[^\s<>\p{C}\p{Default_Ignorable_Code_Point}]+$/u;

const readMessageId = (text: string) =>
  text
    .normalize("NFC")
    .trim()
    .replace(/^<([^<>]*)>$/, "$1");

/** The Message-ID of a mail, without its angle brackets. */
export const messageIdType: FieldType = {
  ...textType(MOST_OF_ID, "a Message-ID such as CAF3x@mail.acme.com"),
  name: "message id",
  sortsFolded: false,
  schema: z.string().min(1).max(MOST_OF_ID).regex(MESSAGE_ID),
  fromText: readMessageId,
  toColumn: (value) => readMessageId(value as string),
  predicate: scalarPredicate(readMessageId, readMessageId),
};

const MOST_IDS = 100;

/** Message-IDs, or the text of a header In-Reply-To or References, in which blanks stand between them. */
export const messageIdsType: FieldType = {
  ...listOf(messageIdType),
  expects: `a list of at most ${MOST_IDS} Message-IDs, or a header such as <a@acme.com> <b@acme.com>`,
  ...inPlace(
    MOST_IDS,
    z.array(z.string().refine((text) => MESSAGE_ID.test(readMessageId(text)) && text.length <= MOST_OF_ID)).max(MOST_IDS),
    (texts) => texts.map(readMessageId),
  ),
  indexed: () => [],
  fromText: (text) => text.match(/<[^<>\s]+>/g) ?? itemsOf(text).flatMap((item) => item.split(/\s+/)),
};
