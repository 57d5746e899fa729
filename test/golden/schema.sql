create extension btree_gin;
create extension citext;
create extension pg_trgm;
create extension pgcrypto;
create extension unaccent;

create function activities_write(p_workspace text, p_at timestamp with time zone, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text, p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]) returns SETOF activities
  language plpgsql volatile parallel unsafe
as $$
declare
  n activities := jsonb_populate_record(null::activities, p_initial || p_sent);
  w activities;
  o jsonb := p_sent -> 'own';
  l_deal_contact_id text;
  l_deal_company_id text;
  l_contact_company_id text;
begin
  if n."deal_id" is not null then
    select t.id, t."contact_id", t."company_id" into n."deal_id", l_deal_contact_id, l_deal_company_id from deals t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."deal_id", 8) and right(t.id, length(n."deal_id")) = n."deal_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'deal_id' then
      return;
    end if;
  end if;
  if n."campaign_id" is not null then
    select t.id into n."campaign_id" from campaigns t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."campaign_id", 8) and right(t.id, length(n."campaign_id")) = n."campaign_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'campaign_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'contact_id' then
    n."contact_id" := coalesce(l_deal_contact_id);
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
    n."company_id" := coalesce(l_deal_company_id, l_contact_company_id);
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
    insert into activities as r (workspace_id, id, "kind", "at", "contact_id", "company_id", "deal_id", "campaign_id", "on_behalf_of", "body", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."kind", n."at", n."contact_id", n."company_id", n."deal_id", n."campaign_id", n."on_behalf_of", n."body", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      returning r.* into w;
  else
    update activities r set "kind" = case when p_sent ? 'kind' then n."kind" else r."kind" end,
        "at" = case when p_sent ? 'at' then n."at" else r."at" end,
        "contact_id" = case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end,
        "company_id" = case when p_sent ? 'company_id' then n."company_id" else r."company_id" end,
        "deal_id" = case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end,
        "campaign_id" = case when p_sent ? 'campaign_id' then n."campaign_id" else r."campaign_id" end,
        "on_behalf_of" = case when p_sent ? 'on_behalf_of' then n."on_behalf_of" else r."on_behalf_of" end,
        "body" = case when p_sent ? 'body' then n."body" else r."body" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."kind", r."at", r."contact_id", r."company_id", r."deal_id", r."campaign_id", r."on_behalf_of", r."body", r."custom", r.own) is distinct from (case when p_sent ? 'kind' then n."kind" else r."kind" end, case when p_sent ? 'at' then n."at" else r."at" end, case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end, case when p_sent ? 'company_id' then n."company_id" else r."company_id" end, case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end, case when p_sent ? 'campaign_id' then n."campaign_id" else r."campaign_id" end, case when p_sent ? 'on_behalf_of' then n."on_behalf_of" else r."on_behalf_of" end, case when p_sent ? 'body' then n."body" else r."body" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from activities r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'activity', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'activity', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'body' then octet_length(w."body") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('body', case when not p_sent ? 'body' then octet_length(w."body") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

create function campaign_members_write(p_workspace text, p_at timestamp with time zone, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text, p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]) returns SETOF campaign_members
  language plpgsql volatile parallel unsafe
as $$
declare
  n campaign_members := jsonb_populate_record(null::campaign_members, p_initial || p_sent);
  w campaign_members;
  o jsonb := p_sent -> 'own';
begin
  if n."campaign_id" is not null then
    select t.id into n."campaign_id" from campaigns t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."campaign_id", 8) and right(t.id, length(n."campaign_id")) = n."campaign_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'campaign_id' then
      return;
    end if;
  end if;
  if n."contact_id" is not null then
    select t.id into n."contact_id" from contacts t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."contact_id", 8) and right(t.id, length(n."contact_id")) = n."contact_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'contact_id' then
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
    insert into campaign_members as r (workspace_id, id, "campaign_id", "contact_id", "state", "assignee", "next_at", "outcome", "attempts", "notes", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."campaign_id", n."contact_id", n."state", n."assignee", n."next_at", n."outcome", n."attempts", n."notes", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      returning r.* into w;
  else
    update campaign_members r set "campaign_id" = case when p_sent ? 'campaign_id' then n."campaign_id" else r."campaign_id" end,
        "contact_id" = case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end,
        "state" = case when p_sent ? 'state' then n."state" else r."state" end,
        "assignee" = case when p_sent ? 'assignee' then n."assignee" else r."assignee" end,
        "next_at" = case when p_sent ? 'next_at' then n."next_at" else r."next_at" end,
        "outcome" = case when p_sent ? 'outcome' then n."outcome" else r."outcome" end,
        "attempts" = case when p_sent ? 'attempts' then n."attempts" else r."attempts" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."campaign_id", r."contact_id", r."state", r."assignee", r."next_at", r."outcome", r."attempts", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'campaign_id' then n."campaign_id" else r."campaign_id" end, case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end, case when p_sent ? 'state' then n."state" else r."state" end, case when p_sent ? 'assignee' then n."assignee" else r."assignee" end, case when p_sent ? 'next_at' then n."next_at" else r."next_at" end, case when p_sent ? 'outcome' then n."outcome" else r."outcome" end, case when p_sent ? 'attempts' then n."attempts" else r."attempts" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from campaign_members r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'member', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'member', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

create function campaigns_write(p_workspace text, p_at timestamp with time zone, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text, p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]) returns SETOF campaigns
  language plpgsql volatile parallel unsafe
as $$
declare
  n campaigns := jsonb_populate_record(null::campaigns, p_initial || p_sent);
  w campaigns;
  o jsonb := p_sent -> 'own';
begin
  if n."script_id" is not null then
    select t.id into n."script_id" from scripts t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."script_id", 8) and right(t.id, length(n."script_id")) = n."script_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'script_id' then
      return;
    end if;
  end if;
  if n."form_id" is not null then
    select t.id into n."form_id" from forms t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."form_id", 8) and right(t.id, length(n."form_id")) = n."form_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'form_id' then
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
    insert into campaigns as r (workspace_id, id, "name", "status", "goal", "starts_on", "ends_on", "script_id", "form_id", "owner", "notes", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."name", n."status", n."goal", n."starts_on", n."ends_on", n."script_id", n."form_id", n."owner", n."notes", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      returning r.* into w;
  else
    update campaigns r set "name" = case when p_sent ? 'name' then n."name" else r."name" end,
        "status" = case when p_sent ? 'status' then n."status" else r."status" end,
        "goal" = case when p_sent ? 'goal' then n."goal" else r."goal" end,
        "starts_on" = case when p_sent ? 'starts_on' then n."starts_on" else r."starts_on" end,
        "ends_on" = case when p_sent ? 'ends_on' then n."ends_on" else r."ends_on" end,
        "script_id" = case when p_sent ? 'script_id' then n."script_id" else r."script_id" end,
        "form_id" = case when p_sent ? 'form_id' then n."form_id" else r."form_id" end,
        "owner" = case when p_sent ? 'owner' then n."owner" else r."owner" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."status", r."goal", r."starts_on", r."ends_on", r."script_id", r."form_id", r."owner", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'status' then n."status" else r."status" end, case when p_sent ? 'goal' then n."goal" else r."goal" end, case when p_sent ? 'starts_on' then n."starts_on" else r."starts_on" end, case when p_sent ? 'ends_on' then n."ends_on" else r."ends_on" end, case when p_sent ? 'script_id' then n."script_id" else r."script_id" end, case when p_sent ? 'form_id' then n."form_id" else r."form_id" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from campaigns r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'campaign', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'campaign', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

create function companies_write(p_workspace text, p_at timestamp with time zone, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text, p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]) returns SETOF companies
  language plpgsql volatile parallel unsafe
as $$
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

create function contacts_write(p_workspace text, p_at timestamp with time zone, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text, p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]) returns SETOF contacts
  language plpgsql volatile parallel unsafe
as $$
declare
  n contacts := jsonb_populate_record(null::contacts, p_initial || p_sent);
  w contacts;
  o jsonb := p_sent -> 'own';
  a_id text := p_id;
  a_rows integer;
  a_value text;
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
      select r.id into a_id from contacts r where r.workspace_id = p_workspace and r."email" = n."email" and r.deleted_at is null;
      if a_id is null then
        a_values := array_remove(n."emails" || n."email", null);
        a_rows := 0;
        for a_value in select distinct v from unnest(a_values) v order by v loop
          insert into addresses (workspace_id, kind, value, record_id) values (p_workspace, 'contact', a_value, p_id) on conflict do nothing;
          if found then
            a_rows := a_rows + 1;
          end if;
        end loop;
        if a_rows = (select count(distinct v) from unnest(a_values) v) then
          insert into contacts as r (workspace_id, id, "name", "first_name", "last_name", "email", "emails", "phone", "phones", "title", "company_id", "stage", "owner", "tags", "follow_up_at", "follow_up_note", "street", "postal_code", "city", "region", "country", "notes", "custom", own, version, created_at, created_by, updated_at, xid)
            values (p_workspace, p_id, n."name", n."first_name", n."last_name", n."email", nullif(array_remove(n."emails", n."email"), '{}'), n."phone", nullif(array_remove(n."phones", n."phone"), '{}'), n."title", n."company_id", n."stage", n."owner", nullif(n."tags", '{}'), n."follow_up_at", n."follow_up_note", n."street", n."postal_code", n."city", n."region", n."country", n."notes", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
            returning r.* into w;
          exit;
        end if;
        delete from addresses a where a.workspace_id = p_workspace and a.kind = 'contact' and a.value = any (a_values) and a.record_id = p_id;
        select a.record_id into a_id from addresses a where a.workspace_id = p_workspace and a.kind = 'contact' and a.value = n."email";
        if a_id is null then
          if a_turn = 3 then
            raise unique_violation using constraint = 'addresses_pkey', message = 'refused by constraint "addresses_pkey"';
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
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(a_id, 8) and right(r.id, length(a_id)) = a_id and r.deleted_at is null and (not p_creates or (r."email" = n."email" or n."email" = any (r."emails")))
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."first_name", r."last_name", r."email", r."emails", r."phone", r."phones", r."title", r."company_id", r."stage", r."owner", r."tags", r."follow_up_at", r."follow_up_note", r."street", r."postal_code", r."city", r."region", r."country", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'first_name' then n."first_name" else r."first_name" end, case when p_sent ? 'last_name' then n."last_name" else r."last_name" end, case when p_sent ? 'email' and not p_creates then n."email" else r."email" end, case when p_sent ? 'emails' or p_sent ? 'email' and r."emails" is not null then crm_further(case when p_sent ? 'emails' then case when 'emails.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."emails", '{}') || array(select a from unnest(n."emails") a where a <> all (coalesce(r."emails", '{}')))) with ordinality u (t, i) where 'emails.' || t <> all (p_removed) order by i), '{}') else n."emails" end else r."emails" end, case when p_sent ? 'email' and not p_creates then n."email" else r."email" end, case when p_creates then n."email" else case when p_sent ? 'email' and n."email" = any (r."emails") and not (p_sent ? 'emails' and not 'emails.,' = any (p_removed)) then r."email" end end) else r."emails" end, case when p_sent ? 'phone' then n."phone" else r."phone" end, case when p_sent ? 'phones' or p_sent ? 'phone' and r."phones" is not null then crm_further(case when p_sent ? 'phones' then case when 'phones.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."phones", '{}') || array(select a from unnest(n."phones") a where a <> all (coalesce(r."phones", '{}')))) with ordinality u (t, i) where 'phones.' || t <> all (p_removed) order by i), '{}') else n."phones" end else r."phones" end, case when p_sent ? 'phone' then n."phone" else r."phone" end, case when p_sent ? 'phone' and n."phone" = any (r."phones") and not (p_sent ? 'phones' and not 'phones.,' = any (p_removed)) then r."phone" end) else r."phones" end, case when p_sent ? 'title' then n."title" else r."title" end, case when p_sent ? 'company_id' then n."company_id" else r."company_id" end, case when p_sent ? 'stage' then n."stage" else r."stage" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'follow_up_at' then n."follow_up_at" else r."follow_up_at" end, case when p_sent ? 'follow_up_note' then n."follow_up_note" else r."follow_up_note" end, case when p_sent ? 'street' then n."street" else r."street" end, case when p_sent ? 'postal_code' then n."postal_code" else r."postal_code" end, case when p_sent ? 'city' then n."city" else r."city" end, case when p_sent ? 'region' then n."region" else r."region" end, case when p_sent ? 'country' then n."country" else r."country" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
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
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

create function crm_after(was timestamp with time zone, now timestamp with time zone) returns timestamp with time zone
  language plpgsql immutable strict parallel safe
as $$
begin
  return greatest(now, was + '1 microsecond'::pg_catalog.interval);
end $$;

create function crm_answer_of(question jsonb, answer jsonb) returns jsonb
  language plpgsql immutable parallel unsafe
