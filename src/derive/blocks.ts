import { derived } from "../records/derived.ts";
import { columnName, type Kind } from "../records/kind.ts";

/**
 * A key that records which are one have in common; an index has the records in its order. `key` is SQL about the `column` of the field.
 * `named`: what they have in common is their name alone, and the key takes a while to work out.
 */
export type Block = { name: string; field: string; column: string; key: (column: string) => string; named: boolean };

/** The blocks of a kind, the surest first; none where nothing tells who its records are. */
export const blocksOf = derived(({ identity, shared, field }: Kind): readonly Block[] => {
  const { person, organisation, email, domain, phone } = identity ?? {};
  const block = (name: string, of: string | undefined, sql: string): Block[] => {
    if (of === undefined) return [];
    const column = columnName(field(of)!);
    return [{ name, field: of, column, key: (value) => `${sql}(${value})`, named: of === (person ?? organisation) }];
  };
  return [
    ...block("same_mailbox", email, shared ? OWN_MARK : "crm_mail_key"),
    ...block("same_stem", domain, shared ? OWN_MARK : "crm_domain_key"),
    ...block("same_phone", phone, PHONE_KEY),
    ...block("same_sounds", person, "crm_person_sounds"),
    ...block("same_person", person, "crm_person_key"),
    ...block("same_organisation", organisation, ORGANISATION_KEY),
  ];
});

export const PHONE_KEY = "crm_phone_key";
export const ORGANISATION_KEY = "crm_organisation_key";
/** The key of a text that is an address of mail or a domain; of any other it is null. A slot may hold either. */
export const OWN_MARK = "crm_own_mark";

/** The words of a name as they are compared, as SQL. */
export const wordsSql = ({ identity, field }: Kind, column: (name: string) => string): string => {
  const { person, organisation } = identity!;
  const of = (name: string) => column(columnName(field(name)!));
  if (person !== undefined) return `crm_person_words(${of(person)})`;
  return organisation === undefined ? "null::text[]" : `crm_organisation_words(${of(organisation)})`;
};
