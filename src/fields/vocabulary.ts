import type { FieldSpec } from "../records/define.ts";
import { customKind, tagsKind } from "./collections.ts";
import { linkedNameKind, referenceKind } from "./link.ts";
import {
  booleanKind,
  centsKind,
  choiceKind,
  currencyKind,
  domainKind,
  emailKind,
  knownKind,
  personKind,
  phoneKind,
  phraseKind,
  textKind,
} from "./text.ts";
import { dateKind, timeKind } from "./time.ts";
import type { FieldKind } from "./type.ts";

/** The vocabulary of the declarations in this folder: one word a field kind. */
type Options = Omit<FieldSpec, "kind">;

const of =
  (kind: FieldKind) =>
  (options: Options): FieldSpec => ({ ...options, kind });

/** Text of at most `most` characters; 500 can still be sorted and indexed. */
export const text = (options: Options, most = 500): FieldSpec => ({ ...options, kind: textKind(most) });
/** Text on one line that something is called by or sorted under: names, titles, labels. */
export const phrase = (options: Options, most = 500): FieldSpec => ({ ...options, kind: phraseKind(most) });
/** Text of any length a body can carry, shown with a single record. */
export const longText = (options: Options): FieldSpec => ({ shown: "detail", ...text(options, 1_000_000) });
export const email = of(emailKind);
export const domain = of(domainKind);
export const phone = of(phoneKind);
export const person = of(personKind);
export const cents = of(centsKind);
export const currency = of(currencyKind);
export const time = of(timeKind);
export const date = of(dateKind);
export const boolean = of(booleanKind);
export const tags = of(tagsKind);
export const custom = (options: Options): FieldSpec => ({ shown: "detail", ...options, kind: customKind });
export const choice = (choices: readonly [string, ...string[]], options: Options): FieldSpec => ({
  ...options,
  kind: choiceKind(choices),
});
/** A phrase that is mostly one of these. */
export const known = (values: readonly [string, ...string[]], options: Options): FieldSpec => ({
  ...options,
  kind: knownKind(values),
});

/** A link to a record of another kind: declare it as `<target>_id`; the name `<target>` comes along. */
export const link = (target: string, options: Options): FieldSpec => ({
  ...options,
  kind: referenceKind(target),
  also: { [target]: { about: `the name of that ${target}`, kind: linkedNameKind(target) } },
});

export const required = (spec: FieldSpec): FieldSpec => ({ ...spec, required: true });
