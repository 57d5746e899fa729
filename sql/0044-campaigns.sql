-- Campaigns, and who is in them: one contact is in one campaign once. Tasks and activities may be part of a campaign.
-- Generated from the declarations.
create table campaigns (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  "name" text collate "C" not null,
  "status" text collate "C" not null,
  "goal" text collate "C",
  "starts_on" date,
  "ends_on" date,
  "owner" text collate "C",
  "notes" text collate "C",
  "custom" jsonb,
  version integer not null,
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  merged_into text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines("name", "goal", "notes"))) stored,
  primary key (workspace_id, id),
  constraint campaigns_custom_fits check (crm_custom_fits("custom"))
);
create unique index campaigns_handle_key on campaigns (workspace_id, right(id, 8));
create index campaigns_name_order_idx on campaigns (workspace_id, lower("name"), id) where deleted_at is null;
create index campaigns_starts_on_order_idx on campaigns (workspace_id, "starts_on", id) where deleted_at is null;
create index campaigns_ends_on_order_idx on campaigns (workspace_id, "ends_on", id) where deleted_at is null;
create index campaigns_owner_order_idx on campaigns (workspace_id, lower("owner"), id) where deleted_at is null;
create index campaigns_created_at_order_idx on campaigns (workspace_id, "created_at", id) where deleted_at is null;
create index campaigns_updated_at_order_idx on campaigns (workspace_id, "updated_at", id) where deleted_at is null;
create index campaigns_status_idx on campaigns (workspace_id, "status", updated_at, id) where deleted_at is null;
create index campaigns_owner_idx on campaigns (workspace_id, "owner", updated_at, id) where deleted_at is null;
create index campaigns_called_idx on campaigns (workspace_id, "left"(crm_fold("name"), 200)) where deleted_at is null;
create index campaigns_deleted_idx on campaigns (workspace_id, updated_at, id) where deleted_at is not null;
create index campaigns_search_idx on campaigns using gin (workspace_id, search gin_trgm_ops) where deleted_at is null;
create index campaigns_lexemes_idx on campaigns using gin (crm_lexemes(workspace_id, search)) where deleted_at is null;
create index campaigns_custom_idx on campaigns using gin (workspace_id, "custom" jsonb_path_ops) where deleted_at is null;
create index campaigns_custom_days_idx on campaigns using gin (workspace_id, crm_days("custom")) where "custom" is not null and deleted_at is null;
alter table campaigns alter column workspace_id set (n_distinct = -0.0002);
alter table campaigns alter column search set statistics 200;
alter index campaigns_lexemes_idx alter column 1 set statistics 0;
alter index campaigns_custom_days_idx alter column 2 set statistics 0;
create statistics campaigns_owner_folded on lower("owner") from campaigns;
create or replace function campaigns_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof campaigns language plpgsql as $$
declare
  n campaigns := jsonb_populate_record(null::campaigns, p_initial || p_sent);
  w campaigns;
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
    insert into campaigns as r (workspace_id, id, "name", "status", "goal", "starts_on", "ends_on", "owner", "notes", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."name", n."status", n."goal", n."starts_on", n."ends_on", n."owner", n."notes", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      returning r.* into w;
  else
    update campaigns r set "name" = case when p_sent ? 'name' then n."name" else r."name" end,
        "status" = case when p_sent ? 'status' then n."status" else r."status" end,
        "goal" = case when p_sent ? 'goal' then n."goal" else r."goal" end,
        "starts_on" = case when p_sent ? 'starts_on' then n."starts_on" else r."starts_on" end,
        "ends_on" = case when p_sent ? 'ends_on' then n."ends_on" else r."ends_on" end,
        "owner" = case when p_sent ? 'owner' then n."owner" else r."owner" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."status", r."goal", r."starts_on", r."ends_on", r."owner", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'status' then n."status" else r."status" end, case when p_sent ? 'goal' then n."goal" else r."goal" end, case when p_sent ? 'starts_on' then n."starts_on" else r."starts_on" end, case when p_sent ? 'ends_on' then n."ends_on" else r."ends_on" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
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

create table campaign_members (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  "campaign_id" text collate "C" not null,
  "contact_id" text collate "C" not null,
  "state" text collate "C" not null,
  "assignee" text collate "C",
  "next_at" timestamptz,
  "outcome" text collate "C",
  "attempts" integer not null,
  "notes" text collate "C",
  "custom" jsonb,
  version integer not null,
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  merged_into text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines("outcome", "notes"))) stored,
  primary key (workspace_id, id),
  foreign key (workspace_id, "campaign_id") references campaigns (workspace_id, id),
  foreign key (workspace_id, "contact_id") references contacts (workspace_id, id),
  constraint campaign_members_custom_fits check (crm_custom_fits("custom"))
);
create unique index campaign_members_handle_key on campaign_members (workspace_id, right(id, 8));
create unique index campaign_members_once_key on campaign_members (workspace_id, "campaign_id", "contact_id") where deleted_at is null;
create index campaign_members_assignee_order_idx on campaign_members (workspace_id, lower("assignee"), id) where deleted_at is null;
create index campaign_members_next_at_order_idx on campaign_members (workspace_id, "next_at", id) where deleted_at is null;
create index campaign_members_attempts_order_idx on campaign_members (workspace_id, "attempts", id) where deleted_at is null;
create index campaign_members_created_at_order_idx on campaign_members (workspace_id, "created_at", id) where deleted_at is null;
create index campaign_members_updated_at_order_idx on campaign_members (workspace_id, "updated_at", id) where deleted_at is null;
create index campaign_members_state_idx on campaign_members (workspace_id, "state", updated_at, id) where deleted_at is null;
create index campaign_members_assignee_idx on campaign_members (workspace_id, "assignee", updated_at, id) where deleted_at is null;
create index campaign_members_campaign_id_idx on campaign_members (workspace_id, "campaign_id", updated_at, id) where "campaign_id" is not null and deleted_at is null;
create index campaign_members_contact_id_idx on campaign_members (workspace_id, "contact_id", updated_at, id) where "contact_id" is not null and deleted_at is null;
create index campaign_members_due_idx on campaign_members (workspace_id, next_at, id) where next_at is not null and state not in ('done', 'do_not_call') and deleted_at is null;
create index campaign_members_assignee_due_idx on campaign_members (workspace_id, assignee, next_at, id) where next_at is not null and state not in ('done', 'do_not_call') and deleted_at is null;
create index campaign_members_deleted_idx on campaign_members (workspace_id, updated_at, id) where deleted_at is not null;
create index campaign_members_search_idx on campaign_members using gin (workspace_id, search gin_trgm_ops) where deleted_at is null;
create index campaign_members_lexemes_idx on campaign_members using gin (crm_lexemes(workspace_id, E'\n' || search)) where deleted_at is null;
create index campaign_members_custom_idx on campaign_members using gin (workspace_id, "custom" jsonb_path_ops) where deleted_at is null;
create index campaign_members_custom_days_idx on campaign_members using gin (workspace_id, crm_days("custom")) where "custom" is not null and deleted_at is null;
alter table campaign_members alter column workspace_id set (n_distinct = -0.0002);
alter table campaign_members alter column search set statistics 200;
alter index campaign_members_lexemes_idx alter column 1 set statistics 0;
alter index campaign_members_custom_days_idx alter column 2 set statistics 0;
create statistics campaign_members_assignee_folded on lower("assignee") from campaign_members;
create or replace function campaign_members_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof campaign_members language plpgsql as $$
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

