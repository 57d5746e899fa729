import { derived } from "../records/derived.ts";
import type { Kind } from "../records/kind.ts";

/**
 * A key that records which are one have in common; an index has the records in its order. `key` is SQL about the column. `named`: what they have
 * in common is their name alone, and the key takes a while to work out.
 */
export type Block = { name: string; field: string; key: (column: string) => string; named: boolean };

/** The blocks of a kind, the surest first; none where nothing tells who its records are. */
export const blocksOf = derived(({ identity }: Kind): readonly Block[] => {
  const { person, organisation, email, domain, phone } = identity ?? {};
  const block = (name: string, field: string | undefined, sql: string): Block[] =>
    field === undefined
      ? []
      : [{ name, field, key: (column) => `${sql}(${column})`, named: field === (person ?? organisation) }];
  return [
    ...block("same_mailbox", email, "crm_mail_key"),
    ...block("same_stem", domain, "crm_domain_key"),
    ...block("same_phone", phone, "crm_phone_key"),
    ...block("same_sounds", person, "crm_person_sounds"),
    ...block("same_person", person, "crm_person_key"),
    ...block("same_organisation", organisation, "crm_organisation_key"),
  ];
});

/** The words of a name as they are compared, as SQL. */
export const wordsSql = ({ identity }: Kind, column: (field: string) => string): string => {
  const { person, organisation } = identity!;
  return person === undefined ? `crm_organisation_words(${column(organisation!)})` : `crm_person_words(${column(person)})`;
};
