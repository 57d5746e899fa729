import { answersType } from "./answers.ts";
import { codeType } from "./code.ts";
import { customType, tagsType } from "./collections.ts";
import { countryType } from "./country.ts";
import { decimalType, percentType } from "./decimal.ts";
import { endpointType } from "./endpoint.ts";
import { itemsType, partyType, taxesType } from "./items.ts";
import { referenceType } from "./link.ts";
import { involvedType, linksType } from "./links.ts";
import { listOf } from "./list.ts";
import { mailboxesType, mailboxType, messageIdsType, messageIdType } from "./mailbox.ts";
import { questionsType } from "./questions.ts";
import type { FieldSpec } from "./spec.ts";
import { nextType, stepsType } from "./steps.ts";
import {
  booleanType,
  centsType,
  choiceType,
  countType,
  currencyType,
  domainType,
  emailType,
  knownType,
  personType,
  phoneType,
  phraseType,
  textType,
} from "./text.ts";
import { dateType, timeType } from "./time.ts";
import type { FieldType } from "./type.ts";

/** The vocabulary of the declarations in `records/`: one word a field type. */
type Options = Omit<FieldSpec, "type">;

const of =
  (type: FieldType) =>
  (options: Options): FieldSpec => ({ ...options, type });

/** Text of at most `most` characters; 500 can still be sorted and indexed. */
export const text = (options: Options, most = 500): FieldSpec => ({ ...options, type: textType(most) });
/** Text on one line that something is called by or sorted under: names, titles, labels. */
export const phrase = (options: Options, most = 500): FieldSpec => ({ ...options, type: phraseType(most) });
/** Text of any length a body can carry, shown with a single record. */
export const longText = (options: Options): FieldSpec => ({ shown: "detail", ...text(options, 1_000_000) });
export const email = of(emailType);
export const domain = of(domainType);
/** An address of a mail, several, and the ids of mails. */
export const mailbox = of(mailboxType);
export const mailboxes = of(mailboxesType);
export const messageId = of(messageIdType);
export const messageIds = of(messageIdsType);
export const phone = of(phoneType);
export const person = of(personType);
export const code = of(codeType);
export const cents = of(centsType);
export const currency = of(currencyType);
export const count = of(countType);
export const decimal = of(decimalType);
export const percent = of(percentType);
export const country = of(countryType);
export const endpoint = of(endpointType);
export const time = of(timeType);
export const date = of(dateType);
export const boolean = of(booleanType);
export const tags = of(tagsType);
export const custom = (options: Options): FieldSpec => ({ shown: "detail", ...options, type: customType });
export const choice = (choices: readonly [string, ...string[]], options: Options): FieldSpec => ({
  ...options,
  type: choiceType(choices),
});
/** A phrase that is mostly one of these. */
export const known = (values: readonly [string, ...string[]], options: Options): FieldSpec => ({
  ...options,
  type: knownType(values),
});

/** What a document sells, line by line. `takes`: the records that a line may name, and what it takes from them. */
export const items = (takes: NonNullable<FieldSpec["takes"]>, options: Options): FieldSpec => ({
  shown: "detail",
  takes,
  ...options,
  type: itemsType(Object.keys(takes)),
});
export const taxes = (options: Options): FieldSpec => ({ shown: "detail", ...options, type: taxesType });
export const party = (options: Options): FieldSpec => ({ shown: "detail", ...options, type: partyType });

/** A list of further values beside the main one, of the same type: `emails` beside `email`. */
export const further = (main: string, word: (options: Options) => FieldSpec, options: Options): FieldSpec => ({
  ...options,
  type: listOf(word(options).type),
  further: main,
});

/** The path of a call, answers along it, and what comes next; what a form asks, and answers to it. Answers name the field that they answer to. */
export const steps = (options: Options): FieldSpec => ({ shown: "detail", ...options, type: stepsType });
export const answers = (to: string, options: Options): FieldSpec => ({ ...options, type: answersType("answers", to) });
export const next = (options: Options): FieldSpec => ({ shown: "detail", ...options, type: nextType });
export const questions = (options: Options): FieldSpec => ({ shown: "detail", ...options, type: questionsType });
export const responses = (to: string, options: Options): FieldSpec => ({ ...options, type: answersType("responses", to) });

/** A link to a record of another kind. Its field is called `<name>_id`; the name of that record shows beside it as `<name>`. */
export const link = (target: string, options: Options): FieldSpec => ({ ...options, type: referenceType(target) });

/** The records of a kind that have an address which the record names. */
export const links = (target: string, options: Options): FieldSpec => ({
  readOnly: true,
  optional: true,
  ...options,
  type: linksType(target),
});
/** All addresses that the record names. */
export const involved = (options: Options): FieldSpec => ({
  readOnly: true,
  optional: true,
  ...options,
  type: involvedType,
});

export const required = (spec: FieldSpec): FieldSpec => ({ ...spec, required: true });