alter table tasks add column "campaign_id" text collate "C";
alter table tasks add constraint tasks_workspace_id_campaign_id_fkey FOREIGN KEY (workspace_id, campaign_id) REFERENCES campaigns(workspace_id, id);
CREATE INDEX tasks_campaign_id_idx ON tasks USING btree (workspace_id, campaign_id, updated_at, id) WHERE ((campaign_id IS NOT NULL) AND (deleted_at IS NULL));
create or replace function tasks_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof tasks language plpgsql as $$
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
    insert into tasks as r (workspace_id, id, "title", "due_at", "done", "assignee", "contact_id", "company_id", "deal_id", "campaign_id", "tags", "notes", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."title", n."due_at", n."done", n."assignee", n."contact_id", n."company_id", n."deal_id", n."campaign_id", nullif(n."tags", '{}'), n."notes", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      returning r.* into w;
  else
    update tasks r set "title" = case when p_sent ? 'title' then n."title" else r."title" end,
        "due_at" = case when p_sent ? 'due_at' then n."due_at" else r."due_at" end,
        "done" = case when p_sent ? 'done' then n."done" else r."done" end,
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
        and (r."title", r."due_at", r."done", r."assignee", r."contact_id", r."company_id", r."deal_id", r."campaign_id", r."tags", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'title' then n."title" else r."title" end, case when p_sent ? 'due_at' then n."due_at" else r."due_at" end, case when p_sent ? 'done' then n."done" else r."done" end, case when p_sent ? 'assignee' then n."assignee" else r."assignee" end, case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end, case when p_sent ? 'company_id' then n."company_id" else r."company_id" end, case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end, case when p_sent ? 'campaign_id' then n."campaign_id" else r."campaign_id" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
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
alter table activities add column "campaign_id" text collate "C";
alter table activities add column "on_behalf_of" text collate "C";
alter table activities add constraint activities_workspace_id_campaign_id_fkey FOREIGN KEY (workspace_id, campaign_id) REFERENCES campaigns(workspace_id, id);
CREATE INDEX activities_campaign_id_idx ON activities USING btree (workspace_id, campaign_id, at, id) WHERE ((campaign_id IS NOT NULL) AND (deleted_at IS NULL));
create or replace function activities_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof activities language plpgsql as $$
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
