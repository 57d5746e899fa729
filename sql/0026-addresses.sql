-- Several addresses: a list of further values stands beside a main one. All values of a natural key, main or further, belong to one living
-- record, which is what the primary key of this table says. Records keep them in columns of their own, so that their history has them.
--
-- The searched text of contacts and companies holds the further values too: both tables are written anew with all their indexes, and
-- nobody reads or writes them meanwhile. Until then the old and the new are both on disk.

-- In the order that readers and foreign keys lock them.
lock table contacts, companies in access exclusive mode;

create table addresses (
  workspace_id text collate "C" not null,
  kind text collate "C" not null,
  value text collate "C" not null,
  record_id text collate "C" not null,
  primary key (workspace_id, kind, value)
);

insert into addresses (workspace_id, kind, value, record_id)
  select workspace_id, 'contact', email, id from contacts where email is not null and deleted_at is null
  union all
  select workspace_id, 'company', domain, id from companies where domain is not null and deleted_at is null;

-- The digits of each number of a list, as crm_digits gives them.
create function crm_digits_of(phones text[]) returns text
  language plpgsql immutable strict parallel safe
  as $$
declare
  phone text;
  digits text := '';
begin
  foreach phone in array phones loop
    digits := digits || ' ' || public.crm_digits(phone);
  end loop;
  return digits;
end $$;

-- A list of further values without the main one, and with another that is not to be lost.
create function crm_further(list text[], main text, also text) returns text[]
  language plpgsql immutable parallel safe
  as $$
begin
  if also is not null and not coalesce(also = any (list), false) then
    list := list || also;
  end if;
  return nullif(pg_catalog.array_remove(list, main), '{}');
end $$;

-- Generated from the declarations.
CREATE INDEX employees_email_gone_idx ON employees USING btree (workspace_id, email) WHERE ((email IS NOT NULL) AND (deleted_at IS NOT NULL));
CREATE INDEX services_sku_gone_idx ON services USING btree (workspace_id, lower(sku)) WHERE ((sku IS NOT NULL) AND (deleted_at IS NOT NULL));
CREATE INDEX products_sku_gone_idx ON products USING btree (workspace_id, lower(sku)) WHERE ((sku IS NOT NULL) AND (deleted_at IS NOT NULL));
alter table companies add column "domains" text[];
alter table companies drop column search, add column "search" text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[name, domain, crm_words(domains), industry, phone, crm_digits(phone), crm_words(tags), notes]))) stored;
alter table companies add constraint companies_domains_fits CHECK ((cardinality(domains) <= 20));
CREATE INDEX companies_domain_gone_idx ON companies USING btree (workspace_id, domain) WHERE ((domain IS NOT NULL) AND (deleted_at IS NOT NULL));
CREATE INDEX companies_domains_gone_idx ON companies USING gin (workspace_id, domains) WHERE ((domains IS NOT NULL) AND (deleted_at IS NOT NULL));
CREATE INDEX companies_search_idx ON companies USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX companies_lexemes_idx ON companies USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
CREATE INDEX companies_domains_idx ON companies USING gin (workspace_id, domains) WHERE ((domains IS NOT NULL) AND (deleted_at IS NULL));
alter table companies alter column search set statistics 200;
alter index companies_lexemes_idx alter column 1 set statistics 0;
create or replace function companies_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof companies language plpgsql as $$
declare
  n companies := jsonb_populate_record(null::companies, p_initial || p_sent);
  w companies;
  a_id text := p_id;
  a_rows integer;
  a_values text[];
