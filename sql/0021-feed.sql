-- The feed: changes in the order in which they were committed. An entry keeps the number of its transaction, or that of the version before
-- where that one is later. It is shown once no transaction up to that number is open, so that nothing appears behind a reader. Entries from
-- before have the number 0 and come first, by their time. Without a default, whoever writes an entry has to say its place.

alter table changes add column xid xid8 not null default '0';
alter table changes alter column xid drop default;
create index changes_feed_idx on changes (workspace_id, xid, at, id);

-- Generated from the declarations.
alter table employees add column "xid" xid8;
create or replace function employees_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof employees language plpgsql as $$
declare
  n employees := jsonb_populate_record(null::employees, p_initial || p_sent);
  w employees;
begin
  if p_key is not null then
    insert into idempotency_keys (workspace_id, key, fingerprint, record_id, created_at)
      values (p_workspace, p_key, p_fingerprint, p_id, p_at) on conflict do nothing;
    if not found then
      return;
    end if;
  end if;
  if p_creates then
    insert into employees as r (workspace_id, id, "name", "email", "role", "rate", "currency", "tags", "notes", "custom", version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."name", n."email", n."role", n."rate", n."currency", nullif(n."tags", '{}'), n."notes", nullif(n."custom", '{}'), 1, p_at, p_actor, p_at, pg_current_xact_id())
      on conflict (workspace_id, "email") where "email" is not null and deleted_at is null
      do update set "name" = case when p_sent ? 'name' then excluded."name" else r."name" end,
        "role" = case when p_sent ? 'role' then excluded."role" else r."role" end,
        "rate" = case when p_sent ? 'rate' then excluded."rate" else r."rate" end,
        "currency" = case when p_sent ? 'currency' then excluded."currency" else r."currency" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "notes" = case when p_sent ? 'notes' then excluded."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, excluded.updated_at), xid = greatest(pg_current_xact_id(), r.xid)
      where (p_versions is null or r.version = any (p_versions))
        and (r."name", r."role", r."rate", r."currency", r."tags", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then excluded."name" else r."name" end, case when p_sent ? 'role' then excluded."role" else r."role" end, case when p_sent ? 'rate' then excluded."rate" else r."rate" end, case when p_sent ? 'currency' then excluded."currency" else r."currency" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then excluded."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
  else
    update employees r set "name" = case when p_sent ? 'name' then n."name" else r."name" end,
        "email" = case when p_sent ? 'email' then n."email" else r."email" end,
        "role" = case when p_sent ? 'role' then n."role" else r."role" end,
        "rate" = case when p_sent ? 'rate' then n."rate" else r."rate" end,
        "currency" = case when p_sent ? 'currency' then n."currency" else r."currency" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."email", r."role", r."rate", r."currency", r."tags", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'email' then n."email" else r."email" end, case when p_sent ? 'role' then n."role" else r."role" end, case when p_sent ? 'rate' then n."rate" else r."rate" end, case when p_sent ? 'currency' then n."currency" else r."currency" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
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
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then to_jsonb(w) - '{workspace_id,search,xid}'::text[]
        else (select to_jsonb(w) - '{workspace_id,search,xid}'::text[] - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;
alter table services add column "xid" xid8;
create or replace function services_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof services language plpgsql as $$
declare
  n services := jsonb_populate_record(null::services, p_initial || p_sent);
  w services;
begin
  if p_key is not null then
    insert into idempotency_keys (workspace_id, key, fingerprint, record_id, created_at)
      values (p_workspace, p_key, p_fingerprint, p_id, p_at) on conflict do nothing;
    if not found then
      return;
    end if;
  end if;
  if p_creates then
    insert into services as r (workspace_id, id, "name", "sku", "unit_price_cents", "currency", "tax_rate", "unit", "tags", "notes", "custom", version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."name", n."sku", n."unit_price_cents", n."currency", n."tax_rate", n."unit", nullif(n."tags", '{}'), n."notes", nullif(n."custom", '{}'), 1, p_at, p_actor, p_at, pg_current_xact_id())
      on conflict (workspace_id, lower("sku")) where "sku" is not null and deleted_at is null
      do update set "name" = case when p_sent ? 'name' then excluded."name" else r."name" end,
        "unit_price_cents" = case when p_sent ? 'unit_price_cents' then excluded."unit_price_cents" else r."unit_price_cents" end,
        "currency" = case when p_sent ? 'currency' then excluded."currency" else r."currency" end,
        "tax_rate" = case when p_sent ? 'tax_rate' then excluded."tax_rate" else r."tax_rate" end,
        "unit" = case when p_sent ? 'unit' then excluded."unit" else r."unit" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "notes" = case when p_sent ? 'notes' then excluded."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, excluded.updated_at), xid = greatest(pg_current_xact_id(), r.xid)
      where (p_versions is null or r.version = any (p_versions))
        and (r."name", r."unit_price_cents", r."currency", r."tax_rate", r."unit", r."tags", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then excluded."name" else r."name" end, case when p_sent ? 'unit_price_cents' then excluded."unit_price_cents" else r."unit_price_cents" end, case when p_sent ? 'currency' then excluded."currency" else r."currency" end, case when p_sent ? 'tax_rate' then excluded."tax_rate" else r."tax_rate" end, case when p_sent ? 'unit' then excluded."unit" else r."unit" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then excluded."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
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
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."sku", r."unit_price_cents", r."currency", r."tax_rate", r."unit", r."tags", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'sku' then n."sku" else r."sku" end, case when p_sent ? 'unit_price_cents' then n."unit_price_cents" else r."unit_price_cents" end, case when p_sent ? 'currency' then n."currency" else r."currency" end, case when p_sent ? 'tax_rate' then n."tax_rate" else r."tax_rate" end, case when p_sent ? 'unit' then n."unit" else r."unit" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
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
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then to_jsonb(w) - '{workspace_id,search,xid}'::text[]
        else (select to_jsonb(w) - '{workspace_id,search,xid}'::text[] - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;
alter table products add column "xid" xid8;
create or replace function products_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof products language plpgsql as $$
declare
  n products := jsonb_populate_record(null::products, p_initial || p_sent);
  w products;
begin
  if p_key is not null then
    insert into idempotency_keys (workspace_id, key, fingerprint, record_id, created_at)
      values (p_workspace, p_key, p_fingerprint, p_id, p_at) on conflict do nothing;
    if not found then
      return;
    end if;
  end if;
  if p_creates then
    insert into products as r (workspace_id, id, "name", "sku", "unit_price_cents", "currency", "tax_rate", "unit", "tags", "notes", "custom", version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."name", n."sku", n."unit_price_cents", n."currency", n."tax_rate", n."unit", nullif(n."tags", '{}'), n."notes", nullif(n."custom", '{}'), 1, p_at, p_actor, p_at, pg_current_xact_id())
      on conflict (workspace_id, lower("sku")) where "sku" is not null and deleted_at is null
      do update set "name" = case when p_sent ? 'name' then excluded."name" else r."name" end,
        "unit_price_cents" = case when p_sent ? 'unit_price_cents' then excluded."unit_price_cents" else r."unit_price_cents" end,
        "currency" = case when p_sent ? 'currency' then excluded."currency" else r."currency" end,
        "tax_rate" = case when p_sent ? 'tax_rate' then excluded."tax_rate" else r."tax_rate" end,
        "unit" = case when p_sent ? 'unit' then excluded."unit" else r."unit" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "notes" = case when p_sent ? 'notes' then excluded."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, excluded.updated_at), xid = greatest(pg_current_xact_id(), r.xid)
      where (p_versions is null or r.version = any (p_versions))
        and (r."name", r."unit_price_cents", r."currency", r."tax_rate", r."unit", r."tags", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then excluded."name" else r."name" end, case when p_sent ? 'unit_price_cents' then excluded."unit_price_cents" else r."unit_price_cents" end, case when p_sent ? 'currency' then excluded."currency" else r."currency" end, case when p_sent ? 'tax_rate' then excluded."tax_rate" else r."tax_rate" end, case when p_sent ? 'unit' then excluded."unit" else r."unit" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then excluded."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
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
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."sku", r."unit_price_cents", r."currency", r."tax_rate", r."unit", r."tags", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'sku' then n."sku" else r."sku" end, case when p_sent ? 'unit_price_cents' then n."unit_price_cents" else r."unit_price_cents" end, case when p_sent ? 'currency' then n."currency" else r."currency" end, case when p_sent ? 'tax_rate' then n."tax_rate" else r."tax_rate" end, case when p_sent ? 'unit' then n."unit" else r."unit" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
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
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then to_jsonb(w) - '{workspace_id,search,xid}'::text[]
        else (select to_jsonb(w) - '{workspace_id,search,xid}'::text[] - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;
alter table companies add column "xid" xid8;
create or replace function companies_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof companies language plpgsql as $$
declare
  n companies := jsonb_populate_record(null::companies, p_initial || p_sent);
  w companies;
begin
  if p_key is not null then
    insert into idempotency_keys (workspace_id, key, fingerprint, record_id, created_at)
      values (p_workspace, p_key, p_fingerprint, p_id, p_at) on conflict do nothing;
    if not found then
      return;
    end if;
  end if;
  if p_creates then
    insert into companies as r (workspace_id, id, "name", "domain", "industry", "phone", "owner", "tags", "street", "postal_code", "city", "region", "country", "tax_id", "notes", "custom", version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."name", n."domain", n."industry", n."phone", n."owner", nullif(n."tags", '{}'), n."street", n."postal_code", n."city", n."region", n."country", n."tax_id", n."notes", nullif(n."custom", '{}'), 1, p_at, p_actor, p_at, pg_current_xact_id())
      on conflict (workspace_id, "domain") where "domain" is not null and deleted_at is null
      do update set "name" = case when p_sent ? 'name' then excluded."name" else r."name" end,
        "industry" = case when p_sent ? 'industry' then excluded."industry" else r."industry" end,
        "phone" = case when p_sent ? 'phone' then excluded."phone" else r."phone" end,
        "owner" = case when p_sent ? 'owner' then excluded."owner" else r."owner" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "street" = case when p_sent ? 'street' then excluded."street" else r."street" end,
        "postal_code" = case when p_sent ? 'postal_code' then excluded."postal_code" else r."postal_code" end,
        "city" = case when p_sent ? 'city' then excluded."city" else r."city" end,
        "region" = case when p_sent ? 'region' then excluded."region" else r."region" end,
        "country" = case when p_sent ? 'country' then excluded."country" else r."country" end,
        "tax_id" = case when p_sent ? 'tax_id' then excluded."tax_id" else r."tax_id" end,
        "notes" = case when p_sent ? 'notes' then excluded."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, excluded.updated_at), xid = greatest(pg_current_xact_id(), r.xid)
      where (p_versions is null or r.version = any (p_versions))
        and (r."name", r."industry", r."phone", r."owner", r."tags", r."street", r."postal_code", r."city", r."region", r."country", r."tax_id", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then excluded."name" else r."name" end, case when p_sent ? 'industry' then excluded."industry" else r."industry" end, case when p_sent ? 'phone' then excluded."phone" else r."phone" end, case when p_sent ? 'owner' then excluded."owner" else r."owner" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'street' then excluded."street" else r."street" end, case when p_sent ? 'postal_code' then excluded."postal_code" else r."postal_code" end, case when p_sent ? 'city' then excluded."city" else r."city" end, case when p_sent ? 'region' then excluded."region" else r."region" end, case when p_sent ? 'country' then excluded."country" else r."country" end, case when p_sent ? 'tax_id' then excluded."tax_id" else r."tax_id" end, case when p_sent ? 'notes' then excluded."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
  else
    update companies r set "name" = case when p_sent ? 'name' then n."name" else r."name" end,
        "domain" = case when p_sent ? 'domain' then n."domain" else r."domain" end,
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
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."domain", r."industry", r."phone", r."owner", r."tags", r."street", r."postal_code", r."city", r."region", r."country", r."tax_id", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'domain' then n."domain" else r."domain" end, case when p_sent ? 'industry' then n."industry" else r."industry" end, case when p_sent ? 'phone' then n."phone" else r."phone" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'street' then n."street" else r."street" end, case when p_sent ? 'postal_code' then n."postal_code" else r."postal_code" end, case when p_sent ? 'city' then n."city" else r."city" end, case when p_sent ? 'region' then n."region" else r."region" end, case when p_sent ? 'country' then n."country" else r."country" end, case when p_sent ? 'tax_id' then n."tax_id" else r."tax_id" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
  end if;
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
alter table contacts add column "xid" xid8;
create or replace function contacts_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof contacts language plpgsql as $$
declare
  n contacts := jsonb_populate_record(null::contacts, p_initial || p_sent);
  w contacts;
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
  if p_creates then
    insert into contacts as r (workspace_id, id, "name", "first_name", "last_name", "email", "phone", "title", "company_id", "stage", "owner", "tags", "follow_up_at", "follow_up_note", "street", "postal_code", "city", "region", "country", "notes", "custom", version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."name", n."first_name", n."last_name", n."email", n."phone", n."title", n."company_id", n."stage", n."owner", nullif(n."tags", '{}'), n."follow_up_at", n."follow_up_note", n."street", n."postal_code", n."city", n."region", n."country", n."notes", nullif(n."custom", '{}'), 1, p_at, p_actor, p_at, pg_current_xact_id())
      on conflict (workspace_id, "email") where "email" is not null and deleted_at is null
      do update set "name" = case when p_sent ? 'name' then excluded."name" else r."name" end,
        "first_name" = case when p_sent ? 'first_name' then excluded."first_name" else r."first_name" end,
        "last_name" = case when p_sent ? 'last_name' then excluded."last_name" else r."last_name" end,
        "phone" = case when p_sent ? 'phone' then excluded."phone" else r."phone" end,
        "title" = case when p_sent ? 'title' then excluded."title" else r."title" end,
        "company_id" = case when p_sent ? 'company_id' then excluded."company_id" else r."company_id" end,
        "stage" = case when p_sent ? 'stage' then excluded."stage" else r."stage" end,
        "owner" = case when p_sent ? 'owner' then excluded."owner" else r."owner" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "follow_up_at" = case when p_sent ? 'follow_up_at' then excluded."follow_up_at" else r."follow_up_at" end,
        "follow_up_note" = case when p_sent ? 'follow_up_note' then excluded."follow_up_note" else r."follow_up_note" end,
        "street" = case when p_sent ? 'street' then excluded."street" else r."street" end,
        "postal_code" = case when p_sent ? 'postal_code' then excluded."postal_code" else r."postal_code" end,
        "city" = case when p_sent ? 'city' then excluded."city" else r."city" end,
        "region" = case when p_sent ? 'region' then excluded."region" else r."region" end,
        "country" = case when p_sent ? 'country' then excluded."country" else r."country" end,
        "notes" = case when p_sent ? 'notes' then excluded."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, excluded.updated_at), xid = greatest(pg_current_xact_id(), r.xid)
      where (p_versions is null or r.version = any (p_versions))
        and (r."name", r."first_name", r."last_name", r."phone", r."title", r."company_id", r."stage", r."owner", r."tags", r."follow_up_at", r."follow_up_note", r."street", r."postal_code", r."city", r."region", r."country", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then excluded."name" else r."name" end, case when p_sent ? 'first_name' then excluded."first_name" else r."first_name" end, case when p_sent ? 'last_name' then excluded."last_name" else r."last_name" end, case when p_sent ? 'phone' then excluded."phone" else r."phone" end, case when p_sent ? 'title' then excluded."title" else r."title" end, case when p_sent ? 'company_id' then excluded."company_id" else r."company_id" end, case when p_sent ? 'stage' then excluded."stage" else r."stage" end, case when p_sent ? 'owner' then excluded."owner" else r."owner" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'follow_up_at' then excluded."follow_up_at" else r."follow_up_at" end, case when p_sent ? 'follow_up_note' then excluded."follow_up_note" else r."follow_up_note" end, case when p_sent ? 'street' then excluded."street" else r."street" end, case when p_sent ? 'postal_code' then excluded."postal_code" else r."postal_code" end, case when p_sent ? 'city' then excluded."city" else r."city" end, case when p_sent ? 'region' then excluded."region" else r."region" end, case when p_sent ? 'country' then excluded."country" else r."country" end, case when p_sent ? 'notes' then excluded."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
  else
    update contacts r set "name" = case when p_sent ? 'name' then n."name" else r."name" end,
        "first_name" = case when p_sent ? 'first_name' then n."first_name" else r."first_name" end,
        "last_name" = case when p_sent ? 'last_name' then n."last_name" else r."last_name" end,
        "email" = case when p_sent ? 'email' then n."email" else r."email" end,
        "phone" = case when p_sent ? 'phone' then n."phone" else r."phone" end,
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
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."first_name", r."last_name", r."email", r."phone", r."title", r."company_id", r."stage", r."owner", r."tags", r."follow_up_at", r."follow_up_note", r."street", r."postal_code", r."city", r."region", r."country", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'first_name' then n."first_name" else r."first_name" end, case when p_sent ? 'last_name' then n."last_name" else r."last_name" end, case when p_sent ? 'email' then n."email" else r."email" end, case when p_sent ? 'phone' then n."phone" else r."phone" end, case when p_sent ? 'title' then n."title" else r."title" end, case when p_sent ? 'company_id' then n."company_id" else r."company_id" end, case when p_sent ? 'stage' then n."stage" else r."stage" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'follow_up_at' then n."follow_up_at" else r."follow_up_at" end, case when p_sent ? 'follow_up_note' then n."follow_up_note" else r."follow_up_note" end, case when p_sent ? 'street' then n."street" else r."street" end, case when p_sent ? 'postal_code' then n."postal_code" else r."postal_code" end, case when p_sent ? 'city' then n."city" else r."city" end, case when p_sent ? 'region' then n."region" else r."region" end, case when p_sent ? 'country' then n."country" else r."country" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
  end if;
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
alter table tickets add column "xid" xid8;
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
    insert into tickets as r (workspace_id, id, "subject", "status", "priority", "due_at", "assignee", "requester_id", "company_id", "tags", "notes", "custom", version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."subject", n."status", n."priority", n."due_at", n."assignee", n."requester_id", n."company_id", nullif(n."tags", '{}'), n."notes", nullif(n."custom", '{}'), 1, p_at, p_actor, p_at, pg_current_xact_id())
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
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."subject", r."status", r."priority", r."due_at", r."assignee", r."requester_id", r."company_id", r."tags", r."notes", r."custom") is distinct from (case when p_sent ? 'subject' then n."subject" else r."subject" end, case when p_sent ? 'status' then n."status" else r."status" end, case when p_sent ? 'priority' then n."priority" else r."priority" end, case when p_sent ? 'due_at' then n."due_at" else r."due_at" end, case when p_sent ? 'assignee' then n."assignee" else r."assignee" end, case when p_sent ? 'requester_id' then n."requester_id" else r."requester_id" end, case when p_sent ? 'company_id' then n."company_id" else r."company_id" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
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
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then to_jsonb(w) - '{workspace_id,search,xid}'::text[]
        else (select to_jsonb(w) - '{workspace_id,search,xid}'::text[] - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;
alter table deals add column "xid" xid8;
create or replace function deals_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof deals language plpgsql as $$
declare
  n deals := jsonb_populate_record(null::deals, p_initial || p_sent);
  w deals;
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
  if p_key is not null then
    insert into idempotency_keys (workspace_id, key, fingerprint, record_id, created_at)
      values (p_workspace, p_key, p_fingerprint, p_id, p_at) on conflict do nothing;
    if not found then
      return;
    end if;
  end if;
  if p_creates then
    insert into deals as r (workspace_id, id, "title", "amount_cents", "currency", "stage", "status", "probability", "close_date", "closed_at", "lost_reason", "contact_id", "company_id", "owner", "tags", "follow_up_at", "follow_up_note", "notes", "custom", version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."title", n."amount_cents", n."currency", n."stage", n."status", n."probability", n."close_date", case when p_sent ? 'closed_at' then n."closed_at" when n."status" is distinct from 'open' then p_at end, n."lost_reason", n."contact_id", n."company_id", n."owner", nullif(n."tags", '{}'), n."follow_up_at", n."follow_up_note", n."notes", nullif(n."custom", '{}'), 1, p_at, p_actor, p_at, pg_current_xact_id())
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
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."title", r."amount_cents", r."currency", r."stage", r."status", r."probability", r."close_date", r."closed_at", r."lost_reason", r."contact_id", r."company_id", r."owner", r."tags", r."follow_up_at", r."follow_up_note", r."notes", r."custom") is distinct from (case when p_sent ? 'title' then n."title" else r."title" end, case when p_sent ? 'amount_cents' then n."amount_cents" else r."amount_cents" end, case when p_sent ? 'currency' then n."currency" else r."currency" end, case when p_sent ? 'stage' then n."stage" else r."stage" end, case when p_sent ? 'status' then n."status" else r."status" end, case when p_sent ? 'probability' then n."probability" else r."probability" end, case when p_sent ? 'close_date' then n."close_date" else r."close_date" end, case when p_sent ? 'closed_at' then n."closed_at" when p_sent ? 'status' then case when r."status" is not distinct from 'open' and not (n."status" is not distinct from 'open') then crm_after(r.updated_at, p_at) when n."status" is not distinct from 'open' and not (r."status" is not distinct from 'open') then null else r."closed_at" end else r."closed_at" end, case when p_sent ? 'lost_reason' then n."lost_reason" else r."lost_reason" end, case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end, case when p_sent ? 'company_id' then n."company_id" else r."company_id" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'follow_up_at' then n."follow_up_at" else r."follow_up_at" end, case when p_sent ? 'follow_up_note' then n."follow_up_note" else r."follow_up_note" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
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
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then to_jsonb(w) - '{workspace_id,search,xid}'::text[]
        else (select to_jsonb(w) - '{workspace_id,search,xid}'::text[] - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;
alter table tasks add column "xid" xid8;
create or replace function tasks_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof tasks language plpgsql as $$
declare
  n tasks := jsonb_populate_record(null::tasks, p_initial || p_sent);
  w tasks;
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
  if p_key is not null then
    insert into idempotency_keys (workspace_id, key, fingerprint, record_id, created_at)
      values (p_workspace, p_key, p_fingerprint, p_id, p_at) on conflict do nothing;
    if not found then
      return;
    end if;
  end if;
  if p_creates then
    insert into tasks as r (workspace_id, id, "title", "due_at", "done", "assignee", "contact_id", "company_id", "deal_id", "tags", "notes", "custom", version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."title", n."due_at", n."done", n."assignee", n."contact_id", n."company_id", n."deal_id", nullif(n."tags", '{}'), n."notes", nullif(n."custom", '{}'), 1, p_at, p_actor, p_at, pg_current_xact_id())
      returning r.* into w;
  else
    update tasks r set "title" = case when p_sent ? 'title' then n."title" else r."title" end,
        "due_at" = case when p_sent ? 'due_at' then n."due_at" else r."due_at" end,
        "done" = case when p_sent ? 'done' then n."done" else r."done" end,
        "assignee" = case when p_sent ? 'assignee' then n."assignee" else r."assignee" end,
        "contact_id" = case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end,
        "company_id" = case when p_sent ? 'company_id' then n."company_id" else r."company_id" end,
        "deal_id" = case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."title", r."due_at", r."done", r."assignee", r."contact_id", r."company_id", r."deal_id", r."tags", r."notes", r."custom") is distinct from (case when p_sent ? 'title' then n."title" else r."title" end, case when p_sent ? 'due_at' then n."due_at" else r."due_at" end, case when p_sent ? 'done' then n."done" else r."done" end, case when p_sent ? 'assignee' then n."assignee" else r."assignee" end, case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end, case when p_sent ? 'company_id' then n."company_id" else r."company_id" end, case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
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
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then to_jsonb(w) - '{workspace_id,search,xid}'::text[]
        else (select to_jsonb(w) - '{workspace_id,search,xid}'::text[] - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;
alter table activities add column "xid" xid8;
create or replace function activities_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof activities language plpgsql as $$
declare
  n activities := jsonb_populate_record(null::activities, p_initial || p_sent);
  w activities;
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
  if p_key is not null then
    insert into idempotency_keys (workspace_id, key, fingerprint, record_id, created_at)
      values (p_workspace, p_key, p_fingerprint, p_id, p_at) on conflict do nothing;
    if not found then
      return;
    end if;
  end if;
  if p_creates then
    insert into activities as r (workspace_id, id, "kind", "at", "contact_id", "company_id", "deal_id", "body", "custom", version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."kind", n."at", n."contact_id", n."company_id", n."deal_id", n."body", nullif(n."custom", '{}'), 1, p_at, p_actor, p_at, pg_current_xact_id())
      returning r.* into w;
  else
    update activities r set "kind" = case when p_sent ? 'kind' then n."kind" else r."kind" end,
        "at" = case when p_sent ? 'at' then n."at" else r."at" end,
        "contact_id" = case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end,
        "company_id" = case when p_sent ? 'company_id' then n."company_id" else r."company_id" end,
        "deal_id" = case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end,
        "body" = case when p_sent ? 'body' then n."body" else r."body" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."kind", r."at", r."contact_id", r."company_id", r."deal_id", r."body", r."custom") is distinct from (case when p_sent ? 'kind' then n."kind" else r."kind" end, case when p_sent ? 'at' then n."at" else r."at" end, case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end, case when p_sent ? 'company_id' then n."company_id" else r."company_id" end, case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end, case when p_sent ? 'body' then n."body" else r."body" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
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
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'body' then octet_length(w."body") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then to_jsonb(w) - '{workspace_id,search,xid}'::text[]
        else (select to_jsonb(w) - '{workspace_id,search,xid}'::text[] - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('body', case when not p_sent ? 'body' then octet_length(w."body") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;
