-- What a write function refuses is told by its message too: of a refusal on another server of a spread database, the name of the constraint is lost.
create or replace function crm_refuse_answer(detail jsonb) returns void language plpgsql immutable as $$
begin
  raise check_violation using constraint = 'crm_answers', message = 'refused by constraint "crm_answers"', detail = detail::text;
end $$;

-- Generated from the declarations.
create or replace function executions_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof executions language plpgsql as $$
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
create or replace function qualifications_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof qualifications language plpgsql as $$
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
