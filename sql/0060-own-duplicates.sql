-- Duplicates are found among the records of own kinds, too: by their titles, by addresses and domains in their first texts, and by their first phone.

-- The key of a text that is an address of mail, as crm_mail_key, or a domain, as crm_domain_key; null of any other. A slot may hold either.
create function crm_own_mark(value text) returns text
  language plpgsql immutable strict parallel unsafe
  as $$
begin
  if pg_catalog.length(value) > 320 then
    return null;
  elsif pg_catalog.strpos(value, '@') > 1 then
    return public.crm_mail_key(pg_catalog.lower(value));
  elsif value operator(pg_catalog.~) '^[^\s/@:.]+(\.[^\s/@:.]+)+$' then
    return public.crm_domain_key(pg_catalog.lower(value));
  end if;
  return null;
end $$;

CREATE INDEX own_records_a0_same_idx ON own_records USING btree (workspace_id, kind, crm_organisation_key(((own ->> 'a0'::text) COLLATE "C")), id) WHERE ((crm_organisation_key(((own ->> 'a0'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_k0_same_idx ON own_records USING btree (workspace_id, kind, crm_own_mark(((own ->> 'k0'::text) COLLATE "C")), id) WHERE ((crm_own_mark(((own ->> 'k0'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t1_same_idx ON own_records USING btree (workspace_id, kind, crm_own_mark(((own ->> 't1'::text) COLLATE "C")), id) WHERE ((crm_own_mark(((own ->> 't1'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t2_same_idx ON own_records USING btree (workspace_id, kind, crm_own_mark(((own ->> 't2'::text) COLLATE "C")), id) WHERE ((crm_own_mark(((own ->> 't2'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t3_same_idx ON own_records USING btree (workspace_id, kind, crm_own_mark(((own ->> 't3'::text) COLLATE "C")), id) WHERE ((crm_own_mark(((own ->> 't3'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t4_same_idx ON own_records USING btree (workspace_id, kind, crm_own_mark(((own ->> 't4'::text) COLLATE "C")), id) WHERE ((crm_own_mark(((own ->> 't4'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t5_same_idx ON own_records USING btree (workspace_id, kind, crm_own_mark(((own ->> 't5'::text) COLLATE "C")), id) WHERE ((crm_own_mark(((own ->> 't5'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t6_same_idx ON own_records USING btree (workspace_id, kind, crm_own_mark(((own ->> 't6'::text) COLLATE "C")), id) WHERE ((crm_own_mark(((own ->> 't6'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t7_same_idx ON own_records USING btree (workspace_id, kind, crm_own_mark(((own ->> 't7'::text) COLLATE "C")), id) WHERE ((crm_own_mark(((own ->> 't7'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t8_same_idx ON own_records USING btree (workspace_id, kind, crm_own_mark(((own ->> 't8'::text) COLLATE "C")), id) WHERE ((crm_own_mark(((own ->> 't8'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_p1_same_idx ON own_records USING btree (workspace_id, kind, crm_phone_key(((own ->> 'p1'::text) COLLATE "C")), id) WHERE ((crm_phone_key(((own ->> 'p1'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
