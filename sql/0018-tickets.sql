-- Tickets: the questions and complaints that somebody waits for an answer to.

create table tickets (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  "subject" text collate "C" not null,
  "status" text collate "C" not null,
  "priority" text collate "C",
  "due_at" timestamptz,
  "assignee" text collate "C",
  "requester_id" text collate "C",
  "company_id" text collate "C",
  "tags" text[],
  "notes" text collate "C",
  "custom" jsonb,
  version integer not null,
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  search text generated always as (crm_fold(crm_lines(subject, crm_words(tags), notes))) stored,
  primary key (workspace_id, id),
  foreign key (workspace_id, "requester_id") references contacts (workspace_id, id),
  foreign key (workspace_id, "company_id") references companies (workspace_id, id),
  constraint tickets_custom_fits check (crm_custom_fits("custom"))
);
create unique index tickets_handle_key on tickets (workspace_id, right(id, 8));
create index tickets_subject_order_idx on tickets (workspace_id, lower("subject"), id) where deleted_at is null;
create index tickets_due_at_order_idx on tickets (workspace_id, "due_at", id) where deleted_at is null;
create index tickets_assignee_order_idx on tickets (workspace_id, lower("assignee"), id) where deleted_at is null;
create index tickets_created_at_order_idx on tickets (workspace_id, "created_at", id) where deleted_at is null;
create index tickets_updated_at_order_idx on tickets (workspace_id, "updated_at", id) where deleted_at is null;
create index tickets_status_idx on tickets (workspace_id, "status", updated_at, id) where deleted_at is null;
create index tickets_priority_idx on tickets (workspace_id, "priority", updated_at, id) where deleted_at is null;
create index tickets_assignee_idx on tickets (workspace_id, "assignee", updated_at, id) where deleted_at is null;
create index tickets_requester_id_idx on tickets (workspace_id, "requester_id", updated_at, id) where "requester_id" is not null and deleted_at is null;
create index tickets_company_id_idx on tickets (workspace_id, "company_id", updated_at, id) where "company_id" is not null and deleted_at is null;
create index tickets_due_idx on tickets (workspace_id, due_at, id) where due_at is not null and status <> 'solved' and deleted_at is null;
create index tickets_assignee_due_idx on tickets (workspace_id, assignee, due_at, id) where due_at is not null and status <> 'solved' and deleted_at is null;
create index tickets_search_idx on tickets using gin (workspace_id, search gin_trgm_ops) where deleted_at is null;
create index tickets_lexemes_idx on tickets using gin (crm_lexemes(workspace_id, search)) where deleted_at is null;
create index tickets_tags_idx on tickets using gin (workspace_id, "tags") where deleted_at is null;
create index tickets_custom_idx on tickets using gin (workspace_id, "custom" jsonb_path_ops) where deleted_at is null;
create index tickets_custom_days_idx on tickets using gin (workspace_id, crm_days("custom")) where "custom" is not null and deleted_at is null;
alter table tickets alter column workspace_id set (n_distinct = -0.0002);
alter table tickets alter column search set statistics 200;
alter index tickets_lexemes_idx alter column 1 set statistics 0;
alter index tickets_custom_days_idx alter column 2 set statistics 0;
create statistics tickets_assignee_folded on lower(assignee) from tickets;
create or replace function tickets_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof tickets language plpgsql as $$
declare
  n tickets := jsonb_populate_record(null::tickets, p_initial || p_sent);
  w tickets;
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
  if p_key is not null then
    insert into idempotency_keys (workspace_id, key, fingerprint, record_id, created_at)
      values (p_workspace, p_key, p_fingerprint, p_id, p_at) on conflict do nothing;
    if not found then
      return;
    end if;
  end if;
  if p_creates then
    insert into tickets as r (workspace_id, id, "subject", "status", "priority", "due_at", "assignee", "requester_id", "company_id", "tags", "notes", "custom", version, created_at, created_by, updated_at)
      values (p_workspace, p_id, n."subject", n."status", n."priority", n."due_at", n."assignee", n."requester_id", n."company_id", n."tags", n."notes", nullif(n."custom", '{}'), 1, p_at, p_actor, p_at)
      returning r.* into w;
  else
    update tickets r set "subject" = case when p_sent ? 'subject' then n."subject" else r."subject" end,
        "status" = case when p_sent ? 'status' then n."status" else r."status" end,
        "priority" = case when p_sent ? 'priority' then n."priority" else r."priority" end,
        "due_at" = case when p_sent ? 'due_at' then n."due_at" else r."due_at" end,
        "assignee" = case when p_sent ? 'assignee' then n."assignee" else r."assignee" end,
        "requester_id" = case when p_sent ? 'requester_id' then n."requester_id" else r."requester_id" end,
        "company_id" = case when p_sent ? 'company_id' then n."company_id" else r."company_id" end,
        "tags" = case when p_sent ? 'tags' then n."tags" else r."tags" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."subject", r."status", r."priority", r."due_at", r."assignee", r."requester_id", r."company_id", r."tags", r."notes", r."custom") is distinct from (case when p_sent ? 'subject' then n."subject" else r."subject" end, case when p_sent ? 'status' then n."status" else r."status" end, case when p_sent ? 'priority' then n."priority" else r."priority" end, case when p_sent ? 'due_at' then n."due_at" else r."due_at" end, case when p_sent ? 'assignee' then n."assignee" else r."assignee" end, case when p_sent ? 'requester_id' then n."requester_id" else r."requester_id" end, case when p_sent ? 'company_id' then n."company_id" else r."company_id" end, case when p_sent ? 'tags' then n."tags" else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
  end if;
  if w.id is null then
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'ticket', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, row)
    select p_workspace, p_entry, 'ticket', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then to_jsonb(w) - '{workspace_id,search}'::text[]
        else (select to_jsonb(w) - '{workspace_id,search}'::text[] - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

