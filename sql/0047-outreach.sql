-- When a task was done, and whether it is, in a word. What is done already was done by the change that said so, as the history knows it; the history
-- is told too, or the next change of a task would look as if it had set both. A task whose history does not know it has no time.
alter table tasks add column done_at timestamptz;

with versions as (
  select workspace_id, id, record_id, version, at, (row ->> 'done')::boolean as done,
    lag((row ->> 'done')::boolean, 1, false) over (partition by workspace_id, record_id order by version) as done_before
  from changes where kind = 'task' and row ? 'done'
), deeds as (
  select workspace_id, id, record_id, version, done,
    max(at) filter (where done and not done_before) over (partition by workspace_id, record_id order by version) as done_at
  from versions
)
update changes c set row = c.row || jsonb_build_object('status', case when deeds.done then 'done' else 'open' end)
  || case when deeds.done and deeds.done_at is not null then jsonb_build_object('done_at', deeds.done_at) else '{}' end
from deeds
where c.workspace_id = deeds.workspace_id and c.id = deeds.id;

update tasks t set done_at = (select (c.row ->> 'done_at')::timestamptz from changes c
  where c.workspace_id = t.workspace_id and right(c.record_id, 8) = right(t.id, 8) and c.record_id = t.id and (c.row ->> 'done')::boolean
  order by c.version desc limit 1)
where t.done;

-- Generated from the declarations.
alter table tasks add column "status" text collate "C" generated always as (
CASE
    WHEN done THEN 'done'::text
    ELSE 'open'::text
END) stored not null;
CREATE INDEX tasks_done_at_order_idx ON tasks USING btree (workspace_id, done_at, id) WHERE (deleted_at IS NULL);
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
