-- Where parties take electronic documents, their numbers in the register of companies, and the number that a tax authority gives a document.
-- A payment that does not fit is told what is open.
alter table workspaces add column registration_id text, add column endpoint text;

-- Generated from the declarations.
alter table companies add column "registration_id" text collate "C";
alter table companies add column "endpoint" text collate "C";
create or replace function companies_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof companies language plpgsql as $$
declare
  n companies := jsonb_populate_record(null::companies, p_initial || p_sent);
  w companies;
  o jsonb := p_sent -> 'own';
  a_id text := p_id;
  a_rows integer;
  a_value text;
  a_values text[];
begin
  if p_sent ? '=links' then
    o := crm_linked(p_workspace, o, p_sent -> '=links');
    if o is null then
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
      select r.id into a_id from companies r where r.workspace_id = p_workspace and r."domain" = n."domain" and r.deleted_at is null;
      if a_id is null then
        a_values := array_remove(n."domains" || n."domain", null);
        a_rows := 0;
        for a_value in select distinct v from unnest(a_values) v order by v loop
          insert into addresses (workspace_id, kind, value, record_id) values (p_workspace, 'company', a_value, p_id) on conflict do nothing;
          if found then
            a_rows := a_rows + 1;
          end if;
        end loop;
        if a_rows = (select count(distinct v) from unnest(a_values) v) then
          insert into companies as r (workspace_id, id, "name", "domain", "domains", "industry", "phone", "owner", "tags", "street", "postal_code", "city", "region", "country", "tax_id", "registration_id", "endpoint", "notes", "custom", own, version, created_at, created_by, updated_at, xid)
            values (p_workspace, p_id, n."name", n."domain", nullif(array_remove(n."domains", n."domain"), '{}'), n."industry", n."phone", n."owner", nullif(n."tags", '{}'), n."street", n."postal_code", n."city", n."region", n."country", n."tax_id", n."registration_id", n."endpoint", n."notes", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
            returning r.* into w;
          exit;
        end if;
        delete from addresses a where a.workspace_id = p_workspace and a.kind = 'company' and a.value = any (a_values) and a.record_id = p_id;
        select a.record_id into a_id from addresses a where a.workspace_id = p_workspace and a.kind = 'company' and a.value = n."domain";
        if a_id is null then
          if a_turn = 3 then
            raise unique_violation using constraint = 'addresses_pkey', message = 'refused by constraint "addresses_pkey"';
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
        "registration_id" = case when p_sent ? 'registration_id' then n."registration_id" else r."registration_id" end,
        "endpoint" = case when p_sent ? 'endpoint' then n."endpoint" else r."endpoint" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(a_id, 8) and right(r.id, length(a_id)) = a_id and r.deleted_at is null and (not p_creates or (r."domain" = n."domain" or n."domain" = any (r."domains")))
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."domain", r."domains", r."industry", r."phone", r."owner", r."tags", r."street", r."postal_code", r."city", r."region", r."country", r."tax_id", r."registration_id", r."endpoint", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'domain' and not p_creates then n."domain" else r."domain" end, case when p_sent ? 'domains' or p_sent ? 'domain' and r."domains" is not null then crm_further(case when p_sent ? 'domains' then case when 'domains.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."domains", '{}') || array(select a from unnest(n."domains") a where a <> all (coalesce(r."domains", '{}')))) with ordinality u (t, i) where 'domains.' || t <> all (p_removed) order by i), '{}') else n."domains" end else r."domains" end, case when p_sent ? 'domain' and not p_creates then n."domain" else r."domain" end, case when p_creates then n."domain" else case when p_sent ? 'domain' and n."domain" = any (r."domains") and not (p_sent ? 'domains' and not 'domains.,' = any (p_removed)) then r."domain" end end) else r."domains" end, case when p_sent ? 'industry' then n."industry" else r."industry" end, case when p_sent ? 'phone' then n."phone" else r."phone" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'street' then n."street" else r."street" end, case when p_sent ? 'postal_code' then n."postal_code" else r."postal_code" end, case when p_sent ? 'city' then n."city" else r."city" end, case when p_sent ? 'region' then n."region" else r."region" end, case when p_sent ? 'country' then n."country" else r."country" end, case when p_sent ? 'tax_id' then n."tax_id" else r."tax_id" end, case when p_sent ? 'registration_id' then n."registration_id" else r."registration_id" end, case when p_sent ? 'endpoint' then n."endpoint" else r."endpoint" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
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
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;
alter table invoices add column "mark" text collate "C";
create or replace function invoices_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof invoices language plpgsql as $$
declare
  n invoices := jsonb_populate_record(null::invoices, p_initial || p_sent);
  w invoices;
  o jsonb := p_sent -> 'own';
  l_credits_company_id text;
  l_quote_company_id text;
  l_deal_company_id text;
  l_contact_company_id text;
  l_credits_contact_id text;
  l_quote_contact_id text;
  l_deal_contact_id text;
  l_credits_deal_id text;
  l_quote_deal_id text;
  l_credits_quote_id text;
begin
  if n."credits_id" is not null then
    select t.id, t."company_id", t."contact_id", t."deal_id", t."quote_id" into n."credits_id", l_credits_company_id, l_credits_contact_id, l_credits_deal_id, l_credits_quote_id from invoices t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."credits_id", 8) and right(t.id, length(n."credits_id")) = n."credits_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'credits_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'quote_id' then
    n."quote_id" := coalesce(l_credits_quote_id);
  end if;
  if n."quote_id" is not null then
    select t.id, t."company_id", t."contact_id", t."deal_id" into n."quote_id", l_quote_company_id, l_quote_contact_id, l_quote_deal_id from quotes t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."quote_id", 8) and right(t.id, length(n."quote_id")) = n."quote_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'quote_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'deal_id' then
    n."deal_id" := coalesce(l_credits_deal_id, l_quote_deal_id);
  end if;
  if n."deal_id" is not null then
    select t.id, t."company_id", t."contact_id" into n."deal_id", l_deal_company_id, l_deal_contact_id from deals t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."deal_id", 8) and right(t.id, length(n."deal_id")) = n."deal_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'deal_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'contact_id' then
    n."contact_id" := coalesce(l_credits_contact_id, l_quote_contact_id, l_deal_contact_id);
  end if;
  if n."contact_id" is not null then
    select t.id, t."company_id" into n."contact_id", l_contact_company_id from contacts t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."contact_id", 8) and right(t.id, length(n."contact_id")) = n."contact_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'contact_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'company_id' then
    n."company_id" := coalesce(l_credits_company_id, l_quote_company_id, l_deal_company_id, l_contact_company_id);
  end if;
  if n."company_id" is not null then
    select t.id into n."company_id" from companies t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."company_id", 8) and right(t.id, length(n."company_id")) = n."company_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'company_id' then
      return;
    end if;
  end if;
  if p_sent ? '=links' then
    o := crm_linked(p_workspace, o, p_sent -> '=links');
    if o is null then
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
  if p_creates then
    insert into invoices as r (workspace_id, id, "title", "company_id", "contact_id", "deal_id", "quote_id", "credits_id", "currency", "items", "issue_date", "due_date", "series", "delivery_date", "buyer_reference", "mark", "terms", "owner", "tags", "notes", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."title", n."company_id", n."contact_id", n."deal_id", n."quote_id", n."credits_id", n."currency", n."items", n."issue_date", n."due_date", n."series", n."delivery_date", n."buyer_reference", n."mark", n."terms", n."owner", nullif(n."tags", '{}'), n."notes", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      returning r.* into w;
  else
    update invoices r set "title" = case when p_sent ? 'title' then n."title" else r."title" end,
        "company_id" = case when p_sent ? 'company_id' then n."company_id" else r."company_id" end,
        "contact_id" = case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end,
        "deal_id" = case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end,
        "quote_id" = case when p_sent ? 'quote_id' then n."quote_id" else r."quote_id" end,
        "credits_id" = case when p_sent ? 'credits_id' then n."credits_id" else r."credits_id" end,
        "currency" = case when p_sent ? 'currency' then n."currency" else r."currency" end,
        "items" = case when p_sent ? 'items' then n."items" else r."items" end,
        "issue_date" = case when p_sent ? 'issue_date' then n."issue_date" else r."issue_date" end,
        "due_date" = case when p_sent ? 'due_date' then n."due_date" else r."due_date" end,
        "series" = case when p_sent ? 'series' then n."series" else r."series" end,
        "delivery_date" = case when p_sent ? 'delivery_date' then n."delivery_date" else r."delivery_date" end,
        "buyer_reference" = case when p_sent ? 'buyer_reference' then n."buyer_reference" else r."buyer_reference" end,
        "mark" = case when p_sent ? 'mark' then n."mark" else r."mark" end,
        "terms" = case when p_sent ? 'terms' then n."terms" else r."terms" end,
        "owner" = case when p_sent ? 'owner' then n."owner" else r."owner" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."title", r."company_id", r."contact_id", r."deal_id", r."quote_id", r."credits_id", r."currency", r."items", r."issue_date", r."due_date", r."series", r."delivery_date", r."buyer_reference", r."mark", r."terms", r."owner", r."tags", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'title' then n."title" else r."title" end, case when p_sent ? 'company_id' then n."company_id" else r."company_id" end, case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end, case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end, case when p_sent ? 'quote_id' then n."quote_id" else r."quote_id" end, case when p_sent ? 'credits_id' then n."credits_id" else r."credits_id" end, case when p_sent ? 'currency' then n."currency" else r."currency" end, case when p_sent ? 'items' then n."items" else r."items" end, case when p_sent ? 'issue_date' then n."issue_date" else r."issue_date" end, case when p_sent ? 'due_date' then n."due_date" else r."due_date" end, case when p_sent ? 'series' then n."series" else r."series" end, case when p_sent ? 'delivery_date' then n."delivery_date" else r."delivery_date" end, case when p_sent ? 'buyer_reference' then n."buyer_reference" else r."buyer_reference" end, case when p_sent ? 'mark' then n."mark" else r."mark" end, case when p_sent ? 'terms' then n."terms" else r."terms" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from invoices r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'invoice', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'invoice', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'items' then pg_column_size(w."items" #> '{}') end, 0) + coalesce(case when not p_sent ? 'terms' then octet_length(w."terms") end, 0) + coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own,seal}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own,seal}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('items', case when not p_sent ? 'items' then pg_column_size(w."items" #> '{}') end, 'terms', case when not p_sent ? 'terms' then octet_length(w."terms") end, 'notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;
create or replace function payments_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof payments language plpgsql as $$
declare
  n payments := jsonb_populate_record(null::payments, p_initial || p_sent);
  w payments;
  o jsonb := p_sent -> 'own';
  s invoices;
  l_reverses_invoice_id text;
begin
  if n."reverses_id" is not null then
    select t.id, t."invoice_id" into n."reverses_id", l_reverses_invoice_id from payments t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."reverses_id", 8) and right(t.id, length(n."reverses_id")) = n."reverses_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'reverses_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'invoice_id' then
    n."invoice_id" := coalesce(l_reverses_invoice_id);
  end if;
  if n."invoice_id" is not null then
    select t.id into n."invoice_id" from invoices t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."invoice_id", 8) and right(t.id, length(n."invoice_id")) = n."invoice_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'invoice_id' then
      return;
    end if;
  end if;
  if p_sent ? '=links' then
    o := crm_linked(p_workspace, o, p_sent -> '=links');
    if o is null then
      return;
    end if;
  end if;
  if p_creates and n."currency" is null then
    select r."currency" into n."currency" from invoices r where r.workspace_id = p_workspace and r.id = n."invoice_id";
  end if;
  if p_key is not null then
    insert into idempotency_keys (workspace_id, key, fingerprint, record_id, created_at)
      values (p_workspace, p_key, p_fingerprint, p_id, p_at) on conflict do nothing;
    if not found then
      return;
    end if;
  end if;
  if p_creates then
    insert into payments as r (workspace_id, id, "reference", "invoice_id", "amount_cents", "currency", "paid_on", "method", "reverses_id", "notes", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."reference", n."invoice_id", n."amount_cents", n."currency", n."paid_on", n."method", n."reverses_id", n."notes", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      returning r.* into w;
  else
    update payments r set "reference" = case when p_sent ? 'reference' then n."reference" else r."reference" end,
        "invoice_id" = case when p_sent ? 'invoice_id' then n."invoice_id" else r."invoice_id" end,
        "amount_cents" = case when p_sent ? 'amount_cents' then n."amount_cents" else r."amount_cents" end,
        "currency" = case when p_sent ? 'currency' then n."currency" else r."currency" end,
        "paid_on" = case when p_sent ? 'paid_on' then n."paid_on" else r."paid_on" end,
        "method" = case when p_sent ? 'method' then n."method" else r."method" end,
        "reverses_id" = case when p_sent ? 'reverses_id' then n."reverses_id" else r."reverses_id" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."reference", r."invoice_id", r."amount_cents", r."currency", r."paid_on", r."method", r."reverses_id", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'reference' then n."reference" else r."reference" end, case when p_sent ? 'invoice_id' then n."invoice_id" else r."invoice_id" end, case when p_sent ? 'amount_cents' then n."amount_cents" else r."amount_cents" end, case when p_sent ? 'currency' then n."currency" else r."currency" end, case when p_sent ? 'paid_on' then n."paid_on" else r."paid_on" end, case when p_sent ? 'method' then n."method" else r."method" end, case when p_sent ? 'reverses_id' then n."reverses_id" else r."reverses_id" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from payments r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'payment', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  if w."booked_at" is null then
    select r.* into s from invoices r where r.workspace_id = p_workspace and r.id = w."invoice_id" for no key update;
    if s."number" is not null then
      update invoices r set "paid_cents" = coalesce(r."paid_cents", 0) + w."amount_cents", version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
        where r.workspace_id = p_workspace and r.id = s.id
          and r."credits_id" is null
          and r."currency" = coalesce(w."currency", r."currency")
          and coalesce(r."paid_cents", 0) + w."amount_cents" >= 0
          and (w."amount_cents" < 0 or r."cancelled_at" is null and coalesce(r."paid_cents", 0) + coalesce(r."credited_cents", 0) + w."amount_cents" <= crm_gross(r."items"))
        returning r.* into s;
      if not found then
        raise check_violation using constraint = 'payments_settle', message = 'refused by constraint "payments_settle"', detail = (select jsonb_build_object('id', r.id, 'number', r."number", 'currency', r."currency", 'sent', w."amount_cents", 'paid', coalesce(r."paid_cents", 0), 'open', crm_gross(r."items") - (coalesce(r."paid_cents", 0) + coalesce(r."credited_cents", 0)),
          'ended', r."cancelled_at" is not null, 'takes_back', r."credits_id" is not null)::text
        from invoices r where r.workspace_id = p_workspace and r.id = w."invoice_id");
      end if;
      insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, substr(p_entry, 1, 13) || substr(md5(p_entry), 1, 16), 'invoice', s.id, s.version, 'updated', s.updated_at, p_actor, p_token, p_agent, p_reason, p_request, p_entry,
      greatest(pg_current_xact_id(), s.xid), case when s.version = 1 or s.version % 32 = 0 or coalesce(case when not false then pg_column_size(s."items" #> '{}') end, 0) + coalesce(case when not false then octet_length(s."terms") end, 0) + coalesce(case when not false then octet_length(s."notes") end, 0) + coalesce(case when not false then pg_column_size(s."custom" #> '{}') end, 0) < 8000 then (to_jsonb(s) - '{workspace_id,search,xid,own,seal}'::text[] || coalesce(s.own, '{}'))
        else (select (to_jsonb(s) - '{workspace_id,search,xid,own,seal}'::text[] || coalesce(s.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('items', case when not false then pg_column_size(s."items" #> '{}') end, 'terms', case when not false then octet_length(s."terms") end, 'notes', case when not false then octet_length(s."notes") end, 'custom', case when not false then pg_column_size(s."custom" #> '{}') end)) sizes) end;
      w.seal := case when p_at is not null then md5(jsonb_build_array(w."reference", w."invoice_id", w."amount_cents", s."currency", w."paid_on", extract(epoch from p_at), w."method", w."reverses_id")::text) end;
      update payments r set "booked_at" = p_at, "currency" = s."currency", seal = w.seal where r.workspace_id = p_workspace and r.id = w.id
        returning r.* into w;
    end if;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'payment', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own,seal}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own,seal}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;