begin
  if p_key is not null then
    insert into idempotency_keys (workspace_id, key, fingerprint, record_id, created_at)
      values (p_workspace, p_key, p_fingerprint, p_id, p_at) on conflict do nothing;
    if not found then
      return;
    end if;
  end if;
  for a_turn in 1..3 loop
    if p_creates then
      select r.id into a_id from companies r where r.workspace_id = p_workspace and r."domain" = n."domain" and r.deleted_at is null;
      if a_id is null then
        a_values := array_remove(n."domains" || n."domain", null);
        insert into addresses (workspace_id, kind, value, record_id)
          select distinct p_workspace, 'company', v, p_id from unnest(a_values) v order by v on conflict do nothing;
        get diagnostics a_rows = row_count;
        if a_rows = (select count(distinct v) from unnest(a_values) v) then
          insert into companies as r (workspace_id, id, "name", "domain", "domains", "industry", "phone", "owner", "tags", "street", "postal_code", "city", "region", "country", "tax_id", "notes", "custom", version, created_at, created_by, updated_at, xid)
            values (p_workspace, p_id, n."name", n."domain", nullif(array_remove(n."domains", n."domain"), '{}'), n."industry", n."phone", n."owner", nullif(n."tags", '{}'), n."street", n."postal_code", n."city", n."region", n."country", n."tax_id", n."notes", nullif(n."custom", '{}'), 1, p_at, p_actor, p_at, pg_current_xact_id())
            returning r.* into w;
          exit;
        end if;
        delete from addresses a where a.workspace_id = p_workspace and a.kind = 'company' and a.value = any (a_values) and a.record_id = p_id;
        select a.record_id into a_id from addresses a where a.workspace_id = p_workspace and a.kind = 'company' and a.value = n."domain";
        if a_id is null then
          if a_turn = 3 then
            raise unique_violation using constraint = 'addresses_pkey';
          end if;
          continue;
        end if;
      end if;
    end if;
    if p_sent ? 'domains' or p_sent ? 'domain' and not p_creates then
      select array_remove(r."domains" || r."domain", null) into a_values from companies r
        where r.workspace_id = p_workspace and right(r.id, 8) = right(a_id, 8) and right(r.id, length(a_id)) = a_id and r.deleted_at is null for no key update;
    end if;
    update companies r set "name" = case when p_sent ? 'name' then n."name" else r."name" end,
        "domain" = case when p_sent ? 'domain' and not p_creates then n."domain" else r."domain" end,
        "domains" = case when p_sent ? 'domains' or p_sent ? 'domain' and r."domains" is not null then crm_further(case when p_sent ? 'domains' then case when 'domains.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."domains", '{}') || array(select a from unnest(n."domains") a where a <> all (coalesce(r."domains", '{}')))) with ordinality u (t, i) where 'domains.' || t <> all (p_removed) order by i), '{}') else n."domains" end else r."domains" end, case when p_sent ? 'domain' and not p_creates then n."domain" else r."domain" end, case when p_creates then n."domain" else case when p_sent ? 'domain' and n."domain" = any (r."domains") and not (p_sent ? 'domains' and not 'domains.,' = any (p_removed)) then r."domain" end end) else r."domains" end,
        "industry" = case when p_sent ? 'industry' then n."industry" else r."industry" end,
        "phone" = case when p_sent ? 'phone' then n."phone" else r."phone" end,
        "owner" = case when p_sent ? 'owner' then n."owner" else r."owner" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "street" = case when p_sent ? 'street' then n."street" else r."street" end,
        "postal_code" = case when p_sent ? 'postal_code' then n."postal_code" else r."postal_code" end,
        "city" = case when p_sent ? 'city' then n."city" else r."city" end,
        "region" = case when p_sent ? 'region' then n."region" else r."region" end,
        "country" = case when p_sent ? 'country' then n."country" else r."country" end,
        "tax_id" = case when p_sent ? 'tax_id' then n."tax_id" else r."tax_id" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(a_id, 8) and right(r.id, length(a_id)) = a_id and r.deleted_at is null and (not p_creates or (r."domain" = n."domain" or n."domain" = any (r."domains")))
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."domain", r."domains", r."industry", r."phone", r."owner", r."tags", r."street", r."postal_code", r."city", r."region", r."country", r."tax_id", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'domain' and not p_creates then n."domain" else r."domain" end, case when p_sent ? 'domains' or p_sent ? 'domain' and r."domains" is not null then crm_further(case when p_sent ? 'domains' then case when 'domains.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."domains", '{}') || array(select a from unnest(n."domains") a where a <> all (coalesce(r."domains", '{}')))) with ordinality u (t, i) where 'domains.' || t <> all (p_removed) order by i), '{}') else n."domains" end else r."domains" end, case when p_sent ? 'domain' and not p_creates then n."domain" else r."domain" end, case when p_creates then n."domain" else case when p_sent ? 'domain' and n."domain" = any (r."domains") and not (p_sent ? 'domains' and not 'domains.,' = any (p_removed)) then r."domain" end end) else r."domains" end, case when p_sent ? 'industry' then n."industry" else r."industry" end, case when p_sent ? 'phone' then n."phone" else r."phone" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'street' then n."street" else r."street" end, case when p_sent ? 'postal_code' then n."postal_code" else r."postal_code" end, case when p_sent ? 'city' then n."city" else r."city" end, case when p_sent ? 'region' then n."region" else r."region" end, case when p_sent ? 'country' then n."country" else r."country" end, case when p_sent ? 'tax_id' then n."tax_id" else r."tax_id" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
    if w.id is not null and (p_sent ? 'domains' or p_sent ? 'domain' and not p_creates) then
      delete from addresses a where a.workspace_id = p_workspace and a.kind = 'company' and a.value = any (a_values) and a.value <> all (array_remove(w."domains" || w."domain", null)) and a.record_id = w.id;
      insert into addresses (workspace_id, kind, value, record_id)
        select distinct p_workspace, 'company', v, w.id from unnest(array_remove(w."domains" || w."domain", null)) v where v <> all (a_values) order by v;
    end if;
    exit when w.id is not null or not p_creates or exists (select from companies r where r.workspace_id = p_workspace and r.id = a_id and r.deleted_at is null and (r."domain" = n."domain" or n."domain" = any (r."domains")));
  end loop;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from companies r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'company', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'company', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then to_jsonb(w) - '{workspace_id,search,xid}'::text[]
        else (select to_jsonb(w) - '{workspace_id,search,xid}'::text[] - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;
alter table contacts add column "emails" text[];
alter table contacts add column "phones" text[];
alter table contacts drop column search, add column "search" text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[name, email, crm_words(emails), phone, crm_digits(phone), crm_words(phones), crm_digits_of(phones), title, crm_words(tags), follow_up_note, notes]))) stored;
alter table contacts add constraint contacts_emails_fits CHECK ((cardinality(emails) <= 20));
alter table contacts add constraint contacts_phones_fits CHECK ((cardinality(phones) <= 20));
CREATE INDEX contacts_email_gone_idx ON contacts USING btree (workspace_id, email) WHERE ((email IS NOT NULL) AND (deleted_at IS NOT NULL));
CREATE INDEX contacts_emails_gone_idx ON contacts USING gin (workspace_id, emails) WHERE ((emails IS NOT NULL) AND (deleted_at IS NOT NULL));
CREATE INDEX contacts_search_idx ON contacts USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX contacts_lexemes_idx ON contacts USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
CREATE INDEX contacts_emails_idx ON contacts USING gin (workspace_id, emails) WHERE ((emails IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX contacts_phones_idx ON contacts USING gin (workspace_id, phones) WHERE ((phones IS NOT NULL) AND (deleted_at IS NULL));
alter table contacts alter column search set statistics 200;
alter index contacts_lexemes_idx alter column 1 set statistics 0;
create or replace function contacts_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof contacts language plpgsql as $$
declare
  n contacts := jsonb_populate_record(null::contacts, p_initial || p_sent);
  w contacts;
  a_id text := p_id;
  a_rows integer;
  a_values text[];
begin
  if n."company_id" is not null then
    select t.id into n."company_id" from companies t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."company_id", 8) and right(t.id, length(n."company_id")) = n."company_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'company_id' then
      return;
    end if;
  end if;
  if p_key is not null then
    insert into idempotency_keys (workspace_id, key, fingerprint, record_id, created_at)
      values (p_workspace, p_key, p_fingerprint, p_id, p_at) on conflict do nothing;
    if not found then
      return;
    end if;
  end if;
  for a_turn in 1..3 loop
    if p_creates then
      select r.id into a_id from contacts r where r.workspace_id = p_workspace and r."email" = n."email" and r.deleted_at is null;
      if a_id is null then
        a_values := array_remove(n."emails" || n."email", null);
        insert into addresses (workspace_id, kind, value, record_id)
          select distinct p_workspace, 'contact', v, p_id from unnest(a_values) v order by v on conflict do nothing;
        get diagnostics a_rows = row_count;
        if a_rows = (select count(distinct v) from unnest(a_values) v) then
          insert into contacts as r (workspace_id, id, "name", "first_name", "last_name", "email", "emails", "phone", "phones", "title", "company_id", "stage", "owner", "tags", "follow_up_at", "follow_up_note", "street", "postal_code", "city", "region", "country", "notes", "custom", version, created_at, created_by, updated_at, xid)
            values (p_workspace, p_id, n."name", n."first_name", n."last_name", n."email", nullif(array_remove(n."emails", n."email"), '{}'), n."phone", nullif(array_remove(n."phones", n."phone"), '{}'), n."title", n."company_id", n."stage", n."owner", nullif(n."tags", '{}'), n."follow_up_at", n."follow_up_note", n."street", n."postal_code", n."city", n."region", n."country", n."notes", nullif(n."custom", '{}'), 1, p_at, p_actor, p_at, pg_current_xact_id())
            returning r.* into w;
          exit;
        end if;
        delete from addresses a where a.workspace_id = p_workspace and a.kind = 'contact' and a.value = any (a_values) and a.record_id = p_id;
        select a.record_id into a_id from addresses a where a.workspace_id = p_workspace and a.kind = 'contact' and a.value = n."email";
        if a_id is null then
          if a_turn = 3 then
            raise unique_violation using constraint = 'addresses_pkey';
          end if;
          continue;
        end if;
      end if;
    end if;
    if p_sent ? 'emails' or p_sent ? 'email' and not p_creates then
      select array_remove(r."emails" || r."email", null) into a_values from contacts r
        where r.workspace_id = p_workspace and right(r.id, 8) = right(a_id, 8) and right(r.id, length(a_id)) = a_id and r.deleted_at is null for no key update;
    end if;
    update contacts r set "name" = case when p_sent ? 'name' then n."name" else r."name" end,
        "first_name" = case when p_sent ? 'first_name' then n."first_name" else r."first_name" end,
        "last_name" = case when p_sent ? 'last_name' then n."last_name" else r."last_name" end,
        "email" = case when p_sent ? 'email' and not p_creates then n."email" else r."email" end,
        "emails" = case when p_sent ? 'emails' or p_sent ? 'email' and r."emails" is not null then crm_further(case when p_sent ? 'emails' then case when 'emails.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."emails", '{}') || array(select a from unnest(n."emails") a where a <> all (coalesce(r."emails", '{}')))) with ordinality u (t, i) where 'emails.' || t <> all (p_removed) order by i), '{}') else n."emails" end else r."emails" end, case when p_sent ? 'email' and not p_creates then n."email" else r."email" end, case when p_creates then n."email" else case when p_sent ? 'email' and n."email" = any (r."emails") and not (p_sent ? 'emails' and not 'emails.,' = any (p_removed)) then r."email" end end) else r."emails" end,
        "phone" = case when p_sent ? 'phone' then n."phone" else r."phone" end,
        "phones" = case when p_sent ? 'phones' or p_sent ? 'phone' and r."phones" is not null then crm_further(case when p_sent ? 'phones' then case when 'phones.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."phones", '{}') || array(select a from unnest(n."phones") a where a <> all (coalesce(r."phones", '{}')))) with ordinality u (t, i) where 'phones.' || t <> all (p_removed) order by i), '{}') else n."phones" end else r."phones" end, case when p_sent ? 'phone' then n."phone" else r."phone" end, case when p_sent ? 'phone' and n."phone" = any (r."phones") and not (p_sent ? 'phones' and not 'phones.,' = any (p_removed)) then r."phone" end) else r."phones" end,
        "title" = case when p_sent ? 'title' then n."title" else r."title" end,
        "company_id" = case when p_sent ? 'company_id' then n."company_id" else r."company_id" end,
        "stage" = case when p_sent ? 'stage' then n."stage" else r."stage" end,
        "owner" = case when p_sent ? 'owner' then n."owner" else r."owner" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "follow_up_at" = case when p_sent ? 'follow_up_at' then n."follow_up_at" else r."follow_up_at" end,
        "follow_up_note" = case when p_sent ? 'follow_up_note' then n."follow_up_note" else r."follow_up_note" end,
        "street" = case when p_sent ? 'street' then n."street" else r."street" end,
        "postal_code" = case when p_sent ? 'postal_code' then n."postal_code" else r."postal_code" end,
        "city" = case when p_sent ? 'city' then n."city" else r."city" end,
        "region" = case when p_sent ? 'region' then n."region" else r."region" end,
        "country" = case when p_sent ? 'country' then n."country" else r."country" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(a_id, 8) and right(r.id, length(a_id)) = a_id and r.deleted_at is null and (not p_creates or (r."email" = n."email" or n."email" = any (r."emails")))
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."first_name", r."last_name", r."email", r."emails", r."phone", r."phones", r."title", r."company_id", r."stage", r."owner", r."tags", r."follow_up_at", r."follow_up_note", r."street", r."postal_code", r."city", r."region", r."country", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'first_name' then n."first_name" else r."first_name" end, case when p_sent ? 'last_name' then n."last_name" else r."last_name" end, case when p_sent ? 'email' and not p_creates then n."email" else r."email" end, case when p_sent ? 'emails' or p_sent ? 'email' and r."emails" is not null then crm_further(case when p_sent ? 'emails' then case when 'emails.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."emails", '{}') || array(select a from unnest(n."emails") a where a <> all (coalesce(r."emails", '{}')))) with ordinality u (t, i) where 'emails.' || t <> all (p_removed) order by i), '{}') else n."emails" end else r."emails" end, case when p_sent ? 'email' and not p_creates then n."email" else r."email" end, case when p_creates then n."email" else case when p_sent ? 'email' and n."email" = any (r."emails") and not (p_sent ? 'emails' and not 'emails.,' = any (p_removed)) then r."email" end end) else r."emails" end, case when p_sent ? 'phone' then n."phone" else r."phone" end, case when p_sent ? 'phones' or p_sent ? 'phone' and r."phones" is not null then crm_further(case when p_sent ? 'phones' then case when 'phones.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."phones", '{}') || array(select a from unnest(n."phones") a where a <> all (coalesce(r."phones", '{}')))) with ordinality u (t, i) where 'phones.' || t <> all (p_removed) order by i), '{}') else n."phones" end else r."phones" end, case when p_sent ? 'phone' then n."phone" else r."phone" end, case when p_sent ? 'phone' and n."phone" = any (r."phones") and not (p_sent ? 'phones' and not 'phones.,' = any (p_removed)) then r."phone" end) else r."phones" end, case when p_sent ? 'title' then n."title" else r."title" end, case when p_sent ? 'company_id' then n."company_id" else r."company_id" end, case when p_sent ? 'stage' then n."stage" else r."stage" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'follow_up_at' then n."follow_up_at" else r."follow_up_at" end, case when p_sent ? 'follow_up_note' then n."follow_up_note" else r."follow_up_note" end, case when p_sent ? 'street' then n."street" else r."street" end, case when p_sent ? 'postal_code' then n."postal_code" else r."postal_code" end, case when p_sent ? 'city' then n."city" else r."city" end, case when p_sent ? 'region' then n."region" else r."region" end, case when p_sent ? 'country' then n."country" else r."country" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
    if w.id is not null and (p_sent ? 'emails' or p_sent ? 'email' and not p_creates) then
      delete from addresses a where a.workspace_id = p_workspace and a.kind = 'contact' and a.value = any (a_values) and a.value <> all (array_remove(w."emails" || w."email", null)) and a.record_id = w.id;
      insert into addresses (workspace_id, kind, value, record_id)
        select distinct p_workspace, 'contact', v, w.id from unnest(array_remove(w."emails" || w."email", null)) v where v <> all (a_values) order by v;
    end if;
    exit when w.id is not null or not p_creates or exists (select from contacts r where r.workspace_id = p_workspace and r.id = a_id and r.deleted_at is null and (r."email" = n."email" or n."email" = any (r."emails")));
  end loop;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from contacts r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'contact', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'contact', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then to_jsonb(w) - '{workspace_id,search,xid}'::text[]
        else (select to_jsonb(w) - '{workspace_id,search,xid}'::text[] - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;