as $$
declare
  said text := btrim(answer #>> '{}');
  kind text := jsonb_typeof(answer);
  items text[];
begin
  case question ->> 'type'
    when 'text', 'long_text' then
      return case when kind in ('string', 'number', 'boolean') and said ~ '\S' then to_jsonb(answer #>> '{}') end;
    when 'number', 'integer' then
      -- A text such as 20.000 may be meant as twenty thousand.
      if kind not in ('number', 'string') or said !~ '^[+-]?\d{1,15}(\.\d{1,9})?$' or kind = 'string' and question ->> 'type' = 'integer' and said ~ '\.' then
        return null;
      end if;
      return case when question ->> 'type' = 'number' or said::numeric = trunc(said::numeric) then to_jsonb(trim_scale(said::numeric)) end;
    when 'boolean' then
      return case when kind in ('boolean', 'string') and lower(said) in ('true', 'false') then to_jsonb(lower(said)::boolean) end;
    when 'date' then
      return case when kind = 'string' and crm_is_day(said) then to_jsonb(said) end;
    when 'choice' then
      return (select to_jsonb(o) from jsonb_array_elements_text(question -> 'options') o where kind <> 'array' and lower(o) = lower(said) limit 1);
    when 'choices' then
      if kind = 'array' then
        items := array(select btrim(i) from jsonb_array_elements_text(answer) i);
      elsif exists (select from jsonb_array_elements_text(question -> 'options') o where lower(o) = lower(said)) then
        items := array[said];
      else
        items := array(select btrim(i) from regexp_split_to_table(said, ',') i);
      end if;
      if exists (select from unnest(items) i where i is null or lower(i) not in (select lower(o) from jsonb_array_elements_text(question -> 'options') o)) then
        return null;
      end if;
      return coalesce((select jsonb_agg(o order by n) from jsonb_array_elements_text(question -> 'options') with ordinality p(o, n)
        where lower(o) in (select lower(i) from unnest(items) i)), '[]');
    else
      return null;
  end case;
end $$;

create function crm_answered(steps jsonb, former jsonb, sent jsonb, removed text[]) returns jsonb
  language plpgsql immutable parallel unsafe
as $$
declare
  merged jsonb := coalesce(former, '{}') - removed;
  key text;
  answer jsonb;
  step jsonb;
  label text;
  walk jsonb;
begin
  if sent is null then
    return null;
  end if;
  for key, answer in select e.key, e.value from jsonb_each(sent) e loop
    step := crm_step(steps, key);
    if step is null then
      perform crm_refuse_answer(jsonb_build_object('is', 'unknown', 'id', key,
        'ids', coalesce((select jsonb_agg(s -> 'id') from jsonb_path_query(steps, 'strict $.** ? (exists (@.id) && @.type != "instruction")') s), '[]')));
    elsif step ->> 'type' = 'instruction' then
      perform crm_refuse_answer(jsonb_build_object('is', 'instruction', 'id', key));
    elsif step ? 'options' then
      label := (select o from jsonb_array_elements_text(step -> 'options') o where lower(o) = lower(btrim(answer #>> '{}')) limit 1);
      if label is null then
        perform crm_refuse_answer(jsonb_build_object('is', 'option', 'id', key, 'answer', left(answer #>> '{}', 200), 'options', step -> 'options'));
      end if;
      answer := to_jsonb(label);
    elsif jsonb_typeof(answer) not in ('string', 'number', 'boolean') or answer #>> '{}' !~ '\S' then
      perform crm_refuse_answer(jsonb_build_object('is', 'text', 'id', key));
    elsif length(answer #>> '{}') > 20000 then
      perform crm_refuse_answer(jsonb_build_object('is', 'long', 'id', key, 'most', 20000));
    end if;
    merged := merged || jsonb_build_object(key, answer);
  end loop;
  walk := crm_walk(steps, merged);
  for key in select k from jsonb_object_keys(sent) k loop
    if not walk -> 'path' ? key then
      perform crm_refuse_answer(jsonb_build_object('is', 'off', 'id', key, 'next', walk -> 'next'));
    end if;
  end loop;
  return nullif(coalesce((select jsonb_object_agg(e.key, e.value) from jsonb_each(merged) e where walk -> 'path' ? e.key), '{}'), '{}');
end $$;

create function crm_beginning(body text, page text) returns text
  language plpgsql immutable parallel safe
as $$
declare
  t text := left(body, 4000);
begin
  if coalesce(t, '') !~ '\S' then
    t := left(substr(page, greatest(1, strpos(lower(page), '<body'))), 20000);
    t := regexp_replace(t, '<[^<>]*>', ' ', 'g');
    t := replace(replace(replace(t, '&lt;', '<'), '&gt;', '>'), '&quot;', '"');
    t := replace(replace(replace(t, '&#39;', ''''), '&apos;', ''''), '&amp;', '&');
    t := regexp_replace(t, '&#?[a-zA-Z0-9]{2,10};', ' ', 'g');
  end if;
  return nullif(btrim(left(btrim(regexp_replace(t, '\s+', ' ', 'g')), 200)), '');
end $$;

create function crm_custom_fits(custom jsonb) returns boolean
  language plpgsql immutable strict parallel safe
as $$
begin
  return pg_catalog.length(custom::pg_catalog.text) <= 1048576
    and (select pg_catalog.count(*) <= 200 from pg_catalog.jsonb_object_keys(custom));
end $$;

create function crm_day(key text, value text) returns text[]
  language plpgsql immutable strict parallel safe
as $$
declare
  at timestamptz;
begin
  if value !~ '^ *[0-9]{4}-' then
    return null;
  end if;
  at := public.crm_time(value, 0, 'infinity', 0);
  return case when at is not null then array[key || '=' || pg_catalog.floor(extract(epoch from at) / 86400)::integer] end;
end $$;

create function crm_days(custom jsonb) returns text[]
  language plpgsql immutable strict parallel safe
as $$
declare
  member record;
  item text;
  days text[];
begin
  if custom::pg_catalog.text !~ '" *[0-9]{4}-[0-9]{2}-[0-9]{2}' then
    return null;
  end if;
  for member in select key, value from pg_catalog.jsonb_each(custom) loop
    if pg_catalog.jsonb_typeof(member.value) = 'string' then
      days := days || public.crm_day(member.key, member.value #>> '{}');
    elsif pg_catalog.jsonb_typeof(member.value) = 'array' then
      for item in select value from pg_catalog.jsonb_array_elements_text(member.value) loop
        days := days || public.crm_day(member.key, item);
      end loop;
    end if;
  end loop;
  return days;
end $$;

create function crm_differences(versions jsonb) returns jsonb
  language sql immutable strict parallel safe
as $$ select coalesce(jsonb_object_agg(k.name, jsonb_build_object('from', v.before -> k.name, 'to', v.after -> k.name)), '{}')
  from (select case when versions -> 0 ->> 'deleted_at' is null then coalesce(nullif(versions -> 0, 'null'), '{}') else '{}' end as before,
    case when versions -> 1 ->> 'deleted_at' is null then versions -> 1 else '{}' end as after) v,
    jsonb_object_keys(v.before || v.after) k (name)
  where nullif(v.before -> k.name, 'null') is distinct from nullif(v.after -> k.name, 'null')
    and k.name <> all ('{id,version,created_at,created_by,updated_at,deleted_at}') $$;

create function crm_digits(phone text) returns text
  language plpgsql immutable strict parallel safe
as $$
declare
  plain text := pg_catalog.translate(phone, '+ ().-', '');
  value text := phone;
  zero integer;
  part text;
  number text;
  lines text[] := '{}';
begin
  if pg_catalog.ltrim(plain, '0123456789') = '' and pg_catalog.strpos(pg_catalog.substr(phone, 2), '+') = 0
    and pg_catalog.strpos(pg_catalog.replace(phone, ' ', ''), '(0') = 0 and phone !~ '^(\+|00) ?[1-9][0-9]{0,2}[^0-9]+0' then
    return pg_catalog.ltrim(plain, '0');
  end if;
  if pg_catalog.octet_length(value) > pg_catalog.length(value) then
    value := pg_catalog.normalize(value, 'NFKC');
    if pg_catalog.octet_length(value) > pg_catalog.length(value) then
      foreach zero in array array[
    1632, 1776, 1984, 2406, 2534, 2662, 2790, 2918, 3046, 3174, 3302, 3430, 3558, 3664, 3792, 3872, 4160, 4240, 6112, 6160, 6470, 
    6608, 6784, 6800, 6992, 7088, 7232, 7248, 42528, 43216, 43264, 43472, 43504, 43600, 44016, 66720, 68912, 68928, 69734, 69872, 
    69942, 70096, 70384, 70736, 70864, 71248, 71360, 71376, 71386, 71472, 71904, 72016, 72688, 72784, 73040, 73120, 73184, 73552, 
    90416, 92768, 92864, 93008, 93552, 123200, 123632, 124144, 124401, 125264
      ] loop
        value := pg_catalog.translate(value, (select pg_catalog.string_agg(pg_catalog.chr(zero + n), '' order by n) from pg_catalog.generate_series(0, 9) n), '0123456789');
      end loop;
    end if;
  end if;
  value := pg_catalog.regexp_replace(value, '\( *0 *\)', '', 'g');
  -- What stands between the digits of one number; all else, and a +, begins another, as a / does between two that are long enough.
  value := pg_catalog.regexp_replace(value, E'[^0-9+ ().\\-/\u00a0-\u00bf\u2000-\u2027\u202a-\u206f\u2212]+', E'\n', 'g');
  value := pg_catalog.regexp_replace(pg_catalog.replace(value, '+', E'\n+'), E'((?:[0-9][^0-9/\n]*){6})/(?=(?:[^0-9/\n]*[0-9]){6})', E'\\1\n', 'g');
  foreach part in array pg_catalog.string_to_array(value, E'\n') loop
    number := pg_catalog.ltrim(pg_catalog.regexp_replace(part, '[^0-9]+', '', 'g'), '0');
    continue when pg_catalog.length(number) < 6;
    lines := lines || number;
    if part ~ '^[^0-9+]*(\+|00)[^0-9]*[1-9][0-9]{0,2}[^0-9]+0' then
      lines := lines || pg_catalog.regexp_replace(
        pg_catalog.regexp_replace(part, '^([^0-9+]*(?:\+|00)[^0-9]*[1-9][0-9]{0,2})[^0-9]+0+', '\1'), '^0+|[^0-9]+', '', 'g');
    end if;
  end loop;
  number := pg_catalog.ltrim(pg_catalog.regexp_replace(value, '[^0-9]+', '', 'g'), '0');
  if pg_catalog.cardinality(lines) < 2 and number <> all (lines) then
    lines := lines || number;
  end if;
  return pg_catalog.array_to_string(lines, E'\n');
end $$;

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

create function crm_domain_key(domain text) returns text
  language plpgsql immutable strict parallel unsafe
as $$
declare
  labels text[] := pg_catalog.string_to_array(domain, '.');
  last integer := pg_catalog.cardinality(labels) - 1;
begin
  if last > 1 and labels[last] = any ('{co,com,org,net,gov,ac,edu,or,ne,gob,in,go}'::text[]) then
    last := last - 1;
  end if;
  return public.crm_fold(labels[greatest(last, 1)]);
end $$;

create function crm_fold(value text) returns text
  language plpgsql immutable strict parallel safe
as $$
begin
  if pg_catalog.octet_length(value) = pg_catalog.length(value) then
    return pg_catalog.lower(value collate pg_catalog."C");
  end if;
  if value ~ E'[^\x01-\u009f\u00a1-\u00a7\u00a9\u00ab-\u00ae\u00b0\u00b1\u00b6\u00b7\u00bb\u00bf-\u0131\u0134-\u013e\u0141-\u0148\u014a-\u017e]'
    and not pg_catalog.is_normalized(value, 'NFKC') then
    value := pg_catalog.normalize(value, 'NFKC');
  end if;
  value := pg_catalog.lower(public.unaccent('public.unaccent'::pg_catalog.regdictionary, value) collate pg_catalog."default");
  return pg_catalog.replace(value, 'ς', 'σ');
end $$;

create function crm_further(list text[], main text, also text) returns text[]
  language plpgsql immutable parallel safe
as $$
begin
  if also is not null and not coalesce(also = any (list), false) then
    list := list || also;
  end if;
  return nullif(pg_catalog.array_remove(list, main), '{}');
end $$;

create function crm_gross(items jsonb) returns bigint
  language sql immutable parallel safe
as $$
  select public.crm_net(items) + public.crm_tax(items)
$$;

create function crm_is_day(value text) returns boolean
  language plpgsql immutable parallel unsafe
as $$
begin
  return value ~ '^\d{4}-\d\d-\d\d$' and make_date(left(value, 4)::integer, substr(value, 6, 2)::integer, right(value, 2)::integer) is not null;
exception when datetime_field_overflow then
  return false;
end $$;

create function crm_item_net(item jsonb) returns numeric
  language sql immutable parallel safe
as $$
  select pg_catalog.round((item ->> 'quantity')::numeric * (item ->> 'unit_price_cents')::numeric
    * (100 - coalesce((item ->> 'discount_percent')::numeric, 0)) * 0.01)
$$;

create function crm_lexeme_query(workspace_id text, mark text, search text, ending text) returns tsquery
  language plpgsql immutable strict parallel unsafe
as $$
declare
  word text := pg_catalog.right(workspace_id, 8) || mark;
  words text := nullif(pg_catalog.btrim(public.crm_split(public.crm_fold(search), ' ')), '');
begin
  return ('''' || word
    || pg_catalog.replace(pg_catalog.regexp_replace(words, '^((?:[^ ]+ ){15}[^ ]+) .*$', '\1'), ' ', ''' & ''' || word)
    || '''' || ending)::pg_catalog.tsquery;
end $$;

create function crm_lexemes(workspace_id text, search text) returns tsvector
  language plpgsql immutable strict parallel safe
as $$
declare
  word text := pg_catalog.right(workspace_id, 8) || ' ';
  titular text := pg_catalog.right(workspace_id, 8) || '=';
begin
  return pg_catalog.array_to_tsvector(pg_catalog.array_remove(pg_catalog.array_remove(pg_catalog.string_to_array(
    word || public.crm_split(search, E'\n' || word) || E'\n'
      || titular || public.crm_split(pg_catalog.split_part(search, E'\n', 1), E'\n' || titular), E'\n'), word), titular));
end $$;

create function crm_lines(VARIADIC list text[]) returns text
  language plpgsql immutable strict parallel safe
as $$
begin
  return pg_catalog.array_to_string(list, E'\n', '');
end $$;

create function crm_linked(workspace text, own jsonb, links jsonb) returns jsonb
  language plpgsql volatile parallel unsafe
as $$
declare
  slot text;
  link jsonb;
  linked text;
begin
  for slot, link in select * from jsonb_each(links) loop
    execute format('select t.id from %I t where t.workspace_id = $1 and right(t.id, 8) = right($2, 8) and right(t.id, length($2)) = $2
      and t.id ^@ $3 and t.deleted_at is null for key share', link ->> 'table') into linked using workspace, own ->> slot, link ->> 'prefix';
    if linked is null then
      return null;
    end if;
    own := own || jsonb_build_object(slot, linked);
  end loop;
  return own;
end $$;

create function crm_mail_key(email text) returns text
  language plpgsql immutable strict parallel unsafe
as $$
declare
  domain text := pg_catalog.split_part(email, '@', 2);
begin
  return pg_catalog.replace(pg_catalog.split_part(pg_catalog.split_part(email, '@', 1), '+', 1), '.', '') || '@'
    || case domain when 'googlemail.com' then 'gmail.com' when 'me.com' then 'icloud.com' when 'mac.com' then 'icloud.com'
      when 'protonmail.com' then 'proton.me' when 'pm.me' then 'proton.me' when 'ya.ru' then 'yandex.ru' else domain end;
end $$;

create function crm_mentioned(addresses text[]) returns text[]
  language plpgsql immutable strict parallel safe
as $$
begin
  return array(select distinct v collate "C" from unnest(addresses) a
    cross join lateral (values (a), (split_part(a, '@', 2))) x (v) where v <> '' order by 1);
end $$;

create function crm_named(versions jsonb, names jsonb) returns jsonb
  language plpgsql immutable parallel safe
as $$
begin
  if names is null then
    return versions;
  end if;
  return (select jsonb_agg(case jsonb_typeof(v.version) when 'object' then coalesce((select jsonb_object_agg(coalesce(names ->> e.key, e.key), e.value)
      from jsonb_each(v.version) e), '{}') else v.version end order by v.place)
    from jsonb_array_elements(versions) with ordinality v (version, place));
end $$;

create function crm_net(items jsonb) returns bigint
  language sql immutable parallel safe
as $$
  select coalesce((select pg_catalog.sum((t ->> 'net_cents')::numeric)
    from pg_catalog.jsonb_array_elements(public.crm_taxes(items)) t), 0)::bigint
$$;

create function crm_next(steps jsonb, answers jsonb) returns jsonb
  language sql immutable parallel safe
as $$
  select public.crm_walk(steps, answers) -> 'next'
$$;

create function crm_organisation_key(name text) returns text
  language plpgsql immutable strict parallel unsafe
as $$
begin
  return nullif(pg_catalog.left(public.crm_sound(pg_catalog.array_to_string(public.crm_organisation_words(name), '')), 200), '');
end $$;

create function crm_organisation_words(name text) returns text[]
  language plpgsql immutable strict parallel safe
as $$
declare
  part text;
  parts text[] := pg_catalog.string_to_array(public.crm_split(pg_catalog.replace(public.crm_fold(pg_catalog.left(name, 200)), '.', ''), ' '), ' ');
  words text[] := '{}';
begin
  foreach part in array parts loop
    if part <> '' and part <> all ('{gmbh,ag,kg,kgaa,ohg,ug,mbh,gbr,ev,eg,se,co,ltd,limited,llc,llp,lp,inc,incorporated,corp,corporation,company,plc,sa,sas,sarl,
      sasu,spa,srl,srls,sl,slu,bv,nv,oy,oyj,ab,as,asa,aps,kk,pty,pte,pvt,private,sro,doo,kft,zrt,spzoo,ooo,ltda,the,and,und,et,y,e}') then
      words := words || part;
    end if;
  end loop;
  return case when words = '{}' then pg_catalog.array_remove(parts, '') else words end;
end $$;

create function crm_own(former jsonb, sent jsonb, whole boolean) returns jsonb
  language plpgsql immutable parallel safe
as $$
declare
  own jsonb := coalesce(former, '{}');
  slot text;
  value jsonb;
begin
  for slot, value in select * from jsonb_each(sent - '=usual') loop
    if not whole and slot ^@ 'g' and jsonb_typeof(value) = 'object' then
      value := (select jsonb_agg(i.item order by i.place) from (
        select item, min(place) as place from (
          select item, place from jsonb_array_elements_text(coalesce(own -> slot, '[]')) with ordinality a (item, place)
          union all select item, 1000 + place from jsonb_array_elements_text(value -> 'add') with ordinality a (item, place)) u
        where not value -> 'remove' ? item group by item) i);
      if jsonb_array_length(value) > 100 then
        raise check_violation using constraint = 'own_list_fits', message = 'refused by constraint "own_list_fits"';
      end if;
    elsif not whole and slot ^@ 'j' and jsonb_typeof(value) = 'object' then
      value := (coalesce(own -> slot, '{}') || value) - array(select m.key from jsonb_each(value) m where m.value = 'null');
      if not crm_custom_fits(value) then
        raise check_violation using constraint = 'own_members_fit', message = 'refused by constraint "own_members_fit"';
      end if;
    end if;
    if value is null or value in ('null', '[]') or slot ^@ 'j' and value = '{}' then
      own := own - slot;
    else
      own := own || jsonb_build_object(slot, value);
    end if;
  end loop;
  own := coalesce(sent -> '=usual', '{}') || own;
  return nullif(own, '{}');
end $$;

create function crm_own_date(value text) returns date
  language sql immutable strict parallel safe
RETURN CASE WHEN (value ~ '^\d{4}-\d\d-\d\d'::text) THEN make_date((substr(value, 1, 4))::integer, (substr(value, 6, 2))::integer, (substr(value, 9, 2))::integer) ELSE NULL::date END;

create function crm_own_lines(own jsonb) returns text
  language plpgsql immutable strict parallel safe
as $$
begin
  return (select string_agg(case left(key, 1)
      when 'g' then coalesce(public.crm_words(public.crm_own_list(own -> key)), '')
      when 'p' then value || E'\n' || coalesce(public.crm_digits(value), '') else value end, E'\n' order by key)
    from jsonb_each_text(own) where key ~ '^[tpwg][0-9]');
end $$;

create function crm_own_list(list jsonb) returns text[]
  language plpgsql immutable strict parallel safe
as $$
begin
  return array(select jsonb_array_elements_text(list));
end $$;

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

create function crm_own_search(own jsonb) returns text
  language plpgsql immutable parallel safe
as $$
begin
  return concat(coalesce(own ->> 'a0', own ->> 'k0'), (select string_agg(E'\n' || case left(key, 1)
      when 'g' then coalesce(public.crm_words(public.crm_own_list(own -> key)), '')
      when 'p' then value || E'\n' || coalesce(public.crm_digits(value), '') else value end, '' order by key)
    from jsonb_each_text(own) where key ~ '^[tpwgk][0-9]' and (key <> 'k0' or own ? 'a0')));
end $$;

create function crm_own_time(value text) returns timestamp with time zone
  language sql immutable strict parallel safe
RETURN CASE WHEN (value ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d'::text) THEN (make_timestamp((substr(value, 1, 4))::integer, (substr(value, 6, 2))::integer, (substr(value, 9, 2))::integer, (substr(value, 12, 2))::integer, (substr(value, 15, 2))::integer, (rtrim(substr(value, 18), 'Z'::text))::double precision) AT TIME ZONE 'UTC'::text) ELSE NULL::timestamp with time zone END;

create function crm_path(steps jsonb, answers jsonb) returns text[]
  language sql immutable parallel safe
as $$
  select nullif(array(select pg_catalog.jsonb_array_elements_text(public.crm_walk(steps, answers) -> 'path')), '{}')
$$;

create function crm_person_key(name text) returns text
  language plpgsql immutable strict parallel unsafe
as $$
declare
  words text[] := public.crm_person_words(name);
  last integer := pg_catalog.cardinality(words);
begin
  -- `Doe J`: the initial is not the family name.
  if last > 1 and pg_catalog.length(words[last]) = 1 and pg_catalog.length(words[1]) > 1 then
    return pg_catalog.left(public.crm_sound(words[1]) || ' ' || words[last], 200);
  end if;
  return pg_catalog.left(public.crm_sound(words[last]) || case when last > 1 then ' ' || pg_catalog.left(public.crm_sound(words[1]), 1) else '' end, 200);
end $$;

create function crm_person_sounds(name text) returns text
  language plpgsql immutable strict parallel unsafe
as $$
declare
  words text[] := public.crm_person_words(name);
  word text;
  sounds text[] := '{}';
begin
  if pg_catalog.cardinality(words) < 2 then
    return null;
  end if;
  foreach word in array words loop
    sounds := sounds || public.crm_sound(word);
  end loop;
  return pg_catalog.left((select pg_catalog.string_agg(s, ' ' order by s collate pg_catalog."C") from pg_catalog.unnest(sounds) s), 200);
end $$;

create function crm_person_words(name text) returns text[]
  language plpgsql immutable strict parallel safe
as $$
declare
  value text := pg_catalog.replace(pg_catalog.replace(public.crm_fold(pg_catalog.left(name, 200)), '''', ''), '’', '');
  part text;
  words text[] := '{}';
begin
  if value like '%,%' then
    value := pg_catalog.split_part(value, ',', 2) || ' ' || pg_catalog.split_part(value, ',', 1);
  end if;
  foreach part in array pg_catalog.string_to_array(public.crm_split(value, ' '), ' ') loop
    -- Written where they are used: as variables they would be copied with each call.
    if part <> '' and part <> all ('{dr,prof,mr,mrs,ms,miss,mx,sir,herr,frau,dipl,ing,mme,mlle,sr,jr,phd,md,mba,msc,bsc,esq,ii,iii}') then
      words := words || coalesce('{
        "bob":"robert","rob":"robert","bobby":"robert","robbie":"robert","bert":"robert","bill":"william","will":"william","billy":"william",
        "willy":"william","liam":"william","jim":"james","jimmy":"james","jamie":"james","jack":"john","johnny":"john","jon":"john","dick":"richard",
        "rick":"richard","rich":"richard","ricky":"richard","mike":"michael","mick":"michael","mickey":"michael","tom":"thomas","tommy":"thomas",
        "dave":"david","davy":"david","dan":"daniel","danny":"daniel","joe":"joseph","joey":"joseph","chuck":"charles","charlie":"charles","ted":"edward",
        "ed":"edward","eddie":"edward","ned":"edward","tony":"anthony","steve":"stephen","steven":"stephen","matt":"matthew","andy":"andrew",
        "drew":"andrew","alex":"alexander","sandy":"alexander","sasha":"alexander","sascha":"alexander","nick":"nicholas","greg":"gregory",
        "jeff":"jeffrey","geoff":"jeffrey","ken":"kenneth","kenny":"kenneth","larry":"lawrence","ron":"ronald","ronnie":"ronald","don":"donald",
        "tim":"timothy","sam":"samuel","sammy":"samuel","ben":"benjamin","benny":"benjamin","fred":"frederick","freddy":"frederick","hank":"henry",
        "harry":"henry","gene":"eugene","phil":"philip","phillip":"philip","pete":"peter","ray":"raymond","vince":"vincent","zach":"zachary","josh":"joshua",
        "nate":"nathaniel","nathan":"nathaniel","pat":"patrick","paddy":"patrick","chris":"christopher","liz":"elizabeth","beth":"elizabeth",
        "betty":"elizabeth","eliza":"elizabeth","lisa":"elizabeth","elisabeth":"elizabeth","kate":"katherine","kathy":"katherine","katie":"katherine",
        "cathy":"katherine","catherine":"katherine","kathryn":"katherine","katharina":"katherine","kati":"katherine","peggy":"margaret","maggie":"margaret",
        "meg":"margaret","greta":"margaret","gretchen":"margaret","margarete":"margaret","sue":"susan","susie":"susan","susanne":"susan","jenny":"jennifer",
        "jen":"jennifer","becky":"rebecca","debbie":"deborah","deb":"deborah","vicky":"victoria","tori":"victoria","mandy":"amanda","cindy":"cynthia",
        "abby":"abigail","nancy":"ann","anna":"ann","anne":"ann","annie":"ann","molly":"mary","polly":"mary","maria":"mary","marie":"mary","barb":"barbara",
        "babs":"barbara","chrissy":"christine","tina":"christine","christina":"christine","terry":"theresa","tess":"theresa","trish":"patricia",
        "patty":"patricia","hans":"johannes","hannes":"johannes","jo":"johannes","johann":"johannes","seppi":"josef","sepp":"josef","beppo":"josef",
        "uli":"ulrich","uwe":"ulrich","wolf":"wolfgang","kalle":"karl","fritz":"friedrich","heinz":"heinrich","heiner":"heinrich","klaus":"nikolaus",
        "claus":"nikolaus","niko":"nikolaus","matze":"matthias","flo":"florian","basti":"sebastian","bastian":"sebastian","toni":"anton","max":"maximilian",
        "steffi":"stefanie","stephanie":"stefanie","gabi":"gabriele","gaby":"gabriele","moni":"monika","conny":"cornelia","silke":"cecilia","heidi":"adelheid",
        "resi":"therese","franzi":"franziska","rudi":"rudolf","pepe":"jose","paco":"francisco","pancho":"francisco","curro":"francisco","nacho":"ignacio",
        "manolo":"manuel","lola":"dolores","concha":"concepcion","pili":"pilar","chema":"josemaria","quique":"enrique","beto":"alberto","memo":"guillermo",
        "gigi":"luigi","gianni":"giovanni","beppe":"giuseppe","peppe":"giuseppe","pino":"giuseppe","nino":"antonino","sandro":"alessandro",
        "gino":"luigi","lino":"angelo","manu":"emmanuel","fanfan":"francois","jojo":"joseph","ze":"jose","chico":"francisco","kuba":"jakub","asia":"joanna",
        "gosia":"malgorzata","kasia":"katarzyna","basia":"barbara","janek":"jan","tomek":"tomasz","misha":"mikhail","vanya":"ivan","kolya":"nikolai",
        "volodya":"vladimir","dima":"dmitri","katya":"ekaterina","tanya":"tatiana","natasha":"natalia","lena":"elena","alyosha":"alexei","zhenya":"evgeni"}'::pg_catalog.jsonb ->> part, part);
    end if;
  end loop;
  return words;
end $$;

create function crm_phone_key(phone text) returns text
  language plpgsql immutable strict parallel unsafe
as $$
declare
  digits text := pg_catalog.split_part(public.crm_digits(phone), E'\n', 1);
begin
  return case when pg_catalog.length(digits) >= 6 then pg_catalog.right(digits, 7) end;
end $$;

create function crm_public_domain(domain text) returns boolean
  language plpgsql immutable strict parallel safe
as $$
begin
  return domain = any ('{gmail.com,googlemail.com,outlook.com,outlook.de,outlook.fr,outlook.es,outlook.it,hotmail.com,hotmail.co.uk,hotmail.de,hotmail.fr,hotmail.it,hotmail.es,
    live.com,live.de,live.fr,live.co.uk,live.nl,msn.com,yahoo.com,yahoo.co.uk,yahoo.co.in,yahoo.co.jp,yahoo.de,yahoo.fr,yahoo.es,yahoo.it,yahoo.ca,yahoo.com.br,yahoo.com.au,
    ymail.com,rocketmail.com,aol.com,aol.de,icloud.com,me.com,mac.com,proton.me,protonmail.com,protonmail.ch,pm.me,gmx.de,gmx.net,gmx.com,gmx.at,gmx.ch,web.de,t-online.de,
    freenet.de,arcor.de,posteo.de,mailbox.org,hey.com,fastmail.com,fastmail.fm,tutanota.com,tuta.io,tuta.com,zoho.com,zohomail.com,mail.com,email.com,yandex.ru,yandex.com,ya.ru,
    mail.ru,bk.ru,list.ru,inbox.ru,rambler.ru,qq.com,foxmail.com,163.com,126.com,sina.com,sohu.com,yeah.net,naver.com,daum.net,hanmail.net,orange.fr,wanadoo.fr,free.fr,laposte.net,
    sfr.fr,libero.it,virgilio.it,tiscali.it,alice.it,bluewin.ch,hispeed.ch,ziggo.nl,kpnmail.nl,planet.nl,telenet.be,skynet.be,btinternet.com,sky.com,virginmedia.com,ntlworld.com,
    talktalk.net,comcast.net,verizon.net,att.net,sbcglobal.net,bellsouth.net,cox.net,charter.net,earthlink.net,shaw.ca,rogers.com,sympatico.ca,bigpond.com,optusnet.com.au,
    uol.com.br,bol.com.br,terra.com.br,rediffmail.com,seznam.cz,centrum.cz,wp.pl,o2.pl,onet.pl,interia.pl,abv.bg,ukr.net}'::text[]);
end $$;

create function crm_qualified(questions jsonb, former jsonb, sent jsonb, removed text[]) returns jsonb
  language plpgsql immutable parallel unsafe
as $$
declare
  merged jsonb := case when sent is null then '{}' else coalesce(former, '{}') - removed end;
  key text;
  answer jsonb;
  fit jsonb;
  question jsonb;
begin
  for key, answer in select e.key, e.value from jsonb_each(sent) e loop
    question := (select q from jsonb_array_elements(questions) q where q ->> 'id' = key limit 1);
    if question is null then
      perform crm_refuse_answer(jsonb_build_object('is', 'unknown', 'id', key,
        'ids', coalesce((select jsonb_agg(q -> 'id') from jsonb_array_elements(questions) q), '[]')));
    end if;
    fit := crm_answer_of(question, answer);
    if fit is null then
      perform crm_refuse_answer(jsonb_build_object('is', 'type', 'id', key, 'question', question, 'answer', left(answer #>> '{}', 200)));
    elsif jsonb_typeof(fit) = 'number' and ((fit #>> '{}')::numeric < (question ->> 'min')::numeric or (fit #>> '{}')::numeric > (question ->> 'max')::numeric) then
      perform crm_refuse_answer(jsonb_build_object('is', 'range', 'id', key, 'question', question, 'answer', fit #>> '{}'));
    elsif jsonb_typeof(fit) = 'string' and question ->> 'type' in ('text', 'long_text')
      and length(fit #>> '{}') > coalesce((question ->> 'max_length')::integer, case question ->> 'type' when 'text' then 500 else 20000 end) then
      perform crm_refuse_answer(jsonb_build_object('is', 'long', 'id', key,
        'most', coalesce((question ->> 'max_length')::integer, case question ->> 'type' when 'text' then 500 else 20000 end)));
    end if;
    merged := merged || jsonb_build_object(key, fit);
  end loop;
  for question in select q from jsonb_array_elements(questions) q where (q ->> 'required')::boolean loop
    if coalesce(merged -> (question ->> 'id'), '[]') = '[]' then
      perform crm_refuse_answer(jsonb_build_object('is', 'required', 'id', question ->> 'id', 'question', question));
    end if;
  end loop;
  return nullif(merged, '{}');
end $$;

create function crm_refuse_answer(detail jsonb) returns void
  language plpgsql immutable parallel unsafe
as $$
begin
  raise check_violation using constraint = 'crm_answers', message = 'refused by constraint "crm_answers"', detail = detail::text;
end $$;

create function crm_sound(word text) returns text
  language plpgsql immutable strict parallel safe
as $$
declare
  value text := word;
begin
  if pg_catalog.octet_length(value) <> pg_catalog.length(value) then
    return value;
  end if;
  value := pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(value, 'sch', 's'), 'ph', 'f'), 'ch', 'k'), 'dt', 't');
  value := pg_catalog.translate(value, 'cqzvwyh', 'kksffi');
  value := pg_catalog.left(value, 1) || pg_catalog.translate(pg_catalog.substr(value, 2), 'aeiou', '');
  return pg_catalog.regexp_replace(value, '(.)\1+', '\1', 'g');
end $$;

create function crm_split(value text, glue text) returns text
  language plpgsql immutable strict parallel safe
as $$
begin
  if pg_catalog.octet_length(value) > 2000 then
    value := pg_catalog.regexp_replace(pg_catalog.left(value, 100000), E'([^\x01-/:-@[-`{-\u00bf\u2000-\u206f\u3000-\u303f]{100})[^\x01-/:-@[-`{-\u00bf\u2000-\u206f\u3000-\u303f]+', E'\\1', 'g');
  end if;
  return pg_catalog.regexp_replace(value, E'[\x01-/:-@[-`{-\u00bf\u2000-\u206f\u3000-\u303f]+', glue, 'g');
end $$;

create function crm_sql_workspace() returns text
  language sql immutable parallel safe
as $$ select r.workspace_id from public.sql_roles r where r.name = session_user::text $$;

create function crm_step(steps jsonb, id text) returns jsonb
  language sql immutable parallel safe
as $$
  select pg_catalog.jsonb_path_query_first(steps, 'strict $.** ? (@.id == $id && exists (@.type))', pg_catalog.jsonb_build_object('id', id))
$$;

create function crm_tax(items jsonb) returns bigint
  language sql immutable parallel safe
as $$
  select coalesce((select pg_catalog.sum((t ->> 'tax_cents')::numeric)
    from pg_catalog.jsonb_array_elements(public.crm_taxes(items)) t), 0)::bigint
$$;

create function crm_taxes(items jsonb) returns jsonb
  language sql immutable parallel safe
as $$
  select pg_catalog.jsonb_agg(pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('tax_rate', t.rate, 'tax_category', t.category,
      'net_cents', t.net, 'tax_cents', pg_catalog.round(t.net * t.rate * 0.01), 'tax_reason', t.reason)) order by t.rate desc, t.category)
  from (select i ->> 'tax_category' as category, (i ->> 'tax_rate')::numeric as rate, pg_catalog.sum(public.crm_item_net(i)) as net,
      pg_catalog.string_agg(distinct i ->> 'tax_reason', '; ') as reason
    from pg_catalog.jsonb_array_elements(items) i group by 1, 2) t
$$;

create function crm_time(value text, before integer, change timestamp with time zone, after integer) returns timestamp with time zone
  language plpgsql immutable strict parallel safe
as $$
declare
  text text := pg_catalog.btrim(value);
  year integer;
  month integer;
  day integer;
  seconds integer := 0;
  zone text;
  wall timestamp;
  early timestamptz;
  late timestamptz;
begin
  if text !~ '^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])(?:[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?(?: ?[Zz]| ?[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)?)?$' then
    return null;
  end if;
  year := pg_catalog.substr(text, 1, 4);
  month := pg_catalog.substr(text, 6, 2);
  day := pg_catalog.substr(text, 9, 2);
  if year = 0 or (day > 28 and day > (case when month = 2 then case when year % 4 = 0 and (year % 100 <> 0 or year % 400 = 0) then 29 else 28 end
      when month in (4, 6, 9, 11) then 30 else 31 end)) then
    return null;
  end if;
  -- What is compared with begins at a whole second, so a fraction of one changes nothing.
  if pg_catalog.length(text) > 10 then
    seconds := pg_catalog.substr(text, 12, 2)::integer * 3600 + pg_catalog.substr(text, 15, 2)::integer * 60
      + case when pg_catalog.substr(text, 17, 1) = ':' then pg_catalog.substr(text, 18, 2)::integer else 0 end;
    zone := pg_catalog.upper(pg_catalog.ltrim(pg_catalog.substr(text, 17), ':.0123456789 '));
    if zone not in ('', 'Z') then
      seconds := seconds - (pg_catalog.substr(zone, 1, 1) || '1')::integer
        * (pg_catalog.substr(zone, 2, 2)::integer * 3600 + coalesce(nullif(pg_catalog.ltrim(pg_catalog.substr(zone, 4), ':'), ''), '0')::integer * 60);
    end if;
  end if;
  wall := pg_catalog.make_timestamp(year, month, day, 0, 0, 0) + pg_catalog.make_interval(secs => seconds);
  if zone <> '' then
    return wall at time zone 'UTC';
  end if;
  early := (wall - pg_catalog.make_interval(secs => before)) at time zone 'UTC';
  if early < change then
    return early;
  end if;
  late := (wall - pg_catalog.make_interval(secs => after)) at time zone 'UTC';
  return case when late >= change then late else early end;
end $$;

create function crm_walk(steps jsonb, answers jsonb) returns jsonb
  language plpgsql immutable parallel safe
as $$
declare
  at text := steps -> 0 ->> 'id';
  step jsonb;
  branch jsonb;
  path text[] := '{}';
  read jsonb := '[]';
begin
  for i in 1..1000 loop
    exit when at is null;
    step := public.crm_step(steps, at);
    exit when step is null;
    if step ->> 'type' = 'instruction' then
      read := read || pg_catalog.jsonb_build_array(step -> 'text');
      at := step ->> 'to';
      continue;
    end if;
    if not coalesce(answers ? at, false) or at = any (path) then
      return pg_catalog.jsonb_build_object('path', pg_catalog.to_jsonb(path), 'next', pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
        'step', at, 'type', step -> 'type', 'text', step -> 'text', 'options', step -> 'options', 'read', read)));
    end if;
    path := path || at;
    read := '[]';
    branch := (select b from pg_catalog.jsonb_array_elements(step -> 'branches') b where b ->> 'label' = answers ->> at limit 1);
    at := case when branch is null then step ->> 'to' else branch ->> 'to' end;
  end loop;
  return pg_catalog.jsonb_build_object('path', pg_catalog.to_jsonb(path), 'next', pg_catalog.jsonb_build_object('type', 'end', 'read', read));
end $$;

create function crm_walk_status(steps jsonb, answers jsonb, stopped timestamp with time zone) returns text
  language sql immutable parallel safe
as $$
  select case when public.crm_walk(steps, answers) -> 'next' ->> 'type' = 'end' then 'done' when stopped is not null then 'stopped' else 'open' end
$$;

create function crm_words(list text[]) returns text
  language plpgsql immutable strict parallel safe
as $$
begin
  return pg_catalog.array_to_string(list, ' ');
end $$;

create function crm_write(p_workspace text, p_statement text, p_rows boolean) returns SETOF json
  language plpgsql volatile parallel unsafe
as $$
declare
  r record;
begin
  if not p_rows then
    execute p_statement;
    return;
  end if;
  for r in execute p_statement loop
    return next (select json_agg(v.value) from json_each(row_to_json(r)) v);
  end loop;
end $$;

create function deals_write(p_workspace text, p_at timestamp with time zone, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text, p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]) returns SETOF deals
  language plpgsql volatile parallel unsafe
as $$
declare
  n deals := jsonb_populate_record(null::deals, p_initial || p_sent);
  w deals;
  o jsonb := p_sent -> 'own';
  l_contact_company_id text;
begin
  if n."contact_id" is not null then
    select t.id, t."company_id" into n."contact_id", l_contact_company_id from contacts t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."contact_id", 8) and right(t.id, length(n."contact_id")) = n."contact_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'contact_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'company_id' then
    n."company_id" := coalesce(l_contact_company_id);
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
    insert into deals as r (workspace_id, id, "title", "amount_cents", "currency", "stage", "status", "probability", "close_date", "closed_at", "lost_reason", "contact_id", "company_id", "owner", "tags", "follow_up_at", "follow_up_note", "notes", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."title", n."amount_cents", n."currency", n."stage", n."status", n."probability", n."close_date", case when p_sent ? 'closed_at' then n."closed_at" when n."status" is distinct from 'open' then p_at end, n."lost_reason", n."contact_id", n."company_id", n."owner", nullif(n."tags", '{}'), n."follow_up_at", n."follow_up_note", n."notes", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      returning r.* into w;
  else
    update deals r set "title" = case when p_sent ? 'title' then n."title" else r."title" end,
        "amount_cents" = case when p_sent ? 'amount_cents' then n."amount_cents" else r."amount_cents" end,
        "currency" = case when p_sent ? 'currency' then n."currency" else r."currency" end,
        "stage" = case when p_sent ? 'stage' then n."stage" else r."stage" end,
        "status" = case when p_sent ? 'status' then n."status" else r."status" end,
        "probability" = case when p_sent ? 'probability' then n."probability" else r."probability" end,
        "close_date" = case when p_sent ? 'close_date' then n."close_date" else r."close_date" end,
        "closed_at" = case when p_sent ? 'closed_at' then n."closed_at" when p_sent ? 'status' then case when r."status" is not distinct from 'open' and not (n."status" is not distinct from 'open') then crm_after(r.updated_at, p_at) when n."status" is not distinct from 'open' and not (r."status" is not distinct from 'open') then null else r."closed_at" end else r."closed_at" end,
        "lost_reason" = case when p_sent ? 'lost_reason' then n."lost_reason" else r."lost_reason" end,
        "contact_id" = case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end,
        "company_id" = case when p_sent ? 'company_id' then n."company_id" else r."company_id" end,
        "owner" = case when p_sent ? 'owner' then n."owner" else r."owner" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "follow_up_at" = case when p_sent ? 'follow_up_at' then n."follow_up_at" else r."follow_up_at" end,
        "follow_up_note" = case when p_sent ? 'follow_up_note' then n."follow_up_note" else r."follow_up_note" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."title", r."amount_cents", r."currency", r."stage", r."status", r."probability", r."close_date", r."closed_at", r."lost_reason", r."contact_id", r."company_id", r."owner", r."tags", r."follow_up_at", r."follow_up_note", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'title' then n."title" else r."title" end, case when p_sent ? 'amount_cents' then n."amount_cents" else r."amount_cents" end, case when p_sent ? 'currency' then n."currency" else r."currency" end, case when p_sent ? 'stage' then n."stage" else r."stage" end, case when p_sent ? 'status' then n."status" else r."status" end, case when p_sent ? 'probability' then n."probability" else r."probability" end, case when p_sent ? 'close_date' then n."close_date" else r."close_date" end, case when p_sent ? 'closed_at' then n."closed_at" when p_sent ? 'status' then case when r."status" is not distinct from 'open' and not (n."status" is not distinct from 'open') then crm_after(r.updated_at, p_at) when n."status" is not distinct from 'open' and not (r."status" is not distinct from 'open') then null else r."closed_at" end else r."closed_at" end, case when p_sent ? 'lost_reason' then n."lost_reason" else r."lost_reason" end, case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end, case when p_sent ? 'company_id' then n."company_id" else r."company_id" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'follow_up_at' then n."follow_up_at" else r."follow_up_at" end, case when p_sent ? 'follow_up_note' then n."follow_up_note" else r."follow_up_note" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from deals r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'deal', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'deal', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

create function emails_write(p_workspace text, p_at timestamp with time zone, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text, p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]) returns SETOF emails
  language plpgsql volatile parallel unsafe
as $$
declare
  n emails := jsonb_populate_record(null::emails, p_initial || p_sent);
  w emails;
  o jsonb := p_sent -> 'own';
  a_members text[];
begin
  a_members := array(select u.email from memberships m join users u on u.id = m.user_id where m.workspace_id = p_workspace);
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
    n."direction" := coalesce(n."direction", case when n."from" is null then null when n."from" = any (a_members) then 'out' else 'in' end);
    n."snippet" := coalesce(n."snippet", crm_beginning(n."body", n."body_html"));
    n."thread_id" := coalesce(n."thread_id", coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (n."in_reply_to") and t."thread_id" is not null
            and t.deleted_at is null order by array_position(n."in_reply_to", t."message_id") desc limit 1), (n."in_reply_to")[1], n."message_id", p_id));
    insert into emails as r (workspace_id, id, "direction", "from", "to", "cc", "subject", "sent_at", "snippet", "thread_id", "message_id", "in_reply_to", "received_at", "provider", "provider_msg_id", "body", "body_html", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."direction", n."from", nullif(n."to", '{}'), nullif(n."cc", '{}'), n."subject", n."sent_at", n."snippet", n."thread_id", n."message_id", nullif(n."in_reply_to", '{}'), n."received_at", n."provider", n."provider_msg_id", n."body", n."body_html", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      on conflict (workspace_id, "message_id") where "message_id" is not null and deleted_at is null do nothing
      returning r.* into w;
    if w.id is null then
      update emails r set "direction" = case when p_sent ? 'direction' then n."direction" when (p_sent ? 'from') and r."direction" is not distinct from case when r."from" is null then null when r."from" = any (a_members) then 'out' else 'in' end then case when case when p_sent ? 'from' then n."from" else r."from" end is null then null when case when p_sent ? 'from' then n."from" else r."from" end = any (a_members) then 'out' else 'in' end else r."direction" end,
          "from" = case when p_sent ? 'from' then n."from" else r."from" end,
          "to" = case when p_sent ? 'to' then case when 'to.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."to", '{}') || array(select a from unnest(n."to") a where a <> all (coalesce(r."to", '{}')))) with ordinality u (t, i) where 'to.' || t <> all (p_removed) order by i), '{}') else n."to" end else r."to" end,
          "cc" = case when p_sent ? 'cc' then case when 'cc.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."cc", '{}') || array(select a from unnest(n."cc") a where a <> all (coalesce(r."cc", '{}')))) with ordinality u (t, i) where 'cc.' || t <> all (p_removed) order by i), '{}') else n."cc" end else r."cc" end,
          "subject" = case when p_sent ? 'subject' then n."subject" else r."subject" end,
          "sent_at" = case when p_sent ? 'sent_at' then n."sent_at" else r."sent_at" end,
          "snippet" = case when p_sent ? 'snippet' then n."snippet" when (p_sent ? 'body' or p_sent ? 'body_html') and r."snippet" is not distinct from crm_beginning(r."body", r."body_html") then crm_beginning(case when p_sent ? 'body' then n."body" else r."body" end, case when p_sent ? 'body_html' then n."body_html" else r."body_html" end) else r."snippet" end,
          "thread_id" = case when p_sent ? 'thread_id' then n."thread_id" when (p_sent ? 'in_reply_to') and r."thread_id" is not distinct from coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (r."in_reply_to") and t."thread_id" is not null
              and t.deleted_at is null order by array_position(r."in_reply_to", t."message_id") desc limit 1), (r."in_reply_to")[1], r."message_id", r.id) then coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (case when p_sent ? 'in_reply_to' then n."in_reply_to" else r."in_reply_to" end) and t."thread_id" is not null
              and t.deleted_at is null order by array_position(case when p_sent ? 'in_reply_to' then n."in_reply_to" else r."in_reply_to" end, t."message_id") desc limit 1), (case when p_sent ? 'in_reply_to' then n."in_reply_to" else r."in_reply_to" end)[1], r."message_id", r.id) else r."thread_id" end,
          "in_reply_to" = case when p_sent ? 'in_reply_to' then case when 'in_reply_to.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."in_reply_to", '{}') || array(select a from unnest(n."in_reply_to") a where a <> all (coalesce(r."in_reply_to", '{}')))) with ordinality u (t, i) where 'in_reply_to.' || t <> all (p_removed) order by i), '{}') else n."in_reply_to" end else r."in_reply_to" end,
          "received_at" = case when p_sent ? 'received_at' then n."received_at" else r."received_at" end,
          "provider" = case when p_sent ? 'provider' then n."provider" else r."provider" end,
          "provider_msg_id" = case when p_sent ? 'provider_msg_id' then n."provider_msg_id" else r."provider_msg_id" end,
          "body" = case when p_sent ? 'body' then n."body" else r."body" end,
          "body_html" = case when p_sent ? 'body_html' then n."body_html" else r."body_html" end,
          "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
          own = case when o is not null then crm_own(r.own, o, false) else r.own end,
          version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
        where r.workspace_id = p_workspace and r."message_id" = n."message_id" and r."message_id" is not null and r.deleted_at is null
          and (p_versions is null or r.version = any (p_versions))
          and (r."direction", r."from", r."to", r."cc", r."subject", r."sent_at", r."snippet", r."thread_id", r."in_reply_to", r."received_at", r."provider", r."provider_msg_id", r."body", r."body_html", r."custom", r.own) is distinct from (case when p_sent ? 'direction' then n."direction" when (p_sent ? 'from') and r."direction" is not distinct from case when r."from" is null then null when r."from" = any (a_members) then 'out' else 'in' end then case when case when p_sent ? 'from' then n."from" else r."from" end is null then null when case when p_sent ? 'from' then n."from" else r."from" end = any (a_members) then 'out' else 'in' end else r."direction" end, case when p_sent ? 'from' then n."from" else r."from" end, case when p_sent ? 'to' then case when 'to.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."to", '{}') || array(select a from unnest(n."to") a where a <> all (coalesce(r."to", '{}')))) with ordinality u (t, i) where 'to.' || t <> all (p_removed) order by i), '{}') else n."to" end else r."to" end, case when p_sent ? 'cc' then case when 'cc.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."cc", '{}') || array(select a from unnest(n."cc") a where a <> all (coalesce(r."cc", '{}')))) with ordinality u (t, i) where 'cc.' || t <> all (p_removed) order by i), '{}') else n."cc" end else r."cc" end, case when p_sent ? 'subject' then n."subject" else r."subject" end, case when p_sent ? 'sent_at' then n."sent_at" else r."sent_at" end, case when p_sent ? 'snippet' then n."snippet" when (p_sent ? 'body' or p_sent ? 'body_html') and r."snippet" is not distinct from crm_beginning(r."body", r."body_html") then crm_beginning(case when p_sent ? 'body' then n."body" else r."body" end, case when p_sent ? 'body_html' then n."body_html" else r."body_html" end) else r."snippet" end, case when p_sent ? 'thread_id' then n."thread_id" when (p_sent ? 'in_reply_to') and r."thread_id" is not distinct from coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (r."in_reply_to") and t."thread_id" is not null
              and t.deleted_at is null order by array_position(r."in_reply_to", t."message_id") desc limit 1), (r."in_reply_to")[1], r."message_id", r.id) then coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (case when p_sent ? 'in_reply_to' then n."in_reply_to" else r."in_reply_to" end) and t."thread_id" is not null
              and t.deleted_at is null order by array_position(case when p_sent ? 'in_reply_to' then n."in_reply_to" else r."in_reply_to" end, t."message_id") desc limit 1), (case when p_sent ? 'in_reply_to' then n."in_reply_to" else r."in_reply_to" end)[1], r."message_id", r.id) else r."thread_id" end, case when p_sent ? 'in_reply_to' then case when 'in_reply_to.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."in_reply_to", '{}') || array(select a from unnest(n."in_reply_to") a where a <> all (coalesce(r."in_reply_to", '{}')))) with ordinality u (t, i) where 'in_reply_to.' || t <> all (p_removed) order by i), '{}') else n."in_reply_to" end else r."in_reply_to" end, case when p_sent ? 'received_at' then n."received_at" else r."received_at" end, case when p_sent ? 'provider' then n."provider" else r."provider" end, case when p_sent ? 'provider_msg_id' then n."provider_msg_id" else r."provider_msg_id" end, case when p_sent ? 'body' then n."body" else r."body" end, case when p_sent ? 'body_html' then n."body_html" else r."body_html" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
        returning r.* into w;
    end if;
  else
    update emails r set "direction" = case when p_sent ? 'direction' then n."direction" when (p_sent ? 'from') and r."direction" is not distinct from case when r."from" is null then null when r."from" = any (a_members) then 'out' else 'in' end then case when case when p_sent ? 'from' then n."from" else r."from" end is null then null when case when p_sent ? 'from' then n."from" else r."from" end = any (a_members) then 'out' else 'in' end else r."direction" end,
        "from" = case when p_sent ? 'from' then n."from" else r."from" end,
        "to" = case when p_sent ? 'to' then case when 'to.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."to", '{}') || array(select a from unnest(n."to") a where a <> all (coalesce(r."to", '{}')))) with ordinality u (t, i) where 'to.' || t <> all (p_removed) order by i), '{}') else n."to" end else r."to" end,
        "cc" = case when p_sent ? 'cc' then case when 'cc.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."cc", '{}') || array(select a from unnest(n."cc") a where a <> all (coalesce(r."cc", '{}')))) with ordinality u (t, i) where 'cc.' || t <> all (p_removed) order by i), '{}') else n."cc" end else r."cc" end,
        "subject" = case when p_sent ? 'subject' then n."subject" else r."subject" end,
        "sent_at" = case when p_sent ? 'sent_at' then n."sent_at" else r."sent_at" end,
        "snippet" = case when p_sent ? 'snippet' then n."snippet" when (p_sent ? 'body' or p_sent ? 'body_html') and r."snippet" is not distinct from crm_beginning(r."body", r."body_html") then crm_beginning(case when p_sent ? 'body' then n."body" else r."body" end, case when p_sent ? 'body_html' then n."body_html" else r."body_html" end) else r."snippet" end,
        "thread_id" = case when p_sent ? 'thread_id' then n."thread_id" when (p_sent ? 'in_reply_to') and r."thread_id" is not distinct from coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (r."in_reply_to") and t."thread_id" is not null
            and t.deleted_at is null order by array_position(r."in_reply_to", t."message_id") desc limit 1), (r."in_reply_to")[1], r."message_id", r.id) then coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (case when p_sent ? 'in_reply_to' then n."in_reply_to" else r."in_reply_to" end) and t."thread_id" is not null
            and t.deleted_at is null order by array_position(case when p_sent ? 'in_reply_to' then n."in_reply_to" else r."in_reply_to" end, t."message_id") desc limit 1), (case when p_sent ? 'in_reply_to' then n."in_reply_to" else r."in_reply_to" end)[1], r."message_id", r.id) else r."thread_id" end,
        "message_id" = case when p_sent ? 'message_id' then n."message_id" else r."message_id" end,
        "in_reply_to" = case when p_sent ? 'in_reply_to' then case when 'in_reply_to.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."in_reply_to", '{}') || array(select a from unnest(n."in_reply_to") a where a <> all (coalesce(r."in_reply_to", '{}')))) with ordinality u (t, i) where 'in_reply_to.' || t <> all (p_removed) order by i), '{}') else n."in_reply_to" end else r."in_reply_to" end,
        "received_at" = case when p_sent ? 'received_at' then n."received_at" else r."received_at" end,
        "provider" = case when p_sent ? 'provider' then n."provider" else r."provider" end,
        "provider_msg_id" = case when p_sent ? 'provider_msg_id' then n."provider_msg_id" else r."provider_msg_id" end,
        "body" = case when p_sent ? 'body' then n."body" else r."body" end,
        "body_html" = case when p_sent ? 'body_html' then n."body_html" else r."body_html" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."direction", r."from", r."to", r."cc", r."subject", r."sent_at", r."snippet", r."thread_id", r."message_id", r."in_reply_to", r."received_at", r."provider", r."provider_msg_id", r."body", r."body_html", r."custom", r.own) is distinct from (case when p_sent ? 'direction' then n."direction" when (p_sent ? 'from') and r."direction" is not distinct from case when r."from" is null then null when r."from" = any (a_members) then 'out' else 'in' end then case when case when p_sent ? 'from' then n."from" else r."from" end is null then null when case when p_sent ? 'from' then n."from" else r."from" end = any (a_members) then 'out' else 'in' end else r."direction" end, case when p_sent ? 'from' then n."from" else r."from" end, case when p_sent ? 'to' then case when 'to.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."to", '{}') || array(select a from unnest(n."to") a where a <> all (coalesce(r."to", '{}')))) with ordinality u (t, i) where 'to.' || t <> all (p_removed) order by i), '{}') else n."to" end else r."to" end, case when p_sent ? 'cc' then case when 'cc.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."cc", '{}') || array(select a from unnest(n."cc") a where a <> all (coalesce(r."cc", '{}')))) with ordinality u (t, i) where 'cc.' || t <> all (p_removed) order by i), '{}') else n."cc" end else r."cc" end, case when p_sent ? 'subject' then n."subject" else r."subject" end, case when p_sent ? 'sent_at' then n."sent_at" else r."sent_at" end, case when p_sent ? 'snippet' then n."snippet" when (p_sent ? 'body' or p_sent ? 'body_html') and r."snippet" is not distinct from crm_beginning(r."body", r."body_html") then crm_beginning(case when p_sent ? 'body' then n."body" else r."body" end, case when p_sent ? 'body_html' then n."body_html" else r."body_html" end) else r."snippet" end, case when p_sent ? 'thread_id' then n."thread_id" when (p_sent ? 'in_reply_to') and r."thread_id" is not distinct from coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (r."in_reply_to") and t."thread_id" is not null
            and t.deleted_at is null order by array_position(r."in_reply_to", t."message_id") desc limit 1), (r."in_reply_to")[1], r."message_id", r.id) then coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (case when p_sent ? 'in_reply_to' then n."in_reply_to" else r."in_reply_to" end) and t."thread_id" is not null
            and t.deleted_at is null order by array_position(case when p_sent ? 'in_reply_to' then n."in_reply_to" else r."in_reply_to" end, t."message_id") desc limit 1), (case when p_sent ? 'in_reply_to' then n."in_reply_to" else r."in_reply_to" end)[1], r."message_id", r.id) else r."thread_id" end, case when p_sent ? 'message_id' then n."message_id" else r."message_id" end, case when p_sent ? 'in_reply_to' then case when 'in_reply_to.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."in_reply_to", '{}') || array(select a from unnest(n."in_reply_to") a where a <> all (coalesce(r."in_reply_to", '{}')))) with ordinality u (t, i) where 'in_reply_to.' || t <> all (p_removed) order by i), '{}') else n."in_reply_to" end else r."in_reply_to" end, case when p_sent ? 'received_at' then n."received_at" else r."received_at" end, case when p_sent ? 'provider' then n."provider" else r."provider" end, case when p_sent ? 'provider_msg_id' then n."provider_msg_id" else r."provider_msg_id" end, case when p_sent ? 'body' then n."body" else r."body" end, case when p_sent ? 'body_html' then n."body_html" else r."body_html" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from emails r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'email', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  if w.version = 1 or p_sent ?| array['from', 'to', 'cc', 'sent_at'] then
    if w.version > 1 then
      delete from mentions m where m.workspace_id = p_workspace and m.record_id = w.id;
    end if;
    insert into mentions (workspace_id, kind, value, at, record_id)
      select p_workspace, 'email', v, w."sent_at", w.id from unnest(crm_mentioned(array[w."from"] || w."to" || w."cc")) v;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'email', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'body' then octet_length(w."body") end, 0) + coalesce(case when not p_sent ? 'body_html' then octet_length(w."body_html") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('body', case when not p_sent ? 'body' then octet_length(w."body") end, 'body_html', case when not p_sent ? 'body_html' then octet_length(w."body_html") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

create function employees_write(p_workspace text, p_at timestamp with time zone, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text, p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]) returns SETOF employees
  language plpgsql volatile parallel unsafe
as $$
declare
  n employees := jsonb_populate_record(null::employees, p_initial || p_sent);
  w employees;
  o jsonb := p_sent -> 'own';
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
  if p_creates then
    insert into employees as r (workspace_id, id, "name", "email", "role", "rate", "currency", "tags", "notes", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."name", n."email", n."role", n."rate", n."currency", nullif(n."tags", '{}'), n."notes", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      on conflict (workspace_id, "email") where "email" is not null and deleted_at is null do nothing
      returning r.* into w;
    if w.id is null then
      update employees r set "name" = case when p_sent ? 'name' then n."name" else r."name" end,
          "role" = case when p_sent ? 'role' then n."role" else r."role" end,
          "rate" = case when p_sent ? 'rate' then n."rate" else r."rate" end,
          "currency" = case when p_sent ? 'currency' then n."currency" else r."currency" end,
          "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
          "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
          "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
          own = case when o is not null then crm_own(r.own, o, false) else r.own end,
          version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
        where r.workspace_id = p_workspace and r."email" = n."email" and r."email" is not null and r.deleted_at is null
          and (p_versions is null or r.version = any (p_versions))
          and (r."name", r."role", r."rate", r."currency", r."tags", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'role' then n."role" else r."role" end, case when p_sent ? 'rate' then n."rate" else r."rate" end, case when p_sent ? 'currency' then n."currency" else r."currency" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
        returning r.* into w;
    end if;
  else
    update employees r set "name" = case when p_sent ? 'name' then n."name" else r."name" end,
        "email" = case when p_sent ? 'email' then n."email" else r."email" end,
        "role" = case when p_sent ? 'role' then n."role" else r."role" end,
        "rate" = case when p_sent ? 'rate' then n."rate" else r."rate" end,
        "currency" = case when p_sent ? 'currency' then n."currency" else r."currency" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."email", r."role", r."rate", r."currency", r."tags", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'email' then n."email" else r."email" end, case when p_sent ? 'role' then n."role" else r."role" end, case when p_sent ? 'rate' then n."rate" else r."rate" end, case when p_sent ? 'currency' then n."currency" else r."currency" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from employees r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'employee', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'employee', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

create function executions_write(p_workspace text, p_at timestamp with time zone, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text, p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]) returns SETOF executions
  language plpgsql volatile parallel unsafe
as $$
declare
  n executions := jsonb_populate_record(null::executions, p_initial || p_sent);
  w executions;
  o jsonb := p_sent -> 'own';
  l_member_campaign_id text;
  l_campaign_script_id text;
  l_member_contact_id text;
begin
  if n."member_id" is not null then
    select t.id, t."campaign_id", t."contact_id" into n."member_id", l_member_campaign_id, l_member_contact_id from campaign_members t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."member_id", 8) and right(t.id, length(n."member_id")) = n."member_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'member_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'campaign_id' then
    n."campaign_id" := coalesce(l_member_campaign_id);
  end if;
  if n."campaign_id" is not null then
    select t.id, t."script_id" into n."campaign_id", l_campaign_script_id from campaigns t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."campaign_id", 8) and right(t.id, length(n."campaign_id")) = n."campaign_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'campaign_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'script_id' then
    n."script_id" := coalesce(l_campaign_script_id);
  end if;
  if n."script_id" is not null then
    select t.id, t."version", t."steps" into n."script_id", n."script_version", n."steps" from scripts t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."script_id", 8) and right(t.id, length(n."script_id")) = n."script_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'script_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'contact_id' then
    n."contact_id" := coalesce(l_member_contact_id);
  end if;
  if n."contact_id" is not null then
    select t.id into n."contact_id" from contacts t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."contact_id", 8) and right(t.id, length(n."contact_id")) = n."contact_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'contact_id' then
      return;
    end if;
  end if;
  if p_creates and n."script_id" is null then
    raise check_violation using constraint = 'executions_lacks_script_id', message = 'refused by constraint "executions_lacks_script_id"';
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
    insert into executions as r (workspace_id, id, "member_id", "campaign_id", "script_id", "contact_id", "answers", "outcome", "stopped_at", "owner", "notes", "custom", "script_version", "steps", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."member_id", n."campaign_id", n."script_id", n."contact_id", crm_answered(n."steps", null, n."answers", '{}'), n."outcome", n."stopped_at", n."owner", n."notes", nullif(n."custom", '{}'), n."script_version", n."steps", case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      returning r.* into w;
  else
    update executions r set "member_id" = case when p_sent ? 'member_id' then n."member_id" else r."member_id" end,
        "campaign_id" = case when p_sent ? 'campaign_id' then n."campaign_id" else r."campaign_id" end,
        "script_id" = case when p_sent ? 'script_id' then n."script_id" else r."script_id" end,
        "contact_id" = case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end,
        "answers" = case when p_sent ? 'answers' then crm_answered(r."steps", r."answers", n."answers", array(select substr(k, 9) from unnest(p_removed) k where starts_with(k, 'answers.'))) else r."answers" end,
        "outcome" = case when p_sent ? 'outcome' then n."outcome" else r."outcome" end,
        "stopped_at" = case when p_sent ? 'stopped_at' then n."stopped_at" else r."stopped_at" end,
        "owner" = case when p_sent ? 'owner' then n."owner" else r."owner" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."member_id", r."campaign_id", r."script_id", r."contact_id", r."answers", r."outcome", r."stopped_at", r."owner", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'member_id' then n."member_id" else r."member_id" end, case when p_sent ? 'campaign_id' then n."campaign_id" else r."campaign_id" end, case when p_sent ? 'script_id' then n."script_id" else r."script_id" end, case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end, case when p_sent ? 'answers' then crm_answered(r."steps", r."answers", n."answers", array(select substr(k, 9) from unnest(p_removed) k where starts_with(k, 'answers.'))) else r."answers" end, case when p_sent ? 'outcome' then n."outcome" else r."outcome" end, case when p_sent ? 'stopped_at' then n."stopped_at" else r."stopped_at" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from executions r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'execution', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'execution', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'answers' then pg_column_size(w."answers" #> '{}') end, 0) + coalesce(case when not p_sent ? 'steps' then pg_column_size(w."steps" #> '{}') end, 0) + coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('answers', case when not p_sent ? 'answers' then pg_column_size(w."answers" #> '{}') end, 'steps', case when not p_sent ? 'steps' then pg_column_size(w."steps" #> '{}') end, 'notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

create function forms_write(p_workspace text, p_at timestamp with time zone, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text, p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]) returns SETOF forms
  language plpgsql volatile parallel unsafe
as $$
declare
  n forms := jsonb_populate_record(null::forms, p_initial || p_sent);
  w forms;
  o jsonb := p_sent -> 'own';
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
  if p_creates then
    insert into forms as r (workspace_id, id, "name", "description", "questions", "owner", "tags", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."name", n."description", n."questions", n."owner", nullif(n."tags", '{}'), nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      returning r.* into w;
  else
    update forms r set "name" = case when p_sent ? 'name' then n."name" else r."name" end,
        "description" = case when p_sent ? 'description' then n."description" else r."description" end,
        "questions" = case when p_sent ? 'questions' then n."questions" else r."questions" end,
        "owner" = case when p_sent ? 'owner' then n."owner" else r."owner" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."description", r."questions", r."owner", r."tags", r."custom", r.own) is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'description' then n."description" else r."description" end, case when p_sent ? 'questions' then n."questions" else r."questions" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from forms r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'form', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'form', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'description' then octet_length(w."description") end, 0) + coalesce(case when not p_sent ? 'questions' then pg_column_size(w."questions" #> '{}') end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('description', case when not p_sent ? 'description' then octet_length(w."description") end, 'questions', case when not p_sent ? 'questions' then pg_column_size(w."questions" #> '{}') end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

create function invoices_write(p_workspace text, p_at timestamp with time zone, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text, p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]) returns SETOF invoices
  language plpgsql volatile parallel unsafe
as $$
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

create function own_records_write(p_workspace text, p_at timestamp with time zone, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text, p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]) returns SETOF own_records
  language plpgsql volatile parallel unsafe
as $$
declare
  n own_records := jsonb_populate_record(null::own_records, p_initial || p_sent);
  w own_records;
  o jsonb := p_sent -> 'own';
begin
  perform from kinds k where k.workspace_id = p_workspace and k.name = n.kind and k.deleted_at is null for key share;
  if not found then
    raise foreign_key_violation using constraint = 'own_records_kind', message = 'refused by constraint "own_records_kind"';
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
    insert into own_records as r (workspace_id, id, kind, own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n.kind, case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      on conflict do nothing
      returning r.* into w;
    if w.id is null then
      update own_records r set own = case when o is not null then crm_own(r.own, o - 'k0', false) else r.own end,
          version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
        where r.workspace_id = p_workspace and r.kind = n.kind and lower((own ->> 'k0') collate "C") = lower((o ->> 'k0') collate "C") and r.deleted_at is null
          and (p_versions is null or r.version = any (p_versions))
          and (r.own) is distinct from (case when o is not null then crm_own(r.own, o - 'k0', false) else r.own end)
        returning r.* into w;
    end if;
    if w.id is null and o ->> 'k0' is null then
      raise unique_violation using constraint = 'own_records_handle_key', message = 'refused by constraint "own_records_handle_key"';
    end if;
  else
    update own_records r set own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and r.kind = n.kind and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r.own) is distinct from (case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from own_records r
      where r.workspace_id = p_workspace and r.kind = n.kind and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, n.kind, 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, w.kind, w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), (to_jsonb(w) - '{workspace_id,search,xid,own,kind}'::text[] || coalesce(w.own, '{}'));
  return next w;
end $$;

create function payments_write(p_workspace text, p_at timestamp with time zone, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text, p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]) returns SETOF payments
  language plpgsql volatile parallel unsafe
as $$
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

create function products_write(p_workspace text, p_at timestamp with time zone, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text, p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]) returns SETOF products
  language plpgsql volatile parallel unsafe
as $$
declare
  n products := jsonb_populate_record(null::products, p_initial || p_sent);
  w products;
  o jsonb := p_sent -> 'own';
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
  if p_creates then
    insert into products as r (workspace_id, id, "name", "sku", "unit_price_cents", "currency", "tax_rate", "unit", "tags", "notes", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."name", n."sku", n."unit_price_cents", n."currency", n."tax_rate", n."unit", nullif(n."tags", '{}'), n."notes", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      on conflict (workspace_id, lower("sku")) where "sku" is not null and deleted_at is null do nothing
      returning r.* into w;
    if w.id is null then
      update products r set "name" = case when p_sent ? 'name' then n."name" else r."name" end,
          "unit_price_cents" = case when p_sent ? 'unit_price_cents' then n."unit_price_cents" else r."unit_price_cents" end,
          "currency" = case when p_sent ? 'currency' then n."currency" else r."currency" end,
          "tax_rate" = case when p_sent ? 'tax_rate' then n."tax_rate" else r."tax_rate" end,
          "unit" = case when p_sent ? 'unit' then n."unit" else r."unit" end,
          "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
          "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
          "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
          own = case when o is not null then crm_own(r.own, o, false) else r.own end,
          version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
        where r.workspace_id = p_workspace and lower(r."sku") = lower(n."sku") and r."sku" is not null and r.deleted_at is null
          and (p_versions is null or r.version = any (p_versions))
          and (r."name", r."unit_price_cents", r."currency", r."tax_rate", r."unit", r."tags", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'unit_price_cents' then n."unit_price_cents" else r."unit_price_cents" end, case when p_sent ? 'currency' then n."currency" else r."currency" end, case when p_sent ? 'tax_rate' then n."tax_rate" else r."tax_rate" end, case when p_sent ? 'unit' then n."unit" else r."unit" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
        returning r.* into w;
    end if;
  else
    update products r set "name" = case when p_sent ? 'name' then n."name" else r."name" end,
        "sku" = case when p_sent ? 'sku' then n."sku" else r."sku" end,
        "unit_price_cents" = case when p_sent ? 'unit_price_cents' then n."unit_price_cents" else r."unit_price_cents" end,
        "currency" = case when p_sent ? 'currency' then n."currency" else r."currency" end,
        "tax_rate" = case when p_sent ? 'tax_rate' then n."tax_rate" else r."tax_rate" end,
        "unit" = case when p_sent ? 'unit' then n."unit" else r."unit" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."sku", r."unit_price_cents", r."currency", r."tax_rate", r."unit", r."tags", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'sku' then n."sku" else r."sku" end, case when p_sent ? 'unit_price_cents' then n."unit_price_cents" else r."unit_price_cents" end, case when p_sent ? 'currency' then n."currency" else r."currency" end, case when p_sent ? 'tax_rate' then n."tax_rate" else r."tax_rate" end, case when p_sent ? 'unit' then n."unit" else r."unit" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from products r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'product', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'product', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

create function qualifications_write(p_workspace text, p_at timestamp with time zone, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text, p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]) returns SETOF qualifications
  language plpgsql volatile parallel unsafe
as $$
declare
  n qualifications := jsonb_populate_record(null::qualifications, p_initial || p_sent);
  w qualifications;
  o jsonb := p_sent -> 'own';
  l_member_campaign_id text;
  l_campaign_form_id text;
  l_deal_contact_id text;
  l_member_contact_id text;
begin
  if n."member_id" is not null then
    select t.id, t."campaign_id", t."contact_id" into n."member_id", l_member_campaign_id, l_member_contact_id from campaign_members t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."member_id", 8) and right(t.id, length(n."member_id")) = n."member_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'member_id' then
      return;
    end if;
  end if;
  if n."deal_id" is not null then
    select t.id, t."contact_id" into n."deal_id", l_deal_contact_id from deals t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."deal_id", 8) and right(t.id, length(n."deal_id")) = n."deal_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'deal_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'campaign_id' then
    n."campaign_id" := coalesce(l_member_campaign_id);
  end if;
  if n."campaign_id" is not null then
    select t.id, t."form_id" into n."campaign_id", l_campaign_form_id from campaigns t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."campaign_id", 8) and right(t.id, length(n."campaign_id")) = n."campaign_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'campaign_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'form_id' then
    n."form_id" := coalesce(l_campaign_form_id);
  end if;
  if n."form_id" is not null then
    select t.id, t."version", t."questions" into n."form_id", n."form_version", n."questions" from forms t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."form_id", 8) and right(t.id, length(n."form_id")) = n."form_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'form_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'contact_id' then
    n."contact_id" := coalesce(l_deal_contact_id, l_member_contact_id);
  end if;
  if n."contact_id" is not null then
    select t.id into n."contact_id" from contacts t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."contact_id", 8) and right(t.id, length(n."contact_id")) = n."contact_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'contact_id' then
      return;
    end if;
  end if;
  if p_creates and n."form_id" is null then
    raise check_violation using constraint = 'qualifications_lacks_form_id', message = 'refused by constraint "qualifications_lacks_form_id"';
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
    insert into qualifications as r (workspace_id, id, "member_id", "campaign_id", "form_id", "deal_id", "contact_id", "answers", "outcome", "owner", "notes", "custom", "form_version", "questions", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."member_id", n."campaign_id", n."form_id", n."deal_id", n."contact_id", crm_qualified(n."questions", null, n."answers", '{}'), n."outcome", n."owner", n."notes", nullif(n."custom", '{}'), n."form_version", n."questions", case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      returning r.* into w;
  else
    update qualifications r set "member_id" = case when p_sent ? 'member_id' then n."member_id" else r."member_id" end,
        "campaign_id" = case when p_sent ? 'campaign_id' then n."campaign_id" else r."campaign_id" end,
        "form_id" = case when p_sent ? 'form_id' then n."form_id" else r."form_id" end,
        "deal_id" = case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end,
        "contact_id" = case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end,
        "answers" = case when p_sent ? 'answers' then crm_qualified(r."questions", r."answers", n."answers", array(select substr(k, 9) from unnest(p_removed) k where starts_with(k, 'answers.'))) else r."answers" end,
        "outcome" = case when p_sent ? 'outcome' then n."outcome" else r."outcome" end,
        "owner" = case when p_sent ? 'owner' then n."owner" else r."owner" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."member_id", r."campaign_id", r."form_id", r."deal_id", r."contact_id", r."answers", r."outcome", r."owner", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'member_id' then n."member_id" else r."member_id" end, case when p_sent ? 'campaign_id' then n."campaign_id" else r."campaign_id" end, case when p_sent ? 'form_id' then n."form_id" else r."form_id" end, case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end, case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end, case when p_sent ? 'answers' then crm_qualified(r."questions", r."answers", n."answers", array(select substr(k, 9) from unnest(p_removed) k where starts_with(k, 'answers.'))) else r."answers" end, case when p_sent ? 'outcome' then n."outcome" else r."outcome" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from qualifications r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'qualification', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'qualification', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'answers' then pg_column_size(w."answers" #> '{}') end, 0) + coalesce(case when not p_sent ? 'questions' then pg_column_size(w."questions" #> '{}') end, 0) + coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('answers', case when not p_sent ? 'answers' then pg_column_size(w."answers" #> '{}') end, 'questions', case when not p_sent ? 'questions' then pg_column_size(w."questions" #> '{}') end, 'notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

create function quotes_write(p_workspace text, p_at timestamp with time zone, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text, p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]) returns SETOF quotes
  language plpgsql volatile parallel unsafe
as $$
declare
  n quotes := jsonb_populate_record(null::quotes, p_initial || p_sent);
  w quotes;
  o jsonb := p_sent -> 'own';
  l_deal_company_id text;
  l_contact_company_id text;
  l_deal_contact_id text;
begin
  if n."deal_id" is not null then
    select t.id, t."company_id", t."contact_id" into n."deal_id", l_deal_company_id, l_deal_contact_id from deals t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."deal_id", 8) and right(t.id, length(n."deal_id")) = n."deal_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'deal_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'contact_id' then
    n."contact_id" := coalesce(l_deal_contact_id);
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
    n."company_id" := coalesce(l_deal_company_id, l_contact_company_id);
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
    insert into quotes as r (workspace_id, id, "title", "company_id", "contact_id", "deal_id", "currency", "items", "issue_date", "valid_until", "series", "terms", "owner", "tags", "notes", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."title", n."company_id", n."contact_id", n."deal_id", n."currency", n."items", n."issue_date", n."valid_until", n."series", n."terms", n."owner", nullif(n."tags", '{}'), n."notes", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      returning r.* into w;
  else
    update quotes r set "title" = case when p_sent ? 'title' then n."title" else r."title" end,
        "company_id" = case when p_sent ? 'company_id' then n."company_id" else r."company_id" end,
        "contact_id" = case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end,
        "deal_id" = case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end,
        "currency" = case when p_sent ? 'currency' then n."currency" else r."currency" end,
        "items" = case when p_sent ? 'items' then n."items" else r."items" end,
        "issue_date" = case when p_sent ? 'issue_date' then n."issue_date" else r."issue_date" end,
        "valid_until" = case when p_sent ? 'valid_until' then n."valid_until" else r."valid_until" end,
        "series" = case when p_sent ? 'series' then n."series" else r."series" end,
        "terms" = case when p_sent ? 'terms' then n."terms" else r."terms" end,
        "owner" = case when p_sent ? 'owner' then n."owner" else r."owner" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."title", r."company_id", r."contact_id", r."deal_id", r."currency", r."items", r."issue_date", r."valid_until", r."series", r."terms", r."owner", r."tags", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'title' then n."title" else r."title" end, case when p_sent ? 'company_id' then n."company_id" else r."company_id" end, case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end, case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end, case when p_sent ? 'currency' then n."currency" else r."currency" end, case when p_sent ? 'items' then n."items" else r."items" end, case when p_sent ? 'issue_date' then n."issue_date" else r."issue_date" end, case when p_sent ? 'valid_until' then n."valid_until" else r."valid_until" end, case when p_sent ? 'series' then n."series" else r."series" end, case when p_sent ? 'terms' then n."terms" else r."terms" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from quotes r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'quote', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'quote', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'items' then pg_column_size(w."items" #> '{}') end, 0) + coalesce(case when not p_sent ? 'terms' then octet_length(w."terms") end, 0) + coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own,seal}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own,seal}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('items', case when not p_sent ? 'items' then pg_column_size(w."items" #> '{}') end, 'terms', case when not p_sent ? 'terms' then octet_length(w."terms") end, 'notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

create function scripts_write(p_workspace text, p_at timestamp with time zone, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text, p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]) returns SETOF scripts
  language plpgsql volatile parallel unsafe
as $$
declare
  n scripts := jsonb_populate_record(null::scripts, p_initial || p_sent);
  w scripts;
  o jsonb := p_sent -> 'own';
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
  if p_creates then
    insert into scripts as r (workspace_id, id, "name", "description", "steps", "owner", "tags", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."name", n."description", n."steps", n."owner", nullif(n."tags", '{}'), nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      returning r.* into w;
  else
    update scripts r set "name" = case when p_sent ? 'name' then n."name" else r."name" end,
        "description" = case when p_sent ? 'description' then n."description" else r."description" end,
        "steps" = case when p_sent ? 'steps' then n."steps" else r."steps" end,
        "owner" = case when p_sent ? 'owner' then n."owner" else r."owner" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."description", r."steps", r."owner", r."tags", r."custom", r.own) is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'description' then n."description" else r."description" end, case when p_sent ? 'steps' then n."steps" else r."steps" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from scripts r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'script', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'script', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'description' then octet_length(w."description") end, 0) + coalesce(case when not p_sent ? 'steps' then pg_column_size(w."steps" #> '{}') end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('description', case when not p_sent ? 'description' then octet_length(w."description") end, 'steps', case when not p_sent ? 'steps' then pg_column_size(w."steps" #> '{}') end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

create function services_write(p_workspace text, p_at timestamp with time zone, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text, p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]) returns SETOF services
  language plpgsql volatile parallel unsafe
as $$
declare
  n services := jsonb_populate_record(null::services, p_initial || p_sent);
  w services;
  o jsonb := p_sent -> 'own';
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
  if p_creates then
    insert into services as r (workspace_id, id, "name", "sku", "unit_price_cents", "currency", "tax_rate", "unit", "tags", "notes", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."name", n."sku", n."unit_price_cents", n."currency", n."tax_rate", n."unit", nullif(n."tags", '{}'), n."notes", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      on conflict (workspace_id, lower("sku")) where "sku" is not null and deleted_at is null do nothing
      returning r.* into w;
    if w.id is null then
      update services r set "name" = case when p_sent ? 'name' then n."name" else r."name" end,
          "unit_price_cents" = case when p_sent ? 'unit_price_cents' then n."unit_price_cents" else r."unit_price_cents" end,
          "currency" = case when p_sent ? 'currency' then n."currency" else r."currency" end,
          "tax_rate" = case when p_sent ? 'tax_rate' then n."tax_rate" else r."tax_rate" end,
          "unit" = case when p_sent ? 'unit' then n."unit" else r."unit" end,
          "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
          "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
          "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
          own = case when o is not null then crm_own(r.own, o, false) else r.own end,
          version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
        where r.workspace_id = p_workspace and lower(r."sku") = lower(n."sku") and r."sku" is not null and r.deleted_at is null
          and (p_versions is null or r.version = any (p_versions))
          and (r."name", r."unit_price_cents", r."currency", r."tax_rate", r."unit", r."tags", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'unit_price_cents' then n."unit_price_cents" else r."unit_price_cents" end, case when p_sent ? 'currency' then n."currency" else r."currency" end, case when p_sent ? 'tax_rate' then n."tax_rate" else r."tax_rate" end, case when p_sent ? 'unit' then n."unit" else r."unit" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
        returning r.* into w;
    end if;
  else
    update services r set "name" = case when p_sent ? 'name' then n."name" else r."name" end,
        "sku" = case when p_sent ? 'sku' then n."sku" else r."sku" end,
        "unit_price_cents" = case when p_sent ? 'unit_price_cents' then n."unit_price_cents" else r."unit_price_cents" end,
        "currency" = case when p_sent ? 'currency' then n."currency" else r."currency" end,
        "tax_rate" = case when p_sent ? 'tax_rate' then n."tax_rate" else r."tax_rate" end,
        "unit" = case when p_sent ? 'unit' then n."unit" else r."unit" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."sku", r."unit_price_cents", r."currency", r."tax_rate", r."unit", r."tags", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'sku' then n."sku" else r."sku" end, case when p_sent ? 'unit_price_cents' then n."unit_price_cents" else r."unit_price_cents" end, case when p_sent ? 'currency' then n."currency" else r."currency" end, case when p_sent ? 'tax_rate' then n."tax_rate" else r."tax_rate" end, case when p_sent ? 'unit' then n."unit" else r."unit" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from services r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'service', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'service', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

create function tasks_write(p_workspace text, p_at timestamp with time zone, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text, p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]) returns SETOF tasks
  language plpgsql volatile parallel unsafe
as $$
declare
  n tasks := jsonb_populate_record(null::tasks, p_initial || p_sent);
  w tasks;
  o jsonb := p_sent -> 'own';
  l_deal_contact_id text;
  l_deal_company_id text;
  l_contact_company_id text;
begin
  if n."deal_id" is not null then
    select t.id, t."contact_id", t."company_id" into n."deal_id", l_deal_contact_id, l_deal_company_id from deals t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."deal_id", 8) and right(t.id, length(n."deal_id")) = n."deal_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'deal_id' then
      return;
    end if;
  end if;
  if n."campaign_id" is not null then
    select t.id into n."campaign_id" from campaigns t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."campaign_id", 8) and right(t.id, length(n."campaign_id")) = n."campaign_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'campaign_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'contact_id' then
    n."contact_id" := coalesce(l_deal_contact_id);
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
    n."company_id" := coalesce(l_deal_company_id, l_contact_company_id);
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
    insert into tasks as r (workspace_id, id, "title", "due_at", "done", "done_at", "assignee", "contact_id", "company_id", "deal_id", "campaign_id", "tags", "notes", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."title", n."due_at", n."done", case when p_sent ? 'done_at' then n."done_at" when n."done" is distinct from 'false' then p_at end, n."assignee", n."contact_id", n."company_id", n."deal_id", n."campaign_id", nullif(n."tags", '{}'), n."notes", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      returning r.* into w;
  else
    update tasks r set "title" = case when p_sent ? 'title' then n."title" else r."title" end,
        "due_at" = case when p_sent ? 'due_at' then n."due_at" else r."due_at" end,
        "done" = case when p_sent ? 'done' then n."done" else r."done" end,
        "done_at" = case when p_sent ? 'done_at' then n."done_at" when p_sent ? 'done' then case when r."done" is not distinct from 'false' and not (n."done" is not distinct from 'false') then crm_after(r.updated_at, p_at) when n."done" is not distinct from 'false' and not (r."done" is not distinct from 'false') then null else r."done_at" end else r."done_at" end,
        "assignee" = case when p_sent ? 'assignee' then n."assignee" else r."assignee" end,
        "contact_id" = case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end,
        "company_id" = case when p_sent ? 'company_id' then n."company_id" else r."company_id" end,
        "deal_id" = case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end,
        "campaign_id" = case when p_sent ? 'campaign_id' then n."campaign_id" else r."campaign_id" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."title", r."due_at", r."done", r."done_at", r."assignee", r."contact_id", r."company_id", r."deal_id", r."campaign_id", r."tags", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'title' then n."title" else r."title" end, case when p_sent ? 'due_at' then n."due_at" else r."due_at" end, case when p_sent ? 'done' then n."done" else r."done" end, case when p_sent ? 'done_at' then n."done_at" when p_sent ? 'done' then case when r."done" is not distinct from 'false' and not (n."done" is not distinct from 'false') then crm_after(r.updated_at, p_at) when n."done" is not distinct from 'false' and not (r."done" is not distinct from 'false') then null else r."done_at" end else r."done_at" end, case when p_sent ? 'assignee' then n."assignee" else r."assignee" end, case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end, case when p_sent ? 'company_id' then n."company_id" else r."company_id" end, case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end, case when p_sent ? 'campaign_id' then n."campaign_id" else r."campaign_id" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from tasks r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'task', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'task', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

create function tickets_write(p_workspace text, p_at timestamp with time zone, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text, p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]) returns SETOF tickets
  language plpgsql volatile parallel unsafe
as $$
declare
  n tickets := jsonb_populate_record(null::tickets, p_initial || p_sent);
  w tickets;
  o jsonb := p_sent -> 'own';
  l_requester_company_id text;
begin
  if n."requester_id" is not null then
    select t.id, t."company_id" into n."requester_id", l_requester_company_id from contacts t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."requester_id", 8) and right(t.id, length(n."requester_id")) = n."requester_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'requester_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'company_id' then
    n."company_id" := coalesce(l_requester_company_id);
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
    insert into tickets as r (workspace_id, id, "subject", "status", "priority", "due_at", "assignee", "requester_id", "company_id", "tags", "notes", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."subject", n."status", n."priority", n."due_at", n."assignee", n."requester_id", n."company_id", nullif(n."tags", '{}'), n."notes", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      returning r.* into w;
  else
    update tickets r set "subject" = case when p_sent ? 'subject' then n."subject" else r."subject" end,
        "status" = case when p_sent ? 'status' then n."status" else r."status" end,
        "priority" = case when p_sent ? 'priority' then n."priority" else r."priority" end,
        "due_at" = case when p_sent ? 'due_at' then n."due_at" else r."due_at" end,
        "assignee" = case when p_sent ? 'assignee' then n."assignee" else r."assignee" end,
        "requester_id" = case when p_sent ? 'requester_id' then n."requester_id" else r."requester_id" end,
        "company_id" = case when p_sent ? 'company_id' then n."company_id" else r."company_id" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."subject", r."status", r."priority", r."due_at", r."assignee", r."requester_id", r."company_id", r."tags", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'subject' then n."subject" else r."subject" end, case when p_sent ? 'status' then n."status" else r."status" end, case when p_sent ? 'priority' then n."priority" else r."priority" end, case when p_sent ? 'due_at' then n."due_at" else r."due_at" end, case when p_sent ? 'assignee' then n."assignee" else r."assignee" end, case when p_sent ? 'requester_id' then n."requester_id" else r."requester_id" end, case when p_sent ? 'company_id' then n."company_id" else r."company_id" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from tickets r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'ticket', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'ticket', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

create table access_tokens (
  digest text collate "C" not null,
  token_id text collate "C" not null,
  scopes text[] not null,
  expires_at timestamp with time zone not null,
  constraint access_tokens_pkey PRIMARY KEY (digest),
  constraint access_tokens_token_id_fkey FOREIGN KEY (token_id) REFERENCES tokens(id) ON DELETE CASCADE
);
CREATE INDEX access_tokens_expiry_idx ON public.access_tokens USING btree (expires_at);
CREATE INDEX access_tokens_token_idx ON public.access_tokens USING btree (token_id);

create table activities (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  kind text collate "C" not null,
  at timestamp with time zone not null,
  contact_id text collate "C",
  company_id text collate "C",
  deal_id text collate "C",
  body text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  merged_into text collate "C",
  xid xid8,
  own jsonb,
  campaign_id text collate "C",
  on_behalf_of text collate "C",
  search text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[body, crm_own_lines(own)]))) stored,
  constraint activities_custom_fits CHECK (crm_custom_fits(custom)) NOT VALID,
  constraint activities_needs_one_of CHECK (((num_nonnulls(contact_id, company_id, deal_id) > 0) OR (deleted_at IS NOT NULL))),
  constraint activities_pkey PRIMARY KEY (workspace_id, id),
  constraint activities_workspace_id_campaign_id_fkey FOREIGN KEY (workspace_id, campaign_id) REFERENCES campaigns(workspace_id, id),
  constraint activities_workspace_id_company_id_fkey FOREIGN KEY (workspace_id, company_id) REFERENCES companies(workspace_id, id),
  constraint activities_workspace_id_contact_id_fkey FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts(workspace_id, id),
  constraint activities_workspace_id_deal_id_fkey FOREIGN KEY (workspace_id, deal_id) REFERENCES deals(workspace_id, id)
);
CREATE INDEX activities_at_order_idx ON public.activities USING btree (workspace_id, at, id) WHERE (deleted_at IS NULL);
CREATE INDEX activities_campaign_id_idx ON public.activities USING btree (workspace_id, campaign_id, at, id) WHERE ((campaign_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX activities_company_id_idx ON public.activities USING btree (workspace_id, company_id, at, id) WHERE ((company_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX activities_contact_id_idx ON public.activities USING btree (workspace_id, contact_id, at, id) WHERE ((contact_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX activities_created_at_order_idx ON public.activities USING btree (workspace_id, created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX activities_custom_days_idx ON public.activities USING gin (workspace_id, crm_days(custom)) WHERE ((custom IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX activities_custom_idx ON public.activities USING gin (workspace_id, custom jsonb_path_ops) WHERE (deleted_at IS NULL);
CREATE INDEX activities_deal_id_idx ON public.activities USING btree (workspace_id, deal_id, at, id) WHERE ((deal_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX activities_deleted_idx ON public.activities USING btree (workspace_id, at, id) WHERE (deleted_at IS NOT NULL);
CREATE UNIQUE INDEX activities_handle_key ON public.activities USING btree (workspace_id, "right"(id, 8));
CREATE INDEX activities_kind_idx ON public.activities USING btree (workspace_id, kind, at, id) WHERE (deleted_at IS NULL);
CREATE INDEX activities_lexemes_idx ON public.activities USING gin (crm_lexemes(workspace_id, ('
'::text || search))) WHERE (deleted_at IS NULL);
CREATE INDEX activities_search_idx ON public.activities USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX activities_updated_at_order_idx ON public.activities USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NULL);

create table addresses (
  workspace_id text collate "C" not null,
  kind text collate "C" not null,
  value text collate "C" not null,
  record_id text collate "C" not null,
  constraint addresses_pkey PRIMARY KEY (workspace_id, kind, value)
);

create table authorization_codes (
  digest text collate "C" not null,
  client text collate "C" not null,
  name text collate "C" not null,
  redirect_uri text collate "C" not null,
  challenge text collate "C" not null,
  audience text collate "C" not null,
  scopes text[] not null,
  user_id text collate "C" not null,
  workspace_id text collate "C" not null,
  token_id text collate "C",
  expires_at timestamp with time zone not null,
  constraint authorization_codes_pkey PRIMARY KEY (digest),
  constraint authorization_codes_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint authorization_codes_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id) ON DELETE CASCADE
);
CREATE INDEX authorization_codes_expiry_idx ON public.authorization_codes USING btree (expires_at);

create table calendars (
  id text collate "C" not null,
  digest text collate "C" not null,
  workspace_id text collate "C" not null,
  user_id text collate "C" not null,
  name text collate "C" not null,
  mine boolean not null,
  created_at timestamp with time zone not null,
  token_id text,
  constraint calendars_digest_key UNIQUE (digest),
  constraint calendars_pkey PRIMARY KEY (id),
  constraint calendars_workspace_id_user_id_fkey FOREIGN KEY (workspace_id, user_id) REFERENCES memberships(workspace_id, user_id) ON DELETE CASCADE
);
CREATE INDEX calendars_member_idx ON public.calendars USING btree (workspace_id, user_id);

create table campaign_members (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  campaign_id text collate "C" not null,
  contact_id text collate "C" not null,
  state text collate "C" not null,
  assignee text collate "C",
  next_at timestamp with time zone,
  outcome text collate "C",
  attempts integer not null,
  notes text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  merged_into text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[outcome, notes, crm_own_lines(own)]))) stored,
  constraint campaign_members_custom_fits CHECK (crm_custom_fits(custom)),
  constraint campaign_members_pkey PRIMARY KEY (workspace_id, id),
  constraint campaign_members_workspace_id_campaign_id_fkey FOREIGN KEY (workspace_id, campaign_id) REFERENCES campaigns(workspace_id, id),
  constraint campaign_members_workspace_id_contact_id_fkey FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts(workspace_id, id)
);
CREATE INDEX campaign_members_assignee_due_idx ON public.campaign_members USING btree (workspace_id, assignee, next_at, id) WHERE ((next_at IS NOT NULL) AND (state <> ALL (ARRAY['done'::text, 'do_not_call'::text])) AND (deleted_at IS NULL));
CREATE INDEX campaign_members_assignee_idx ON public.campaign_members USING btree (workspace_id, assignee, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX campaign_members_assignee_order_idx ON public.campaign_members USING btree (workspace_id, lower(assignee), id) WHERE (deleted_at IS NULL);
CREATE INDEX campaign_members_attempts_order_idx ON public.campaign_members USING btree (workspace_id, attempts, id) WHERE (deleted_at IS NULL);
CREATE INDEX campaign_members_called_idx ON public.campaign_members USING btree (workspace_id, "left"(crm_fold(outcome), 200)) WHERE (deleted_at IS NULL);
CREATE INDEX campaign_members_campaign_id_idx ON public.campaign_members USING btree (workspace_id, campaign_id, updated_at, id) WHERE ((campaign_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX campaign_members_contact_id_idx ON public.campaign_members USING btree (workspace_id, contact_id, updated_at, id) WHERE ((contact_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX campaign_members_created_at_order_idx ON public.campaign_members USING btree (workspace_id, created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX campaign_members_custom_days_idx ON public.campaign_members USING gin (workspace_id, crm_days(custom)) WHERE ((custom IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX campaign_members_custom_idx ON public.campaign_members USING gin (workspace_id, custom jsonb_path_ops) WHERE (deleted_at IS NULL);
CREATE INDEX campaign_members_deleted_idx ON public.campaign_members USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
CREATE INDEX campaign_members_due_idx ON public.campaign_members USING btree (workspace_id, next_at, id) WHERE ((next_at IS NOT NULL) AND (state <> ALL (ARRAY['done'::text, 'do_not_call'::text])) AND (deleted_at IS NULL));
CREATE UNIQUE INDEX campaign_members_handle_key ON public.campaign_members USING btree (workspace_id, "right"(id, 8));
CREATE INDEX campaign_members_lexemes_idx ON public.campaign_members USING gin (crm_lexemes(workspace_id, ('
'::text || search))) WHERE (deleted_at IS NULL);
CREATE INDEX campaign_members_next_at_order_idx ON public.campaign_members USING btree (workspace_id, next_at, id) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX campaign_members_once_key ON public.campaign_members USING btree (workspace_id, campaign_id, contact_id) WHERE (deleted_at IS NULL);
CREATE INDEX campaign_members_search_idx ON public.campaign_members USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX campaign_members_state_idx ON public.campaign_members USING btree (workspace_id, state, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX campaign_members_updated_at_order_idx ON public.campaign_members USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NULL);

create table campaigns (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  name text collate "C" not null,
  status text collate "C" not null,
  goal text collate "C",
  starts_on date,
  ends_on date,
  owner text collate "C",
  notes text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  merged_into text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[name, goal, notes, crm_own_lines(own)]))) stored,
  script_id text collate "C",
  form_id text collate "C",
  constraint campaigns_custom_fits CHECK (crm_custom_fits(custom)),
  constraint campaigns_pkey PRIMARY KEY (workspace_id, id),
  constraint campaigns_workspace_id_form_id_fkey FOREIGN KEY (workspace_id, form_id) REFERENCES forms(workspace_id, id),
  constraint campaigns_workspace_id_script_id_fkey FOREIGN KEY (workspace_id, script_id) REFERENCES scripts(workspace_id, id)
);
CREATE INDEX campaigns_called_idx ON public.campaigns USING btree (workspace_id, "left"(crm_fold(name), 200)) WHERE (deleted_at IS NULL);
CREATE INDEX campaigns_created_at_order_idx ON public.campaigns USING btree (workspace_id, created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX campaigns_custom_days_idx ON public.campaigns USING gin (workspace_id, crm_days(custom)) WHERE ((custom IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX campaigns_custom_idx ON public.campaigns USING gin (workspace_id, custom jsonb_path_ops) WHERE (deleted_at IS NULL);
CREATE INDEX campaigns_deleted_idx ON public.campaigns USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
CREATE INDEX campaigns_ends_on_order_idx ON public.campaigns USING btree (workspace_id, ends_on, id) WHERE (deleted_at IS NULL);
CREATE INDEX campaigns_form_id_idx ON public.campaigns USING btree (workspace_id, form_id, updated_at, id) WHERE ((form_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE UNIQUE INDEX campaigns_handle_key ON public.campaigns USING btree (workspace_id, "right"(id, 8));
CREATE INDEX campaigns_lexemes_idx ON public.campaigns USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
CREATE INDEX campaigns_name_order_idx ON public.campaigns USING btree (workspace_id, lower(name), id) WHERE (deleted_at IS NULL);
CREATE INDEX campaigns_owner_idx ON public.campaigns USING btree (workspace_id, owner, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX campaigns_owner_order_idx ON public.campaigns USING btree (workspace_id, lower(owner), id) WHERE (deleted_at IS NULL);
CREATE INDEX campaigns_script_id_idx ON public.campaigns USING btree (workspace_id, script_id, updated_at, id) WHERE ((script_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX campaigns_search_idx ON public.campaigns USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX campaigns_starts_on_order_idx ON public.campaigns USING btree (workspace_id, starts_on, id) WHERE (deleted_at IS NULL);
CREATE INDEX campaigns_status_idx ON public.campaigns USING btree (workspace_id, status, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX campaigns_updated_at_order_idx ON public.campaigns USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NULL);

create table changes (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  kind text collate "C" not null,
  record_id text collate "C" not null,
  version integer not null,
  action text collate "C" not null,
  at timestamp with time zone not null,
  actor text collate "C" not null,
  token_id text collate "C",
  agent text collate "C",
  reason text collate "C",
  request_id text collate "C",
  cause text collate "C",
  "row" jsonb not null,
  xid xid8 not null,
  constraint changes_action_check CHECK ((action = ANY (ARRAY['created'::text, 'updated'::text, 'deleted'::text, 'restored'::text, 'purged'::text, 'imported'::text, 'conflict'::text]))),
  constraint changes_pkey PRIMARY KEY (workspace_id, id)
);
CREATE INDEX changes_at_idx ON public.changes USING btree (workspace_id, at, id);
CREATE INDEX changes_feed_idx ON public.changes USING btree (workspace_id, xid, at, id);
CREATE UNIQUE INDEX changes_handle_key ON public.changes USING btree (workspace_id, "right"(id, 8));
CREATE UNIQUE INDEX changes_version_key ON public.changes USING btree (workspace_id, "right"(record_id, 8), record_id, version);

create table codes (
  subject text collate "C" not null,
  address text collate "C" not null,
  digest text collate "C" not null,
  attempts integer not null,
  foreign_attempts integer not null,
  expires_at timestamp with time zone not null,
  long_digest text collate "C",
  constraint codes_pkey PRIMARY KEY (subject, address)
);
CREATE INDEX codes_expiry_idx ON public.codes USING btree (expires_at);

create table companies (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  name text collate "C" not null,
  domain text collate "C",
  industry text collate "C",
  phone text collate "C",
  owner text collate "C",
  tags text[],
  notes text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  street text collate "C",
  postal_code text collate "C",
  city text collate "C",
  region text collate "C",
  country text collate "C",
  tax_id text collate "C",
  merged_into text collate "C",
  xid xid8,
  domains text[],
  own jsonb,
  search text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[name, domain, crm_words(domains), industry, phone, crm_digits(phone), crm_words(tags), notes, crm_own_lines(own)]))) stored,
  registration_id text collate "C",
  endpoint text collate "C",
  constraint companies_custom_fits CHECK (crm_custom_fits(custom)) NOT VALID,
  constraint companies_domains_fits CHECK ((cardinality(domains) <= 20)),
  constraint companies_pkey PRIMARY KEY (workspace_id, id),
  constraint companies_tags_fits CHECK ((cardinality(tags) <= 100))
);
CREATE INDEX companies_called_idx ON public.companies USING btree (workspace_id, "left"(crm_fold(name), 200)) WHERE (deleted_at IS NULL);
CREATE INDEX companies_city_idx ON public.companies USING btree (workspace_id, city, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX companies_country_idx ON public.companies USING btree (workspace_id, country, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX companies_created_at_order_idx ON public.companies USING btree (workspace_id, created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX companies_custom_days_idx ON public.companies USING gin (workspace_id, crm_days(custom)) WHERE ((custom IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX companies_custom_idx ON public.companies USING gin (workspace_id, custom jsonb_path_ops) WHERE (deleted_at IS NULL);
CREATE INDEX companies_deleted_idx ON public.companies USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
CREATE INDEX companies_domain_gone_idx ON public.companies USING btree (workspace_id, domain) WHERE ((domain IS NOT NULL) AND (deleted_at IS NOT NULL));
CREATE UNIQUE INDEX companies_domain_key ON public.companies USING btree (workspace_id, domain) WHERE ((domain IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX companies_domain_none_idx ON public.companies USING btree (workspace_id, domain, id) WHERE ((domain IS NULL) AND (deleted_at IS NULL));
CREATE INDEX companies_domains_gone_idx ON public.companies USING gin (workspace_id, domains) WHERE ((domains IS NOT NULL) AND (deleted_at IS NOT NULL));
CREATE INDEX companies_domains_idx ON public.companies USING gin (workspace_id, domains) WHERE ((domains IS NOT NULL) AND (deleted_at IS NULL));
CREATE UNIQUE INDEX companies_handle_key ON public.companies USING btree (workspace_id, "right"(id, 8));
CREATE INDEX companies_industry_idx ON public.companies USING btree (workspace_id, industry, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX companies_industry_order_idx ON public.companies USING btree (workspace_id, lower(industry), id) WHERE (deleted_at IS NULL);
CREATE INDEX companies_lexemes_idx ON public.companies USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
CREATE INDEX companies_name_order_idx ON public.companies USING btree (workspace_id, lower(name), id) WHERE (deleted_at IS NULL);
CREATE INDEX companies_owner_idx ON public.companies USING btree (workspace_id, owner, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX companies_owner_order_idx ON public.companies USING btree (workspace_id, lower(owner), id) WHERE (deleted_at IS NULL);
CREATE INDEX companies_same_organisation_idx ON public.companies USING btree (workspace_id, crm_organisation_key(name), id) INCLUDE (name) WHERE ((name IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX companies_same_phone_idx ON public.companies USING btree (workspace_id, crm_phone_key(phone), id) INCLUDE (phone) WHERE ((phone IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX companies_same_stem_idx ON public.companies USING btree (workspace_id, crm_domain_key(domain), id) INCLUDE (domain) WHERE ((domain IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX companies_search_idx ON public.companies USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX companies_tags_idx ON public.companies USING gin (workspace_id, tags) WHERE (deleted_at IS NULL);
CREATE INDEX companies_updated_at_order_idx ON public.companies USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NULL);

create table contacts (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  name text collate "C" not null,
  email text collate "C",
  phone text collate "C",
  title text collate "C",
  company_id text collate "C",
  stage text collate "C",
  owner text collate "C",
  tags text[],
  follow_up_at timestamp with time zone,
  follow_up_note text collate "C",
  notes text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  first_name text collate "C",
  last_name text collate "C",
  street text collate "C",
  postal_code text collate "C",
  city text collate "C",
  region text collate "C",
  country text collate "C",
  merged_into text collate "C",
  xid xid8,
  emails text[],
  phones text[],
  own jsonb,
  search text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[name, email, crm_words(emails), phone, crm_digits(phone), crm_words(phones), crm_digits_of(phones), title, crm_words(tags), follow_up_note, notes, crm_own_lines(own)]))) stored,
  constraint contacts_custom_fits CHECK (crm_custom_fits(custom)) NOT VALID,
  constraint contacts_emails_fits CHECK ((cardinality(emails) <= 20)),
  constraint contacts_phones_fits CHECK ((cardinality(phones) <= 20)),
  constraint contacts_pkey PRIMARY KEY (workspace_id, id),
  constraint contacts_tags_fits CHECK ((cardinality(tags) <= 100)),
  constraint contacts_workspace_id_company_id_fkey FOREIGN KEY (workspace_id, company_id) REFERENCES companies(workspace_id, id)
);
CREATE INDEX contacts_called_idx ON public.contacts USING btree (workspace_id, "left"(crm_fold(name), 200)) WHERE (deleted_at IS NULL);
CREATE INDEX contacts_city_idx ON public.contacts USING btree (workspace_id, city, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX contacts_company_id_idx ON public.contacts USING btree (workspace_id, company_id, updated_at, id) WHERE ((company_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX contacts_country_idx ON public.contacts USING btree (workspace_id, country, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX contacts_created_at_order_idx ON public.contacts USING btree (workspace_id, created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX contacts_custom_days_idx ON public.contacts USING gin (workspace_id, crm_days(custom)) WHERE ((custom IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX contacts_custom_idx ON public.contacts USING gin (workspace_id, custom jsonb_path_ops) WHERE (deleted_at IS NULL);
CREATE INDEX contacts_deleted_idx ON public.contacts USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
CREATE INDEX contacts_email_gone_idx ON public.contacts USING btree (workspace_id, email) WHERE ((email IS NOT NULL) AND (deleted_at IS NOT NULL));
CREATE UNIQUE INDEX contacts_email_key ON public.contacts USING btree (workspace_id, email) WHERE ((email IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX contacts_email_none_idx ON public.contacts USING btree (workspace_id, email, id) WHERE ((email IS NULL) AND (deleted_at IS NULL));
CREATE INDEX contacts_emails_gone_idx ON public.contacts USING gin (workspace_id, emails) WHERE ((emails IS NOT NULL) AND (deleted_at IS NOT NULL));
CREATE INDEX contacts_emails_idx ON public.contacts USING gin (workspace_id, emails) WHERE ((emails IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX contacts_follow_up_at_order_idx ON public.contacts USING btree (workspace_id, follow_up_at, id) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX contacts_handle_key ON public.contacts USING btree (workspace_id, "right"(id, 8));
CREATE INDEX contacts_lexemes_idx ON public.contacts USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
CREATE INDEX contacts_name_order_idx ON public.contacts USING btree (workspace_id, lower(name), id) WHERE (deleted_at IS NULL);
CREATE INDEX contacts_owner_due_idx ON public.contacts USING btree (workspace_id, owner, follow_up_at, id) WHERE ((follow_up_at IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX contacts_owner_idx ON public.contacts USING btree (workspace_id, owner, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX contacts_owner_order_idx ON public.contacts USING btree (workspace_id, lower(owner), id) WHERE (deleted_at IS NULL);
CREATE INDEX contacts_phones_idx ON public.contacts USING gin (workspace_id, phones) WHERE ((phones IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX contacts_same_mailbox_idx ON public.contacts USING btree (workspace_id, crm_mail_key(email), id) INCLUDE (email) WHERE ((email IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX contacts_same_person_idx ON public.contacts USING btree (workspace_id, crm_person_key(name), id) INCLUDE (name) WHERE ((name IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX contacts_same_phone_idx ON public.contacts USING btree (workspace_id, crm_phone_key(phone), id) INCLUDE (phone) WHERE ((phone IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX contacts_same_sounds_idx ON public.contacts USING btree (workspace_id, crm_person_sounds(name), id) INCLUDE (name) WHERE ((name IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX contacts_search_idx ON public.contacts USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX contacts_stage_idx ON public.contacts USING btree (workspace_id, stage, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX contacts_stage_order_idx ON public.contacts USING btree (workspace_id, lower(stage), id) WHERE (deleted_at IS NULL);
CREATE INDEX contacts_tags_idx ON public.contacts USING gin (workspace_id, tags) WHERE (deleted_at IS NULL);
CREATE INDEX contacts_updated_at_order_idx ON public.contacts USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NULL);

create table deals (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  title text collate "C" not null,
  amount_cents bigint,
  currency text collate "C",
  stage text collate "C",
  status text collate "C" not null,
  close_date date,
  contact_id text collate "C",
  company_id text collate "C",
  owner text collate "C",
  tags text[],
  follow_up_at timestamp with time zone,
  follow_up_note text collate "C",
  notes text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  closed_at timestamp with time zone,
  lost_reason text collate "C",
  probability numeric(18,6),
  merged_into text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[title, stage, crm_words(tags), follow_up_note, notes, crm_own_lines(own)]))) stored,
  constraint deals_custom_fits CHECK (crm_custom_fits(custom)) NOT VALID,
  constraint deals_pkey PRIMARY KEY (workspace_id, id),
  constraint deals_tags_fits CHECK ((cardinality(tags) <= 100)),
  constraint deals_workspace_id_company_id_fkey FOREIGN KEY (workspace_id, company_id) REFERENCES companies(workspace_id, id),
  constraint deals_workspace_id_contact_id_fkey FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts(workspace_id, id)
);
CREATE INDEX deals_amount_cents_order_idx ON public.deals USING btree (workspace_id, amount_cents, id) WHERE (deleted_at IS NULL);
CREATE INDEX deals_called_idx ON public.deals USING btree (workspace_id, "left"(crm_fold(title), 200)) WHERE (deleted_at IS NULL);
CREATE INDEX deals_close_date_order_idx ON public.deals USING btree (workspace_id, close_date, id) WHERE (deleted_at IS NULL);
CREATE INDEX deals_closed_at_order_idx ON public.deals USING btree (workspace_id, closed_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX deals_company_id_idx ON public.deals USING btree (workspace_id, company_id, updated_at, id) WHERE ((company_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX deals_contact_id_idx ON public.deals USING btree (workspace_id, contact_id, updated_at, id) WHERE ((contact_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX deals_created_at_order_idx ON public.deals USING btree (workspace_id, created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX deals_custom_days_idx ON public.deals USING gin (workspace_id, crm_days(custom)) WHERE ((custom IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX deals_custom_idx ON public.deals USING gin (workspace_id, custom jsonb_path_ops) WHERE (deleted_at IS NULL);
CREATE INDEX deals_deleted_idx ON public.deals USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
CREATE INDEX deals_follow_up_at_order_idx ON public.deals USING btree (workspace_id, follow_up_at, id) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX deals_handle_key ON public.deals USING btree (workspace_id, "right"(id, 8));
CREATE INDEX deals_lexemes_idx ON public.deals USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
CREATE INDEX deals_owner_due_idx ON public.deals USING btree (workspace_id, owner, follow_up_at, id) WHERE ((follow_up_at IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX deals_owner_idx ON public.deals USING btree (workspace_id, owner, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX deals_owner_order_idx ON public.deals USING btree (workspace_id, lower(owner), id) WHERE (deleted_at IS NULL);
CREATE INDEX deals_search_idx ON public.deals USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX deals_stage_idx ON public.deals USING btree (workspace_id, stage, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX deals_stage_order_idx ON public.deals USING btree (workspace_id, lower(stage), id) WHERE (deleted_at IS NULL);
CREATE INDEX deals_status_idx ON public.deals USING btree (workspace_id, status, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX deals_tags_idx ON public.deals USING gin (workspace_id, tags) WHERE (deleted_at IS NULL);
CREATE INDEX deals_title_order_idx ON public.deals USING btree (workspace_id, lower(title), id) WHERE (deleted_at IS NULL);
CREATE INDEX deals_updated_at_order_idx ON public.deals USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NULL);

create table deliveries (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  webhook_id text collate "C" not null,
  number bigint not null,
  event text collate "C" not null,
  change_id text collate "C",
  record_id text collate "C",
  state text collate "C" not null,
  due_at timestamp with time zone,
  first_try_at timestamp with time zone,
  tries integer not null,
  attempts jsonb not null,
  created_at timestamp with time zone not null,
  done_at timestamp with time zone,
  constraint deliveries_pkey PRIMARY KEY (workspace_id, id)
);
CREATE INDEX deliveries_done_idx ON public.deliveries USING btree (done_at);
CREATE UNIQUE INDEX deliveries_handle_key ON public.deliveries USING btree (workspace_id, "right"(id, 8));
CREATE INDEX deliveries_record_idx ON public.deliveries USING btree (workspace_id, record_id);
CREATE INDEX deliveries_waiting_idx ON public.deliveries USING btree (workspace_id, webhook_id, number) WHERE (due_at IS NOT NULL);
CREATE INDEX deliveries_webhook_idx ON public.deliveries USING btree (workspace_id, webhook_id, number);

create table dismissed_pairs (
  workspace_id text collate "C" not null,
  a text collate "C" not null,
  b text collate "C" not null,
  at timestamp with time zone not null,
  actor text collate "C" not null,
  constraint dismissed_pairs_pkey PRIMARY KEY (workspace_id, a, b)
);
CREATE INDEX dismissed_pairs_b_idx ON public.dismissed_pairs USING btree (workspace_id, b);

create table emails (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  direction text collate "C",
  "from" text collate "C",
  "to" text[],
  cc text[],
  subject text collate "C" not null,
  sent_at timestamp with time zone not null,
  snippet text collate "C",
  thread_id text collate "C",
  message_id text collate "C",
  in_reply_to text[],
  received_at timestamp with time zone,
  provider text collate "C",
  provider_msg_id text collate "C",
  body text collate "C",
  body_html text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  merged_into text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[subject, "from", crm_words("to"), crm_words(cc), snippet, body, crm_own_lines(own)]))) stored,
  constraint emails_cc_fits CHECK ((cardinality(cc) <= 500)),
  constraint emails_custom_fits CHECK (crm_custom_fits(custom)),
  constraint emails_in_reply_to_fits CHECK ((cardinality(in_reply_to) <= 100)),
  constraint emails_pkey PRIMARY KEY (workspace_id, id),
  constraint emails_to_fits CHECK ((cardinality("to") <= 500))
);
CREATE INDEX emails_cc_idx ON public.emails USING gin (workspace_id, cc) WHERE ((cc IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX emails_created_at_order_idx ON public.emails USING btree (workspace_id, created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX emails_custom_days_idx ON public.emails USING gin (workspace_id, crm_days(custom)) WHERE ((custom IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX emails_custom_idx ON public.emails USING gin (workspace_id, custom jsonb_path_ops) WHERE (deleted_at IS NULL);
CREATE INDEX emails_deleted_idx ON public.emails USING btree (workspace_id, sent_at, id) WHERE (deleted_at IS NOT NULL);
CREATE INDEX emails_direction_idx ON public.emails USING btree (workspace_id, direction, sent_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX emails_from_idx ON public.emails USING btree (workspace_id, "from", sent_at, id) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX emails_handle_key ON public.emails USING btree (workspace_id, "right"(id, 8));
CREATE INDEX emails_lexemes_idx ON public.emails USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
CREATE INDEX emails_message_id_gone_idx ON public.emails USING btree (workspace_id, message_id) WHERE ((message_id IS NOT NULL) AND (deleted_at IS NOT NULL));
CREATE UNIQUE INDEX emails_message_id_key ON public.emails USING btree (workspace_id, message_id) WHERE ((message_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX emails_search_idx ON public.emails USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX emails_sent_at_order_idx ON public.emails USING btree (workspace_id, sent_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX emails_subject_order_idx ON public.emails USING btree (workspace_id, lower(subject), id) WHERE (deleted_at IS NULL);
CREATE INDEX emails_thread_id_idx ON public.emails USING btree (workspace_id, thread_id, sent_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX emails_to_idx ON public.emails USING gin (workspace_id, "to") WHERE (("to" IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX emails_updated_at_order_idx ON public.emails USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NULL);

create table employees (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  name text collate "C" not null,
  email text collate "C",
  role text collate "C",
  rate numeric(18,6),
  currency text collate "C",
  tags text[],
  notes text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  merged_into text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[name, email, role, crm_words(tags), notes, crm_own_lines(own)]))) stored,
  constraint employees_custom_fits CHECK (crm_custom_fits(custom)),
  constraint employees_pkey PRIMARY KEY (workspace_id, id),
  constraint employees_tags_fits CHECK ((cardinality(tags) <= 100))
);
CREATE INDEX employees_created_at_order_idx ON public.employees USING btree (workspace_id, created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX employees_custom_days_idx ON public.employees USING gin (workspace_id, crm_days(custom)) WHERE ((custom IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX employees_custom_idx ON public.employees USING gin (workspace_id, custom jsonb_path_ops) WHERE (deleted_at IS NULL);
CREATE INDEX employees_deleted_idx ON public.employees USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
CREATE INDEX employees_email_gone_idx ON public.employees USING btree (workspace_id, email) WHERE ((email IS NOT NULL) AND (deleted_at IS NOT NULL));
CREATE UNIQUE INDEX employees_email_key ON public.employees USING btree (workspace_id, email) WHERE ((email IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX employees_email_none_idx ON public.employees USING btree (workspace_id, email, id) WHERE ((email IS NULL) AND (deleted_at IS NULL));
CREATE UNIQUE INDEX employees_handle_key ON public.employees USING btree (workspace_id, "right"(id, 8));
CREATE INDEX employees_lexemes_idx ON public.employees USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
CREATE INDEX employees_name_order_idx ON public.employees USING btree (workspace_id, lower(name), id) WHERE (deleted_at IS NULL);
CREATE INDEX employees_rate_order_idx ON public.employees USING btree (workspace_id, rate, id) WHERE (deleted_at IS NULL);
CREATE INDEX employees_role_idx ON public.employees USING btree (workspace_id, role, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX employees_role_order_idx ON public.employees USING btree (workspace_id, lower(role), id) WHERE (deleted_at IS NULL);
CREATE INDEX employees_search_idx ON public.employees USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX employees_tags_idx ON public.employees USING gin (workspace_id, tags) WHERE (deleted_at IS NULL);
CREATE INDEX employees_updated_at_order_idx ON public.employees USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NULL);

create table executions (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  member_id text collate "C",
  campaign_id text collate "C",
  script_id text collate "C",
  contact_id text collate "C",
  status text collate "C" not null generated always as (crm_walk_status(steps, answers, stopped_at)) stored,
  answers jsonb,
  next jsonb generated always as (crm_next(steps, answers)) stored,
  path text[] generated always as (crm_path(steps, answers)) stored,
  outcome text collate "C",
  stopped_at timestamp with time zone,
  script_version integer,
  steps jsonb,
  owner text collate "C",
  notes text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  merged_into text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[outcome, notes, crm_own_lines(own)]))) stored,
  constraint executions_answers_fits CHECK (crm_custom_fits(answers)),
  constraint executions_custom_fits CHECK (crm_custom_fits(custom)),
  constraint executions_needs_one_of CHECK (((num_nonnulls(contact_id, member_id) > 0) OR (deleted_at IS NOT NULL))),
  constraint executions_path_fits CHECK ((cardinality(path) <= 100)),
  constraint executions_pkey PRIMARY KEY (workspace_id, id),
  constraint executions_workspace_id_campaign_id_fkey FOREIGN KEY (workspace_id, campaign_id) REFERENCES campaigns(workspace_id, id),
  constraint executions_workspace_id_contact_id_fkey FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts(workspace_id, id),
  constraint executions_workspace_id_member_id_fkey FOREIGN KEY (workspace_id, member_id) REFERENCES campaign_members(workspace_id, id),
  constraint executions_workspace_id_script_id_fkey FOREIGN KEY (workspace_id, script_id) REFERENCES scripts(workspace_id, id)
);
CREATE INDEX executions_answers_days_idx ON public.executions USING gin (workspace_id, crm_days(answers)) WHERE ((answers IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX executions_answers_idx ON public.executions USING gin (workspace_id, answers jsonb_path_ops) WHERE (deleted_at IS NULL);
CREATE INDEX executions_campaign_id_idx ON public.executions USING btree (workspace_id, campaign_id, updated_at, id) WHERE ((campaign_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX executions_contact_id_idx ON public.executions USING btree (workspace_id, contact_id, updated_at, id) WHERE ((contact_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX executions_created_at_order_idx ON public.executions USING btree (workspace_id, created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX executions_custom_days_idx ON public.executions USING gin (workspace_id, crm_days(custom)) WHERE ((custom IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX executions_custom_idx ON public.executions USING gin (workspace_id, custom jsonb_path_ops) WHERE (deleted_at IS NULL);
CREATE INDEX executions_deleted_idx ON public.executions USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
CREATE UNIQUE INDEX executions_handle_key ON public.executions USING btree (workspace_id, "right"(id, 8));
CREATE INDEX executions_lexemes_idx ON public.executions USING gin (crm_lexemes(workspace_id, ('
'::text || search))) WHERE (deleted_at IS NULL);
CREATE INDEX executions_member_id_idx ON public.executions USING btree (workspace_id, member_id, updated_at, id) WHERE ((member_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX executions_owner_idx ON public.executions USING btree (workspace_id, owner, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX executions_owner_order_idx ON public.executions USING btree (workspace_id, lower(owner), id) WHERE (deleted_at IS NULL);
CREATE INDEX executions_path_idx ON public.executions USING gin (workspace_id, path) WHERE (deleted_at IS NULL);
CREATE INDEX executions_script_id_idx ON public.executions USING btree (workspace_id, script_id, updated_at, id) WHERE ((script_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX executions_search_idx ON public.executions USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX executions_stopped_at_order_idx ON public.executions USING btree (workspace_id, stopped_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX executions_updated_at_order_idx ON public.executions USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NULL);

create table forms (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  name text collate "C" not null,
  description text collate "C",
  questions jsonb not null,
  owner text collate "C",
  tags text[],
  custom jsonb,
  version integer not null,
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  merged_into text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[name, description, crm_words(tags), crm_own_lines(own)]))) stored,
  constraint forms_custom_fits CHECK (crm_custom_fits(custom)),
  constraint forms_pkey PRIMARY KEY (workspace_id, id),
  constraint forms_tags_fits CHECK ((cardinality(tags) <= 100))
);
CREATE INDEX forms_called_idx ON public.forms USING btree (workspace_id, "left"(crm_fold(name), 200)) WHERE (deleted_at IS NULL);
CREATE INDEX forms_created_at_order_idx ON public.forms USING btree (workspace_id, created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX forms_custom_days_idx ON public.forms USING gin (workspace_id, crm_days(custom)) WHERE ((custom IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX forms_custom_idx ON public.forms USING gin (workspace_id, custom jsonb_path_ops) WHERE (deleted_at IS NULL);
CREATE INDEX forms_deleted_idx ON public.forms USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
CREATE UNIQUE INDEX forms_handle_key ON public.forms USING btree (workspace_id, "right"(id, 8));
CREATE INDEX forms_lexemes_idx ON public.forms USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
CREATE INDEX forms_name_order_idx ON public.forms USING btree (workspace_id, lower(name), id) WHERE (deleted_at IS NULL);
CREATE INDEX forms_owner_idx ON public.forms USING btree (workspace_id, owner, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX forms_owner_order_idx ON public.forms USING btree (workspace_id, lower(owner), id) WHERE (deleted_at IS NULL);
CREATE INDEX forms_search_idx ON public.forms USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX forms_tags_idx ON public.forms USING gin (workspace_id, tags) WHERE (deleted_at IS NULL);
CREATE INDEX forms_updated_at_order_idx ON public.forms USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NULL);

create table idempotency_keys (
  workspace_id text collate "C" not null,
  key text collate "C" not null,
  fingerprint text collate "C" not null,
  record_id text collate "C" not null,
  created_at timestamp with time zone not null,
  answer json,
  constraint idempotency_keys_pkey PRIMARY KEY (workspace_id, key)
);
CREATE INDEX idempotency_keys_created_idx ON public.idempotency_keys USING btree (created_at);

create table import_rows (
  workspace_id text collate "C" not null,
  import_id text collate "C" not null,
  n integer not null,
  "row" integer not null,
  kind text collate "C" not null,
  said text collate "C",
  key text collate "C",
  fields jsonb,
  bytes integer not null,
  outcome text collate "C",
  record_id text collate "C",
  problem jsonb,
  constraint import_rows_outcome_check CHECK ((outcome = ANY (ARRAY['created'::text, 'updated'::text, 'unchanged'::text, 'refused'::text]))),
  constraint import_rows_pkey PRIMARY KEY (workspace_id, import_id, n)
);
CREATE INDEX import_rows_key_idx ON public.import_rows USING btree (workspace_id, import_id, key) WHERE (key IS NOT NULL);
CREATE INDEX import_rows_said_idx ON public.import_rows USING btree (workspace_id, import_id, said) WHERE (said IS NOT NULL);

create table imports (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  kind text collate "C",
  state text collate "C" not null,
  dry_run boolean not null,
  strict boolean not null,
  digest text collate "C",
  facts jsonb not null,
  runner text collate "C" not null,
  beat_at timestamp with time zone not null,
  rows integer not null,
  created integer not null,
  updated integer not null,
  unchanged integer not null,
  refused integer not null,
  actor text collate "C" not null,
  request_id text collate "C" not null,
  created_at timestamp with time zone not null,
  finished_at timestamp with time zone,
  constraint imports_pkey PRIMARY KEY (workspace_id, id),
  constraint imports_state_check CHECK ((state = ANY (ARRAY['staging'::text, 'staged'::text, 'done'::text, 'refused'::text])))
);
CREATE INDEX imports_created_at_idx ON public.imports USING btree (created_at);
CREATE UNIQUE INDEX imports_handle_key ON public.imports USING btree (workspace_id, "right"(id, 8));

create table invites (
  id text collate "C" not null,
  workspace_id text collate "C" not null,
  email text collate "C" not null,
  role text collate "C" not null,
  invited_by text collate "C" not null,
  created_at timestamp with time zone not null,
  constraint invites_pkey PRIMARY KEY (id),
  constraint invites_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'member'::text, 'viewer'::text]))),
  constraint invites_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id) ON DELETE CASCADE
);
CREATE INDEX invites_by_email_idx ON public.invites USING btree (email);
CREATE UNIQUE INDEX invites_email_key ON public.invites USING btree (workspace_id, email);

create table invoices (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  number text collate "C",
  title text collate "C",
  status text collate "C" not null generated always as (
CASE
    WHEN (cancelled_at IS NOT NULL) THEN 'cancelled'::text
    WHEN (number IS NULL) THEN 'draft'::text
    WHEN (credits_id IS NOT NULL) THEN 'issued'::text
    WHEN ((COALESCE(paid_cents, (0)::bigint) + COALESCE(credited_cents, (0)::bigint)) >= crm_gross(items)) THEN 'paid'::text
    WHEN (COALESCE(paid_cents, (0)::bigint) > 0) THEN 'partly_paid'::text
    ELSE 'issued'::text
END) stored,
  document text collate "C" not null generated always as (
CASE
    WHEN (credits_id IS NOT NULL) THEN 'credit_note'::text
    ELSE 'invoice'::text
END) stored,
  company_id text collate "C",
  contact_id text collate "C",
  deal_id text collate "C",
  quote_id text collate "C",
  credits_id text collate "C",
  currency text collate "C",
  items jsonb,
  net_cents bigint not null generated always as (
CASE
    WHEN (credits_id IS NULL) THEN crm_net(items)
    ELSE (- crm_net(items))
END) stored,
  tax_cents bigint not null generated always as (
CASE
    WHEN (credits_id IS NULL) THEN crm_tax(items)
    ELSE (- crm_tax(items))
END) stored,
  gross_cents bigint not null generated always as (
CASE
    WHEN (credits_id IS NULL) THEN crm_gross(items)
    ELSE (- crm_gross(items))
END) stored,
  taxes jsonb generated always as (crm_taxes(items)) stored,
  paid_cents bigint,
  credited_cents bigint,
  open_cents bigint generated always as (
CASE
    WHEN ((number IS NOT NULL) AND (cancelled_at IS NULL) AND (credits_id IS NULL)) THEN ((crm_gross(items) - COALESCE(paid_cents, (0)::bigint)) - COALESCE(credited_cents, (0)::bigint))
    ELSE NULL::bigint
END) stored,
  issue_date date,
  due_date date,
  issued_at timestamp with time zone,
  overdue_at timestamp with time zone generated always as (
CASE
    WHEN ((number IS NOT NULL) AND (cancelled_at IS NULL) AND (credits_id IS NULL) AND ((COALESCE(paid_cents, (0)::bigint) + COALESCE(credited_cents, (0)::bigint)) < crm_gross(items))) THEN (((due_date + 1))::timestamp without time zone AT TIME ZONE 'UTC'::text)
    ELSE NULL::timestamp with time zone
END) stored,
  cancelled_at timestamp with time zone,
  series text collate "C",
  delivery_date date,
  buyer_reference text collate "C",
  terms text collate "C",
  owner text collate "C",
  buyer jsonb,
  seller jsonb,
  tags text[],
  notes text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  merged_into text collate "C",
  seal text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[title, number, crm_words(tags), notes, crm_own_lines(own)]))) stored,
  mark text collate "C",
  constraint invoices_custom_fits CHECK (crm_custom_fits(custom)),
  constraint invoices_frozen CHECK ((((seal IS NULL) AND (issued_at IS NULL)) OR ((deleted_at IS NULL) AND (COALESCE(seal, ''::text) = md5((jsonb_build_array(number, title, credits_id, currency, items, issue_date, due_date, EXTRACT(epoch FROM issued_at), series, delivery_date, buyer_reference, terms, buyer, seller))::text))))),
  constraint invoices_pkey PRIMARY KEY (workspace_id, id),
  constraint invoices_tags_fits CHECK ((cardinality(tags) <= 100)),
  constraint invoices_workspace_id_company_id_fkey FOREIGN KEY (workspace_id, company_id) REFERENCES companies(workspace_id, id),
  constraint invoices_workspace_id_contact_id_fkey FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts(workspace_id, id),
  constraint invoices_workspace_id_credits_id_fkey FOREIGN KEY (workspace_id, credits_id) REFERENCES invoices(workspace_id, id),
  constraint invoices_workspace_id_deal_id_fkey FOREIGN KEY (workspace_id, deal_id) REFERENCES deals(workspace_id, id),
  constraint invoices_workspace_id_quote_id_fkey FOREIGN KEY (workspace_id, quote_id) REFERENCES quotes(workspace_id, id)
);
CREATE INDEX invoices_called_idx ON public.invoices USING btree (workspace_id, "left"(crm_fold(title), 200)) WHERE (deleted_at IS NULL);
CREATE INDEX invoices_company_id_idx ON public.invoices USING btree (workspace_id, company_id, updated_at, id) WHERE ((company_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX invoices_contact_id_idx ON public.invoices USING btree (workspace_id, contact_id, updated_at, id) WHERE ((contact_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX invoices_created_at_order_idx ON public.invoices USING btree (workspace_id, created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX invoices_credits_id_idx ON public.invoices USING btree (workspace_id, credits_id, updated_at, id) WHERE ((credits_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX invoices_custom_days_idx ON public.invoices USING gin (workspace_id, crm_days(custom)) WHERE ((custom IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX invoices_custom_idx ON public.invoices USING gin (workspace_id, custom jsonb_path_ops) WHERE (deleted_at IS NULL);
CREATE INDEX invoices_deal_id_idx ON public.invoices USING btree (workspace_id, deal_id, updated_at, id) WHERE ((deal_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX invoices_deleted_idx ON public.invoices USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
CREATE INDEX invoices_due_date_order_idx ON public.invoices USING btree (workspace_id, due_date, id) WHERE (deleted_at IS NULL);
CREATE INDEX invoices_gross_cents_order_idx ON public.invoices USING btree (workspace_id, gross_cents, id) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX invoices_handle_key ON public.invoices USING btree (workspace_id, "right"(id, 8));
CREATE INDEX invoices_issue_date_order_idx ON public.invoices USING btree (workspace_id, issue_date, id) WHERE (deleted_at IS NULL);
CREATE INDEX invoices_issued_at_order_idx ON public.invoices USING btree (workspace_id, issued_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX invoices_lexemes_idx ON public.invoices USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
CREATE INDEX invoices_net_cents_order_idx ON public.invoices USING btree (workspace_id, net_cents, id) WHERE (deleted_at IS NULL);
CREATE INDEX invoices_number_order_idx ON public.invoices USING btree (workspace_id, lower(number), id) WHERE (deleted_at IS NULL);
CREATE INDEX invoices_open_cents_order_idx ON public.invoices USING btree (workspace_id, open_cents, id) WHERE (deleted_at IS NULL);
CREATE INDEX invoices_overdue_at_order_idx ON public.invoices USING btree (workspace_id, overdue_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX invoices_owner_due_idx ON public.invoices USING btree (workspace_id, owner, overdue_at, id) WHERE ((overdue_at IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX invoices_owner_idx ON public.invoices USING btree (workspace_id, owner, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX invoices_owner_order_idx ON public.invoices USING btree (workspace_id, lower(owner), id) WHERE (deleted_at IS NULL);
CREATE INDEX invoices_quote_id_idx ON public.invoices USING btree (workspace_id, quote_id, updated_at, id) WHERE ((quote_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX invoices_search_idx ON public.invoices USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX invoices_tags_idx ON public.invoices USING gin (workspace_id, tags) WHERE (deleted_at IS NULL);
CREATE INDEX invoices_title_order_idx ON public.invoices USING btree (workspace_id, lower(title), id) WHERE (deleted_at IS NULL);
CREATE INDEX invoices_updated_at_order_idx ON public.invoices USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NULL);

create table kinds (
  workspace_id text collate "C" not null,
  name text collate "C" not null,
  id text collate "C" not null,
  prefix text collate "C",
  plural text collate "C",
  declaration jsonb not null,
  version integer not null,
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  constraint kinds_pkey PRIMARY KEY (workspace_id, name)
);
CREATE UNIQUE INDEX kinds_id_key ON public.kinds USING btree (workspace_id, id);
CREATE UNIQUE INDEX kinds_plural_key ON public.kinds USING btree (workspace_id, plural);
CREATE UNIQUE INDEX kinds_prefix_key ON public.kinds USING btree (workspace_id, prefix);

create table list_members (
  workspace_id text collate "C" not null,
  list_id text collate "C" not null,
  record_id text collate "C" not null,
  added_at timestamp with time zone not null,
  added_by text collate "C" not null,
  constraint list_members_pkey PRIMARY KEY (workspace_id, list_id, record_id),
  constraint list_members_workspace_id_list_id_fkey FOREIGN KEY (workspace_id, list_id) REFERENCES lists(workspace_id, id) ON DELETE CASCADE
);

create table lists (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  name text collate "C" not null,
  slug text collate "C" not null,
  kind text collate "C" not null,
  query text collate "C",
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  description text collate "C",
  custom jsonb,
  deleted_at timestamp with time zone,
  constraint lists_pkey PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX lists_handle_key ON public.lists USING btree (workspace_id, "right"(id, 8));
CREATE UNIQUE INDEX lists_slug_key ON public.lists USING btree (workspace_id, slug) WHERE (deleted_at IS NULL);

create table mails (
  id text collate "C" not null,
  sealed bytea not null,
  attempts integer not null,
  created_at timestamp with time zone not null,
  next_attempt_at timestamp with time zone not null,
  constraint mails_pkey PRIMARY KEY (id)
);
CREATE INDEX mails_next_idx ON public.mails USING btree (next_attempt_at);

create table memberships (
  workspace_id text collate "C" not null,
  user_id text collate "C" not null,
  role text collate "C" not null,
  created_at timestamp with time zone not null,
  constraint memberships_pkey PRIMARY KEY (workspace_id, user_id),
  constraint memberships_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'member'::text, 'viewer'::text]))),
  constraint memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint memberships_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id) ON DELETE CASCADE
);
CREATE INDEX memberships_user_idx ON public.memberships USING btree (user_id);

create table mentions (
  workspace_id text collate "C" not null,
  kind text collate "C" not null,
  value text collate "C" not null,
  at timestamp with time zone not null,
  record_id text collate "C" not null,
  constraint mentions_pkey PRIMARY KEY (workspace_id, kind, value, at, record_id)
);
CREATE INDEX mentions_record_idx ON public.mentions USING btree (workspace_id, record_id);

create table oauth_clients (
  id text collate "C" not null,
  name text collate "C" not null,
  redirect_uris text[] not null,
  auth_method text collate "C" not null,
  secret_digest text collate "C",
  registration_digest text collate "C" not null,
  address text collate "C" not null,
  created_at timestamp with time zone not null,
  used_at timestamp with time zone,
  constraint oauth_clients_pkey PRIMARY KEY (id)
);
CREATE INDEX oauth_clients_address_idx ON public.oauth_clients USING btree (address, created_at);
CREATE INDEX oauth_clients_unused_idx ON public.oauth_clients USING btree (created_at) WHERE (used_at IS NULL);

create table own_records (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  kind text collate "C" not null,
  own jsonb,
  version integer not null,
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  merged_into text collate "C",
  xid xid8,
  search text generated always as (crm_fold(crm_own_search(own))) stored,
  constraint own_records_pkey PRIMARY KEY (workspace_id, id),
  constraint own_records_workspace_id_kind_fkey FOREIGN KEY (workspace_id, kind) REFERENCES kinds(workspace_id, name)
);
CREATE INDEX own_records_a0_same_idx ON public.own_records USING btree (workspace_id, kind, crm_organisation_key(((own ->> 'a0'::text) COLLATE "C")), id) WHERE ((crm_organisation_key(((own ->> 'a0'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_c1_idx ON public.own_records USING btree (workspace_id, kind, ((own ->> 'c1'::text)) COLLATE "C", updated_at, id) WHERE ((((own ->> 'c1'::text) COLLATE "C") IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_c2_idx ON public.own_records USING btree (workspace_id, kind, ((own ->> 'c2'::text)) COLLATE "C", updated_at, id) WHERE ((((own ->> 'c2'::text) COLLATE "C") IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_c3_idx ON public.own_records USING btree (workspace_id, kind, ((own ->> 'c3'::text)) COLLATE "C", updated_at, id) WHERE ((((own ->> 'c3'::text) COLLATE "C") IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_c4_idx ON public.own_records USING btree (workspace_id, kind, ((own ->> 'c4'::text)) COLLATE "C", updated_at, id) WHERE ((((own ->> 'c4'::text) COLLATE "C") IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_called_idx ON public.own_records USING btree (workspace_id, kind, "left"(crm_fold(((own ->> 'a0'::text) COLLATE "C")), 200)) WHERE (("left"(crm_fold(((own ->> 'a0'::text) COLLATE "C")), 200) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_created_at_idx ON public.own_records USING btree (workspace_id, kind, created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX own_records_d1_idx ON public.own_records USING btree (workspace_id, kind, crm_own_date((own ->> 'd1'::text)), id) WHERE ((crm_own_date((own ->> 'd1'::text)) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_d2_idx ON public.own_records USING btree (workspace_id, kind, crm_own_date((own ->> 'd2'::text)), id) WHERE ((crm_own_date((own ->> 'd2'::text)) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_d3_idx ON public.own_records USING btree (workspace_id, kind, crm_own_date((own ->> 'd3'::text)), id) WHERE ((crm_own_date((own ->> 'd3'::text)) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_deleted_idx ON public.own_records USING btree (workspace_id, kind, updated_at, id) WHERE (deleted_at IS NOT NULL);
CREATE INDEX own_records_g1_idx ON public.own_records USING gin (workspace_id, crm_own_list((own -> 'g1'::text))) WHERE ((crm_own_list((own -> 'g1'::text)) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_g2_idx ON public.own_records USING gin (workspace_id, crm_own_list((own -> 'g2'::text))) WHERE ((crm_own_list((own -> 'g2'::text)) IS NOT NULL) AND (deleted_at IS NULL));
CREATE UNIQUE INDEX own_records_handle_key ON public.own_records USING btree (workspace_id, "right"(id, 8), kind);
CREATE INDEX own_records_i1_idx ON public.own_records USING btree (workspace_id, kind, (((own ->> 'i1'::text))::bigint), id) WHERE ((((own ->> 'i1'::text))::bigint IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_i2_idx ON public.own_records USING btree (workspace_id, kind, (((own ->> 'i2'::text))::bigint), id) WHERE ((((own ->> 'i2'::text))::bigint IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_i3_idx ON public.own_records USING btree (workspace_id, kind, (((own ->> 'i3'::text))::bigint), id) WHERE ((((own ->> 'i3'::text))::bigint IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_i4_idx ON public.own_records USING btree (workspace_id, kind, (((own ->> 'i4'::text))::bigint), id) WHERE ((((own ->> 'i4'::text))::bigint IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_i5_idx ON public.own_records USING btree (workspace_id, kind, (((own ->> 'i5'::text))::bigint), id) WHERE ((((own ->> 'i5'::text))::bigint IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_i6_idx ON public.own_records USING btree (workspace_id, kind, (((own ->> 'i6'::text))::bigint), id) WHERE ((((own ->> 'i6'::text))::bigint IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_k0_same_idx ON public.own_records USING btree (workspace_id, kind, crm_own_mark(((own ->> 'k0'::text) COLLATE "C")), id) WHERE ((crm_own_mark(((own ->> 'k0'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE UNIQUE INDEX own_records_key ON public.own_records USING btree (workspace_id, kind, lower(((own ->> 'k0'::text) COLLATE "C"))) WHERE ((lower(((own ->> 'k0'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_key_called_idx ON public.own_records USING btree (workspace_id, kind, "left"(crm_fold(((own ->> 'k0'::text) COLLATE "C")), 200)) WHERE (("left"(crm_fold(((own ->> 'k0'::text) COLLATE "C")), 200) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_key_gone_idx ON public.own_records USING btree (workspace_id, kind, lower(((own ->> 'k0'::text) COLLATE "C"))) WHERE ((lower(((own ->> 'k0'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NOT NULL));
CREATE INDEX own_records_l1_idx ON public.own_records USING btree (workspace_id, kind, ((own ->> 'l1'::text)) COLLATE "C", updated_at, id) WHERE ((((own ->> 'l1'::text) COLLATE "C") IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_l2_idx ON public.own_records USING btree (workspace_id, kind, ((own ->> 'l2'::text)) COLLATE "C", updated_at, id) WHERE ((((own ->> 'l2'::text) COLLATE "C") IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_l3_idx ON public.own_records USING btree (workspace_id, kind, ((own ->> 'l3'::text)) COLLATE "C", updated_at, id) WHERE ((((own ->> 'l3'::text) COLLATE "C") IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_l4_idx ON public.own_records USING btree (workspace_id, kind, ((own ->> 'l4'::text)) COLLATE "C", updated_at, id) WHERE ((((own ->> 'l4'::text) COLLATE "C") IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_l5_idx ON public.own_records USING btree (workspace_id, kind, ((own ->> 'l5'::text)) COLLATE "C", updated_at, id) WHERE ((((own ->> 'l5'::text) COLLATE "C") IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_l6_idx ON public.own_records USING btree (workspace_id, kind, ((own ->> 'l6'::text)) COLLATE "C", updated_at, id) WHERE ((((own ->> 'l6'::text) COLLATE "C") IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_l7_idx ON public.own_records USING btree (workspace_id, kind, ((own ->> 'l7'::text)) COLLATE "C", updated_at, id) WHERE ((((own ->> 'l7'::text) COLLATE "C") IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_l8_idx ON public.own_records USING btree (workspace_id, kind, ((own ->> 'l8'::text)) COLLATE "C", updated_at, id) WHERE ((((own ->> 'l8'::text) COLLATE "C") IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_lexemes_idx ON public.own_records USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
CREATE INDEX own_records_m1_idx ON public.own_records USING btree (workspace_id, kind, crm_own_time((own ->> 'm1'::text)), id) WHERE ((crm_own_time((own ->> 'm1'::text)) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_m2_idx ON public.own_records USING btree (workspace_id, kind, crm_own_time((own ->> 'm2'::text)), id) WHERE ((crm_own_time((own ->> 'm2'::text)) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_m3_idx ON public.own_records USING btree (workspace_id, kind, crm_own_time((own ->> 'm3'::text)), id) WHERE ((crm_own_time((own ->> 'm3'::text)) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_m4_idx ON public.own_records USING btree (workspace_id, kind, crm_own_time((own ->> 'm4'::text)), id) WHERE ((crm_own_time((own ->> 'm4'::text)) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_n1_idx ON public.own_records USING btree (workspace_id, kind, (((own ->> 'n1'::text))::numeric), id) WHERE ((((own ->> 'n1'::text))::numeric IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_n2_idx ON public.own_records USING btree (workspace_id, kind, (((own ->> 'n2'::text))::numeric), id) WHERE ((((own ->> 'n2'::text))::numeric IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_n3_idx ON public.own_records USING btree (workspace_id, kind, (((own ->> 'n3'::text))::numeric), id) WHERE ((((own ->> 'n3'::text))::numeric IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_n4_idx ON public.own_records USING btree (workspace_id, kind, (((own ->> 'n4'::text))::numeric), id) WHERE ((((own ->> 'n4'::text))::numeric IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_p1_same_idx ON public.own_records USING btree (workspace_id, kind, crm_phone_key(((own ->> 'p1'::text) COLLATE "C")), id) WHERE ((crm_phone_key(((own ->> 'p1'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_search_idx ON public.own_records USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX own_records_t1_idx ON public.own_records USING btree (workspace_id, kind, lower(((own ->> 't1'::text) COLLATE "C")), id) WHERE ((lower(((own ->> 't1'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t1_same_idx ON public.own_records USING btree (workspace_id, kind, crm_own_mark(((own ->> 't1'::text) COLLATE "C")), id) WHERE ((crm_own_mark(((own ->> 't1'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t2_idx ON public.own_records USING btree (workspace_id, kind, lower(((own ->> 't2'::text) COLLATE "C")), id) WHERE ((lower(((own ->> 't2'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t2_same_idx ON public.own_records USING btree (workspace_id, kind, crm_own_mark(((own ->> 't2'::text) COLLATE "C")), id) WHERE ((crm_own_mark(((own ->> 't2'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t3_idx ON public.own_records USING btree (workspace_id, kind, lower(((own ->> 't3'::text) COLLATE "C")), id) WHERE ((lower(((own ->> 't3'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t3_same_idx ON public.own_records USING btree (workspace_id, kind, crm_own_mark(((own ->> 't3'::text) COLLATE "C")), id) WHERE ((crm_own_mark(((own ->> 't3'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t4_idx ON public.own_records USING btree (workspace_id, kind, lower(((own ->> 't4'::text) COLLATE "C")), id) WHERE ((lower(((own ->> 't4'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t4_same_idx ON public.own_records USING btree (workspace_id, kind, crm_own_mark(((own ->> 't4'::text) COLLATE "C")), id) WHERE ((crm_own_mark(((own ->> 't4'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t5_idx ON public.own_records USING btree (workspace_id, kind, lower(((own ->> 't5'::text) COLLATE "C")), id) WHERE ((lower(((own ->> 't5'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t5_same_idx ON public.own_records USING btree (workspace_id, kind, crm_own_mark(((own ->> 't5'::text) COLLATE "C")), id) WHERE ((crm_own_mark(((own ->> 't5'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t6_idx ON public.own_records USING btree (workspace_id, kind, lower(((own ->> 't6'::text) COLLATE "C")), id) WHERE ((lower(((own ->> 't6'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t6_same_idx ON public.own_records USING btree (workspace_id, kind, crm_own_mark(((own ->> 't6'::text) COLLATE "C")), id) WHERE ((crm_own_mark(((own ->> 't6'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t7_idx ON public.own_records USING btree (workspace_id, kind, lower(((own ->> 't7'::text) COLLATE "C")), id) WHERE ((lower(((own ->> 't7'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t7_same_idx ON public.own_records USING btree (workspace_id, kind, crm_own_mark(((own ->> 't7'::text) COLLATE "C")), id) WHERE ((crm_own_mark(((own ->> 't7'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t8_idx ON public.own_records USING btree (workspace_id, kind, lower(((own ->> 't8'::text) COLLATE "C")), id) WHERE ((lower(((own ->> 't8'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_t8_same_idx ON public.own_records USING btree (workspace_id, kind, crm_own_mark(((own ->> 't8'::text) COLLATE "C")), id) WHERE ((crm_own_mark(((own ->> 't8'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_title_order_idx ON public.own_records USING btree (workspace_id, kind, lower(((own ->> 'a0'::text) COLLATE "C")), id) WHERE ((lower(((own ->> 'a0'::text) COLLATE "C")) IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX own_records_updated_at_idx ON public.own_records USING btree (workspace_id, kind, updated_at, id) WHERE (deleted_at IS NULL);

create table payments (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  reference text collate "C",
  invoice_id text collate "C",
  amount_cents bigint not null,
  currency text collate "C",
  paid_on date not null,
  booked_at timestamp with time zone,
  method text collate "C",
  reverses_id text collate "C",
  notes text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  merged_into text collate "C",
  seal text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[reference, notes, crm_own_lines(own)]))) stored,
  constraint payments_custom_fits CHECK (crm_custom_fits(custom)),
  constraint payments_frozen CHECK ((((seal IS NULL) AND (booked_at IS NULL)) OR ((deleted_at IS NULL) AND (COALESCE(seal, ''::text) = md5((jsonb_build_array(reference, invoice_id, amount_cents, currency, paid_on, EXTRACT(epoch FROM booked_at), method, reverses_id))::text))))),
  constraint payments_pkey PRIMARY KEY (workspace_id, id),
  constraint payments_workspace_id_invoice_id_fkey FOREIGN KEY (workspace_id, invoice_id) REFERENCES invoices(workspace_id, id),
  constraint payments_workspace_id_reverses_id_fkey FOREIGN KEY (workspace_id, reverses_id) REFERENCES payments(workspace_id, id)
);
CREATE INDEX payments_amount_cents_order_idx ON public.payments USING btree (workspace_id, amount_cents, id) WHERE (deleted_at IS NULL);
CREATE INDEX payments_called_idx ON public.payments USING btree (workspace_id, "left"(crm_fold(reference), 200)) WHERE (deleted_at IS NULL);
CREATE INDEX payments_created_at_order_idx ON public.payments USING btree (workspace_id, created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX payments_custom_days_idx ON public.payments USING gin (workspace_id, crm_days(custom)) WHERE ((custom IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX payments_custom_idx ON public.payments USING gin (workspace_id, custom jsonb_path_ops) WHERE (deleted_at IS NULL);
CREATE INDEX payments_deleted_idx ON public.payments USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
CREATE UNIQUE INDEX payments_handle_key ON public.payments USING btree (workspace_id, "right"(id, 8));
CREATE INDEX payments_invoice_id_idx ON public.payments USING btree (workspace_id, invoice_id, updated_at, id) WHERE ((invoice_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX payments_lexemes_idx ON public.payments USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
CREATE INDEX payments_method_idx ON public.payments USING btree (workspace_id, method, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX payments_paid_on_order_idx ON public.payments USING btree (workspace_id, paid_on, id) WHERE (deleted_at IS NULL);
CREATE INDEX payments_reference_order_idx ON public.payments USING btree (workspace_id, lower(reference), id) WHERE (deleted_at IS NULL);
CREATE INDEX payments_reverses_id_idx ON public.payments USING btree (workspace_id, reverses_id, updated_at, id) WHERE ((reverses_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX payments_search_idx ON public.payments USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX payments_updated_at_order_idx ON public.payments USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NULL);

create table products (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  name text collate "C" not null,
  sku text collate "C",
  unit_price_cents bigint,
  currency text collate "C",
  tax_rate numeric(18,6),
  unit text collate "C",
  tags text[],
  notes text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  merged_into text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[name, sku, crm_words(tags), notes, crm_own_lines(own)]))) stored,
  constraint products_custom_fits CHECK (crm_custom_fits(custom)),
  constraint products_pkey PRIMARY KEY (workspace_id, id),
  constraint products_tags_fits CHECK ((cardinality(tags) <= 100))
);
CREATE INDEX products_created_at_order_idx ON public.products USING btree (workspace_id, created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX products_custom_days_idx ON public.products USING gin (workspace_id, crm_days(custom)) WHERE ((custom IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX products_custom_idx ON public.products USING gin (workspace_id, custom jsonb_path_ops) WHERE (deleted_at IS NULL);
CREATE INDEX products_deleted_idx ON public.products USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
CREATE UNIQUE INDEX products_handle_key ON public.products USING btree (workspace_id, "right"(id, 8));
CREATE INDEX products_lexemes_idx ON public.products USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
CREATE INDEX products_name_order_idx ON public.products USING btree (workspace_id, lower(name), id) WHERE (deleted_at IS NULL);
CREATE INDEX products_search_idx ON public.products USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX products_sku_gone_idx ON public.products USING btree (workspace_id, lower(sku)) WHERE ((sku IS NOT NULL) AND (deleted_at IS NOT NULL));
CREATE UNIQUE INDEX products_sku_key ON public.products USING btree (workspace_id, lower(sku)) WHERE ((sku IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX products_sku_order_idx ON public.products USING btree (workspace_id, lower(sku), id) WHERE (deleted_at IS NULL);
CREATE INDEX products_tags_idx ON public.products USING gin (workspace_id, tags) WHERE (deleted_at IS NULL);
CREATE INDEX products_unit_price_cents_order_idx ON public.products USING btree (workspace_id, unit_price_cents, id) WHERE (deleted_at IS NULL);
CREATE INDEX products_updated_at_order_idx ON public.products USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NULL);

create table proposals (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  at timestamp with time zone not null,
  actor text collate "C" not null,
  token_id text collate "C",
  agent text collate "C",
  reason text collate "C",
  method text collate "C" not null,
  target text collate "C" not null,
  content_type text collate "C",
  if_match text collate "C",
  body text collate "C" not null,
  diff jsonb not null,
  changes integer not null,
  mark text collate "C" not null,
  state text collate "C" not null,
  decided_at timestamp with time zone,
  decided_by text collate "C",
  decision text collate "C",
  constraint proposals_pkey PRIMARY KEY (workspace_id, id),
  constraint proposals_state_check CHECK ((state = ANY (ARRAY['open'::text, 'approved'::text, 'rejected'::text])))
);
CREATE UNIQUE INDEX proposals_handle_key ON public.proposals USING btree (workspace_id, "right"(id, 8));
CREATE INDEX proposals_state_idx ON public.proposals USING btree (workspace_id, state, id);

create table purged_records (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  at timestamp with time zone not null,
  actor text collate "C" not null,
  constraint purged_records_pkey PRIMARY KEY (workspace_id, id)
);

create table qualifications (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  member_id text collate "C",
  campaign_id text collate "C",
  form_id text collate "C",
  deal_id text collate "C",
  contact_id text collate "C",
  answers jsonb,
  outcome text collate "C",
  form_version integer,
  questions jsonb,
  owner text collate "C",
  notes text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  merged_into text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[outcome, notes, crm_own_lines(own)]))) stored,
  constraint qualifications_answers_fits CHECK (crm_custom_fits(answers)),
  constraint qualifications_custom_fits CHECK (crm_custom_fits(custom)),
  constraint qualifications_needs_one_of CHECK (((num_nonnulls(contact_id, deal_id, member_id) > 0) OR (deleted_at IS NOT NULL))),
  constraint qualifications_pkey PRIMARY KEY (workspace_id, id),
  constraint qualifications_workspace_id_campaign_id_fkey FOREIGN KEY (workspace_id, campaign_id) REFERENCES campaigns(workspace_id, id),
  constraint qualifications_workspace_id_contact_id_fkey FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts(workspace_id, id),
  constraint qualifications_workspace_id_deal_id_fkey FOREIGN KEY (workspace_id, deal_id) REFERENCES deals(workspace_id, id),
  constraint qualifications_workspace_id_form_id_fkey FOREIGN KEY (workspace_id, form_id) REFERENCES forms(workspace_id, id),
  constraint qualifications_workspace_id_member_id_fkey FOREIGN KEY (workspace_id, member_id) REFERENCES campaign_members(workspace_id, id)
);
CREATE INDEX qualifications_answers_days_idx ON public.qualifications USING gin (workspace_id, crm_days(answers)) WHERE ((answers IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX qualifications_answers_idx ON public.qualifications USING gin (workspace_id, answers jsonb_path_ops) WHERE (deleted_at IS NULL);
CREATE INDEX qualifications_campaign_id_idx ON public.qualifications USING btree (workspace_id, campaign_id, updated_at, id) WHERE ((campaign_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX qualifications_contact_id_idx ON public.qualifications USING btree (workspace_id, contact_id, updated_at, id) WHERE ((contact_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX qualifications_created_at_order_idx ON public.qualifications USING btree (workspace_id, created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX qualifications_custom_days_idx ON public.qualifications USING gin (workspace_id, crm_days(custom)) WHERE ((custom IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX qualifications_custom_idx ON public.qualifications USING gin (workspace_id, custom jsonb_path_ops) WHERE (deleted_at IS NULL);
CREATE INDEX qualifications_deal_id_idx ON public.qualifications USING btree (workspace_id, deal_id, updated_at, id) WHERE ((deal_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX qualifications_deleted_idx ON public.qualifications USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
CREATE INDEX qualifications_form_id_idx ON public.qualifications USING btree (workspace_id, form_id, updated_at, id) WHERE ((form_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE UNIQUE INDEX qualifications_handle_key ON public.qualifications USING btree (workspace_id, "right"(id, 8));
CREATE INDEX qualifications_lexemes_idx ON public.qualifications USING gin (crm_lexemes(workspace_id, ('
'::text || search))) WHERE (deleted_at IS NULL);
CREATE INDEX qualifications_member_id_idx ON public.qualifications USING btree (workspace_id, member_id, updated_at, id) WHERE ((member_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX qualifications_owner_idx ON public.qualifications USING btree (workspace_id, owner, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX qualifications_owner_order_idx ON public.qualifications USING btree (workspace_id, lower(owner), id) WHERE (deleted_at IS NULL);
CREATE INDEX qualifications_search_idx ON public.qualifications USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX qualifications_updated_at_order_idx ON public.qualifications USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NULL);

create table quotes (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  number text collate "C",
  title text collate "C",
  status text collate "C" not null generated always as (
CASE
    WHEN (accepted_at IS NOT NULL) THEN 'accepted'::text
    WHEN (rejected_at IS NOT NULL) THEN 'rejected'::text
    WHEN (sent_at IS NOT NULL) THEN 'sent'::text
    ELSE 'draft'::text
END) stored,
  company_id text collate "C",
  contact_id text collate "C",
  deal_id text collate "C",
  currency text collate "C",
  items jsonb,
  net_cents bigint not null generated always as (crm_net(items)) stored,
  tax_cents bigint not null generated always as (crm_tax(items)) stored,
  gross_cents bigint not null generated always as (crm_gross(items)) stored,
  taxes jsonb generated always as (crm_taxes(items)) stored,
  issue_date date,
  valid_until date,
  sent_at timestamp with time zone,
  expires_at timestamp with time zone generated always as (
CASE
    WHEN ((sent_at IS NOT NULL) AND (accepted_at IS NULL) AND (rejected_at IS NULL)) THEN (((valid_until + 1))::timestamp without time zone AT TIME ZONE 'UTC'::text)
    ELSE NULL::timestamp with time zone
END) stored,
  accepted_at timestamp with time zone,
  rejected_at timestamp with time zone,
  series text collate "C",
  terms text collate "C",
  owner text collate "C",
  buyer jsonb,
  seller jsonb,
  tags text[],
  notes text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  merged_into text collate "C",
  seal text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[title, number, crm_words(tags), notes, crm_own_lines(own)]))) stored,
  constraint quotes_custom_fits CHECK (crm_custom_fits(custom)),
  constraint quotes_frozen CHECK ((((seal IS NULL) AND (accepted_at IS NULL)) OR ((deleted_at IS NULL) AND (COALESCE(seal, ''::text) = md5((jsonb_build_array(number, title, currency, items, issue_date, valid_until, EXTRACT(epoch FROM sent_at), EXTRACT(epoch FROM accepted_at), EXTRACT(epoch FROM rejected_at), series, terms, buyer, seller))::text))))),
  constraint quotes_pkey PRIMARY KEY (workspace_id, id),
  constraint quotes_tags_fits CHECK ((cardinality(tags) <= 100)),
  constraint quotes_workspace_id_company_id_fkey FOREIGN KEY (workspace_id, company_id) REFERENCES companies(workspace_id, id),
  constraint quotes_workspace_id_contact_id_fkey FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts(workspace_id, id),
  constraint quotes_workspace_id_deal_id_fkey FOREIGN KEY (workspace_id, deal_id) REFERENCES deals(workspace_id, id)
);
CREATE INDEX quotes_called_idx ON public.quotes USING btree (workspace_id, "left"(crm_fold(title), 200)) WHERE (deleted_at IS NULL);
CREATE INDEX quotes_company_id_idx ON public.quotes USING btree (workspace_id, company_id, updated_at, id) WHERE ((company_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX quotes_contact_id_idx ON public.quotes USING btree (workspace_id, contact_id, updated_at, id) WHERE ((contact_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX quotes_created_at_order_idx ON public.quotes USING btree (workspace_id, created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX quotes_custom_days_idx ON public.quotes USING gin (workspace_id, crm_days(custom)) WHERE ((custom IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX quotes_custom_idx ON public.quotes USING gin (workspace_id, custom jsonb_path_ops) WHERE (deleted_at IS NULL);
CREATE INDEX quotes_deal_id_idx ON public.quotes USING btree (workspace_id, deal_id, updated_at, id) WHERE ((deal_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX quotes_deleted_idx ON public.quotes USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
CREATE INDEX quotes_gross_cents_order_idx ON public.quotes USING btree (workspace_id, gross_cents, id) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX quotes_handle_key ON public.quotes USING btree (workspace_id, "right"(id, 8));
CREATE INDEX quotes_issue_date_order_idx ON public.quotes USING btree (workspace_id, issue_date, id) WHERE (deleted_at IS NULL);
CREATE INDEX quotes_lexemes_idx ON public.quotes USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
CREATE INDEX quotes_net_cents_order_idx ON public.quotes USING btree (workspace_id, net_cents, id) WHERE (deleted_at IS NULL);
CREATE INDEX quotes_number_order_idx ON public.quotes USING btree (workspace_id, lower(number), id) WHERE (deleted_at IS NULL);
CREATE INDEX quotes_owner_idx ON public.quotes USING btree (workspace_id, owner, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX quotes_owner_order_idx ON public.quotes USING btree (workspace_id, lower(owner), id) WHERE (deleted_at IS NULL);
CREATE INDEX quotes_search_idx ON public.quotes USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX quotes_sent_at_order_idx ON public.quotes USING btree (workspace_id, sent_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX quotes_tags_idx ON public.quotes USING gin (workspace_id, tags) WHERE (deleted_at IS NULL);
CREATE INDEX quotes_title_order_idx ON public.quotes USING btree (workspace_id, lower(title), id) WHERE (deleted_at IS NULL);
CREATE INDEX quotes_updated_at_order_idx ON public.quotes USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX quotes_valid_until_order_idx ON public.quotes USING btree (workspace_id, valid_until, id) WHERE (deleted_at IS NULL);

create table schema_migrations (
  version integer not null,
  name text not null,
  digest text not null,
  applied_at timestamp with time zone not null,
  constraint schema_migrations_pkey PRIMARY KEY (version)
);

create table scripts (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  name text collate "C" not null,
  description text collate "C",
  steps jsonb not null,
  owner text collate "C",
  tags text[],
  custom jsonb,
  version integer not null,
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  merged_into text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[name, description, crm_words(tags), crm_own_lines(own)]))) stored,
  constraint scripts_custom_fits CHECK (crm_custom_fits(custom)),
  constraint scripts_pkey PRIMARY KEY (workspace_id, id),
  constraint scripts_tags_fits CHECK ((cardinality(tags) <= 100))
);
CREATE INDEX scripts_called_idx ON public.scripts USING btree (workspace_id, "left"(crm_fold(name), 200)) WHERE (deleted_at IS NULL);
CREATE INDEX scripts_created_at_order_idx ON public.scripts USING btree (workspace_id, created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX scripts_custom_days_idx ON public.scripts USING gin (workspace_id, crm_days(custom)) WHERE ((custom IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX scripts_custom_idx ON public.scripts USING gin (workspace_id, custom jsonb_path_ops) WHERE (deleted_at IS NULL);
CREATE INDEX scripts_deleted_idx ON public.scripts USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
CREATE UNIQUE INDEX scripts_handle_key ON public.scripts USING btree (workspace_id, "right"(id, 8));
CREATE INDEX scripts_lexemes_idx ON public.scripts USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
CREATE INDEX scripts_name_order_idx ON public.scripts USING btree (workspace_id, lower(name), id) WHERE (deleted_at IS NULL);
CREATE INDEX scripts_owner_idx ON public.scripts USING btree (workspace_id, owner, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX scripts_owner_order_idx ON public.scripts USING btree (workspace_id, lower(owner), id) WHERE (deleted_at IS NULL);
CREATE INDEX scripts_search_idx ON public.scripts USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX scripts_tags_idx ON public.scripts USING gin (workspace_id, tags) WHERE (deleted_at IS NULL);
CREATE INDEX scripts_updated_at_order_idx ON public.scripts USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NULL);

create table series (
  workspace_id text collate "C" not null,
  name text collate "C" not null,
  last bigint not null,
  constraint series_pkey PRIMARY KEY (workspace_id, name)
);

create table services (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  name text collate "C" not null,
  sku text collate "C",
  unit_price_cents bigint,
  currency text collate "C",
  tax_rate numeric(18,6),
  unit text collate "C",
  tags text[],
  notes text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  merged_into text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[name, sku, crm_words(tags), notes, crm_own_lines(own)]))) stored,
  constraint services_custom_fits CHECK (crm_custom_fits(custom)),
  constraint services_pkey PRIMARY KEY (workspace_id, id),
  constraint services_tags_fits CHECK ((cardinality(tags) <= 100))
);
CREATE INDEX services_created_at_order_idx ON public.services USING btree (workspace_id, created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX services_custom_days_idx ON public.services USING gin (workspace_id, crm_days(custom)) WHERE ((custom IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX services_custom_idx ON public.services USING gin (workspace_id, custom jsonb_path_ops) WHERE (deleted_at IS NULL);
CREATE INDEX services_deleted_idx ON public.services USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
CREATE UNIQUE INDEX services_handle_key ON public.services USING btree (workspace_id, "right"(id, 8));
CREATE INDEX services_lexemes_idx ON public.services USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
CREATE INDEX services_name_order_idx ON public.services USING btree (workspace_id, lower(name), id) WHERE (deleted_at IS NULL);
CREATE INDEX services_search_idx ON public.services USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX services_sku_gone_idx ON public.services USING btree (workspace_id, lower(sku)) WHERE ((sku IS NOT NULL) AND (deleted_at IS NOT NULL));
CREATE UNIQUE INDEX services_sku_key ON public.services USING btree (workspace_id, lower(sku)) WHERE ((sku IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX services_sku_order_idx ON public.services USING btree (workspace_id, lower(sku), id) WHERE (deleted_at IS NULL);
CREATE INDEX services_tags_idx ON public.services USING gin (workspace_id, tags) WHERE (deleted_at IS NULL);
CREATE INDEX services_unit_price_cents_order_idx ON public.services USING btree (workspace_id, unit_price_cents, id) WHERE (deleted_at IS NULL);
CREATE INDEX services_updated_at_order_idx ON public.services USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NULL);

create table sql_roles (
  name text collate "C" not null,
  workspace_id text collate "C" not null,
  token_id text collate "C",
  fingerprint text collate "C" not null,
  created_at timestamp with time zone not null,
  used_at timestamp with time zone not null,
  constraint sql_roles_pkey PRIMARY KEY (name)
);
CREATE UNIQUE INDEX sql_roles_token_key ON public.sql_roles USING btree (token_id) WHERE (token_id IS NOT NULL);
CREATE UNIQUE INDEX sql_roles_workspace_key ON public.sql_roles USING btree (workspace_id) WHERE (token_id IS NULL);

create table tallies (
  key text collate "C" not null,
  used integer not null,
  ends_at timestamp with time zone not null,
  constraint tallies_pkey PRIMARY KEY (key)
);
CREATE INDEX tallies_ends_idx ON public.tallies USING btree (ends_at);

create table tasks (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  title text collate "C" not null,
  due_at timestamp with time zone,
  done boolean not null,
  assignee text collate "C",
  contact_id text collate "C",
  company_id text collate "C",
  deal_id text collate "C",
  tags text[],
  notes text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  merged_into text collate "C",
  xid xid8,
  own jsonb,
  campaign_id text collate "C",
  done_at timestamp with time zone,
  status text collate "C" not null generated always as (
CASE
    WHEN done THEN 'done'::text
    ELSE 'open'::text
END) stored,
  search text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[title, crm_words(tags), notes, crm_own_lines(own)]))) stored,
  constraint tasks_custom_fits CHECK (crm_custom_fits(custom)) NOT VALID,
  constraint tasks_pkey PRIMARY KEY (workspace_id, id),
  constraint tasks_tags_fits CHECK ((cardinality(tags) <= 100)),
  constraint tasks_workspace_id_campaign_id_fkey FOREIGN KEY (workspace_id, campaign_id) REFERENCES campaigns(workspace_id, id),
  constraint tasks_workspace_id_company_id_fkey FOREIGN KEY (workspace_id, company_id) REFERENCES companies(workspace_id, id),
  constraint tasks_workspace_id_contact_id_fkey FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts(workspace_id, id),
  constraint tasks_workspace_id_deal_id_fkey FOREIGN KEY (workspace_id, deal_id) REFERENCES deals(workspace_id, id)
);
CREATE INDEX tasks_assignee_due_idx ON public.tasks USING btree (workspace_id, assignee, due_at, id) WHERE ((due_at IS NOT NULL) AND (NOT done) AND (deleted_at IS NULL));
CREATE INDEX tasks_assignee_idx ON public.tasks USING btree (workspace_id, assignee, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX tasks_assignee_order_idx ON public.tasks USING btree (workspace_id, lower(assignee), id) WHERE (deleted_at IS NULL);
CREATE INDEX tasks_campaign_id_idx ON public.tasks USING btree (workspace_id, campaign_id, updated_at, id) WHERE ((campaign_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX tasks_company_id_idx ON public.tasks USING btree (workspace_id, company_id, updated_at, id) WHERE ((company_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX tasks_contact_id_idx ON public.tasks USING btree (workspace_id, contact_id, updated_at, id) WHERE ((contact_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX tasks_created_at_order_idx ON public.tasks USING btree (workspace_id, created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX tasks_custom_days_idx ON public.tasks USING gin (workspace_id, crm_days(custom)) WHERE ((custom IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX tasks_custom_idx ON public.tasks USING gin (workspace_id, custom jsonb_path_ops) WHERE (deleted_at IS NULL);
CREATE INDEX tasks_deal_id_idx ON public.tasks USING btree (workspace_id, deal_id, updated_at, id) WHERE ((deal_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX tasks_deleted_idx ON public.tasks USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
CREATE INDEX tasks_done_at_order_idx ON public.tasks USING btree (workspace_id, done_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX tasks_done_idx ON public.tasks USING btree (workspace_id, done, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX tasks_due_at_order_idx ON public.tasks USING btree (workspace_id, due_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX tasks_due_idx ON public.tasks USING btree (workspace_id, due_at, id) WHERE ((due_at IS NOT NULL) AND (NOT done) AND (deleted_at IS NULL));
CREATE UNIQUE INDEX tasks_handle_key ON public.tasks USING btree (workspace_id, "right"(id, 8));
CREATE INDEX tasks_lexemes_idx ON public.tasks USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
CREATE INDEX tasks_search_idx ON public.tasks USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX tasks_tags_idx ON public.tasks USING gin (workspace_id, tags) WHERE (deleted_at IS NULL);
CREATE INDEX tasks_title_order_idx ON public.tasks USING btree (workspace_id, lower(title), id) WHERE (deleted_at IS NULL);
CREATE INDEX tasks_updated_at_order_idx ON public.tasks USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NULL);

create table tickets (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  subject text collate "C" not null,
  status text collate "C" not null,
  priority text collate "C",
  due_at timestamp with time zone,
  assignee text collate "C",
  requester_id text collate "C",
  company_id text collate "C",
  tags text[],
  notes text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  merged_into text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[subject, crm_words(tags), notes, crm_own_lines(own)]))) stored,
  constraint tickets_custom_fits CHECK (crm_custom_fits(custom)),
  constraint tickets_pkey PRIMARY KEY (workspace_id, id),
  constraint tickets_tags_fits CHECK ((cardinality(tags) <= 100)),
  constraint tickets_workspace_id_company_id_fkey FOREIGN KEY (workspace_id, company_id) REFERENCES companies(workspace_id, id),
  constraint tickets_workspace_id_requester_id_fkey FOREIGN KEY (workspace_id, requester_id) REFERENCES contacts(workspace_id, id)
);
CREATE INDEX tickets_assignee_due_idx ON public.tickets USING btree (workspace_id, assignee, due_at, id) WHERE ((due_at IS NOT NULL) AND (status <> 'solved'::text) AND (deleted_at IS NULL));
CREATE INDEX tickets_assignee_idx ON public.tickets USING btree (workspace_id, assignee, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX tickets_assignee_order_idx ON public.tickets USING btree (workspace_id, lower(assignee), id) WHERE (deleted_at IS NULL);
CREATE INDEX tickets_company_id_idx ON public.tickets USING btree (workspace_id, company_id, updated_at, id) WHERE ((company_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX tickets_created_at_order_idx ON public.tickets USING btree (workspace_id, created_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX tickets_custom_days_idx ON public.tickets USING gin (workspace_id, crm_days(custom)) WHERE ((custom IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX tickets_custom_idx ON public.tickets USING gin (workspace_id, custom jsonb_path_ops) WHERE (deleted_at IS NULL);
CREATE INDEX tickets_deleted_idx ON public.tickets USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
CREATE INDEX tickets_due_at_order_idx ON public.tickets USING btree (workspace_id, due_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX tickets_due_idx ON public.tickets USING btree (workspace_id, due_at, id) WHERE ((due_at IS NOT NULL) AND (status <> 'solved'::text) AND (deleted_at IS NULL));
CREATE UNIQUE INDEX tickets_handle_key ON public.tickets USING btree (workspace_id, "right"(id, 8));
CREATE INDEX tickets_lexemes_idx ON public.tickets USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
CREATE INDEX tickets_priority_idx ON public.tickets USING btree (workspace_id, priority, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX tickets_requester_id_idx ON public.tickets USING btree (workspace_id, requester_id, updated_at, id) WHERE ((requester_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX tickets_search_idx ON public.tickets USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX tickets_status_idx ON public.tickets USING btree (workspace_id, status, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX tickets_subject_order_idx ON public.tickets USING btree (workspace_id, lower(subject), id) WHERE (deleted_at IS NULL);
CREATE INDEX tickets_tags_idx ON public.tickets USING gin (workspace_id, tags) WHERE (deleted_at IS NULL);
CREATE INDEX tickets_updated_at_order_idx ON public.tickets USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NULL);

create table tokens (
  id text collate "C" not null,
  digest text collate "C" not null,
  user_id text collate "C" not null,
  workspace_id text collate "C" not null,
  name text collate "C" not null,
  created_at timestamp with time zone not null,
  last_used_at timestamp with time zone not null,
  revoked_at timestamp with time zone,
  scopes text[],
  expires_at timestamp with time zone,
  parent_id text collate "C",
  client text collate "C",
  audience text collate "C",
  root_id text collate "C",
  constraint tokens_digest_key UNIQUE (digest),
  constraint tokens_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES tokens(id) ON DELETE CASCADE,
  constraint tokens_pkey PRIMARY KEY (id),
  constraint tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint tokens_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(id) ON DELETE CASCADE
);
CREATE INDEX tokens_client_idx ON public.tokens USING btree (client) WHERE (client IS NOT NULL);
CREATE INDEX tokens_parent_idx ON public.tokens USING btree (parent_id) WHERE (parent_id IS NOT NULL);
CREATE INDEX tokens_user_idx ON public.tokens USING btree (user_id, workspace_id);

create table usage (
  workspace_id text collate "C" not null,
  kind text collate "C" not null,
  used bigint not null,
  cap bigint not null,
  constraint usage_pkey PRIMARY KEY (workspace_id, kind),
  constraint usage_within_cap CHECK ((used <= cap))
);

create table users (
  id text collate "C" not null,
  email text collate "C" not null,
  default_workspace_id text collate "C",
  created_at timestamp with time zone not null,
  ends_at timestamp with time zone,
  constraint users_email_key UNIQUE (email),
  constraint users_pkey PRIMARY KEY (id)
);
CREATE INDEX users_ends_idx ON public.users USING btree (ends_at) WHERE (ends_at IS NOT NULL);

create table webhooks (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  user_id text collate "C" not null,
  token_id text collate "C" not null,
  scopes text[],
  url text collate "C" not null,
  events text[] not null,
  fields text[],
  query text collate "C",
  style text collate "C" not null,
  secret bytea not null,
  former_secret bytea,
  former_until timestamp with time zone,
  active boolean not null,
  problem text collate "C",
  created_at timestamp with time zone not null,
  created_by text collate "C" not null,
  updated_at timestamp with time zone not null,
  system text collate "C" not null,
  xid xid8 not null,
  at timestamp with time zone not null,
  entry text collate "C" not null,
  told bigint not null,
  failures integer not null,
  resumes_at timestamp with time zone not null,
  served_at timestamp with time zone not null,
  lease text collate "C" not null,
  leased_until timestamp with time zone not null,
  constraint webhooks_pkey PRIMARY KEY (workspace_id, id),
  constraint webhooks_workspace_id_user_id_fkey FOREIGN KEY (workspace_id, user_id) REFERENCES memberships(workspace_id, user_id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX webhooks_handle_key ON public.webhooks USING btree (workspace_id, "right"(id, 8));
CREATE INDEX webhooks_member_idx ON public.webhooks USING btree (workspace_id, user_id);

create table workspaces (
  id text collate "C" not null,
  name text collate "C" not null,
  timezone text collate "C" not null,
  created_at timestamp with time zone not null,
  plan text collate "C",
  kinds_version integer not null default 0,
  currency text collate "C",
  tax_rate numeric(18,6),
  payment_days integer,
  invoice_number text,
  quote_number text,
  company_name text,
  street text,
  postal_code text,
  city text,
  region text,
  country text collate "C",
  tax_id text,
  email text collate "C",
  phone text,
  iban text,
  bic text,
  crm_agent boolean,
  registration_id text,
  endpoint text,
  constraint workspaces_pkey PRIMARY KEY (id)
);
