-- Products, services and employees; addresses and the parts of a name; how likely a deal is won.

create table employees (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  "name" text collate "C" not null,
  "email" text collate "C",
  "role" text collate "C",
  "rate" numeric(18,6),
  "currency" text collate "C",
  "tags" text[],
  "notes" text collate "C",
  "custom" jsonb,
  version integer not null,
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  search text generated always as (crm_fold(crm_lines(name, email, role, crm_words(tags), notes))) stored,
  primary key (workspace_id, id),
  constraint employees_custom_fits check (crm_custom_fits("custom"))
);
create unique index employees_handle_key on employees (workspace_id, right(id, 8));
create unique index employees_email_key on employees (workspace_id, "email") where "email" is not null and deleted_at is null;
create index employees_name_order_idx on employees (workspace_id, lower("name"), id) where deleted_at is null;
create index employees_email_none_idx on employees (workspace_id, "email", id) where "email" is null and deleted_at is null;
create index employees_role_order_idx on employees (workspace_id, lower("role"), id) where deleted_at is null;
create index employees_rate_order_idx on employees (workspace_id, "rate", id) where deleted_at is null;
create index employees_created_at_order_idx on employees (workspace_id, "created_at", id) where deleted_at is null;
create index employees_updated_at_order_idx on employees (workspace_id, "updated_at", id) where deleted_at is null;
create index employees_role_idx on employees (workspace_id, "role", updated_at, id) where deleted_at is null;
create index employees_search_idx on employees using gin (workspace_id, search gin_trgm_ops) where deleted_at is null;
create index employees_lexemes_idx on employees using gin (crm_lexemes(workspace_id, search)) where deleted_at is null;
create index employees_tags_idx on employees using gin (workspace_id, "tags") where deleted_at is null;
create index employees_custom_idx on employees using gin (workspace_id, "custom" jsonb_path_ops) where deleted_at is null;
create index employees_custom_days_idx on employees using gin (workspace_id, crm_days("custom")) where "custom" is not null and deleted_at is null;
alter table employees alter column workspace_id set (n_distinct = -0.0002);
alter table employees alter column search set statistics 200;
alter index employees_lexemes_idx alter column 1 set statistics 0;
alter index employees_custom_days_idx alter column 2 set statistics 0;
create statistics employees_role_folded on lower(role) from employees;
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
    insert into employees as r (workspace_id, id, "name", "email", "role", "rate", "currency", "tags", "notes", "custom", version, created_at, created_by, updated_at)
      values (p_workspace, p_id, n."name", n."email", n."role", n."rate", n."currency", n."tags", n."notes", nullif(n."custom", '{}'), 1, p_at, p_actor, p_at)
      on conflict (workspace_id, "email") where "email" is not null and deleted_at is null
      do update set "name" = case when p_sent ? 'name' then excluded."name" else r."name" end,
        "role" = case when p_sent ? 'role' then excluded."role" else r."role" end,
        "rate" = case when p_sent ? 'rate' then excluded."rate" else r."rate" end,
        "currency" = case when p_sent ? 'currency' then excluded."currency" else r."currency" end,
        "tags" = case when p_sent ? 'tags' then excluded."tags" else r."tags" end,
        "notes" = case when p_sent ? 'notes' then excluded."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, excluded.updated_at)
      where (p_versions is null or r.version = any (p_versions))
        and (r."name", r."role", r."rate", r."currency", r."tags", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then excluded."name" else r."name" end, case when p_sent ? 'role' then excluded."role" else r."role" end, case when p_sent ? 'rate' then excluded."rate" else r."rate" end, case when p_sent ? 'currency' then excluded."currency" else r."currency" end, case when p_sent ? 'tags' then excluded."tags" else r."tags" end, case when p_sent ? 'notes' then excluded."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
  else
    update employees r set "name" = case when p_sent ? 'name' then n."name" else r."name" end,
        "email" = case when p_sent ? 'email' then n."email" else r."email" end,
        "role" = case when p_sent ? 'role' then n."role" else r."role" end,
        "rate" = case when p_sent ? 'rate' then n."rate" else r."rate" end,
        "currency" = case when p_sent ? 'currency' then n."currency" else r."currency" end,
        "tags" = case when p_sent ? 'tags' then n."tags" else r."tags" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."email", r."role", r."rate", r."currency", r."tags", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'email' then n."email" else r."email" end, case when p_sent ? 'role' then n."role" else r."role" end, case when p_sent ? 'rate' then n."rate" else r."rate" end, case when p_sent ? 'currency' then n."currency" else r."currency" end, case when p_sent ? 'tags' then n."tags" else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
  end if;
  if w.id is null then
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'employee', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, row)
    select p_workspace, p_entry, 'employee', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then to_jsonb(w) - '{workspace_id,search}'::text[]
        else (select to_jsonb(w) - '{workspace_id,search}'::text[] - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

create table services (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  "name" text collate "C" not null,
  "sku" text collate "C",
  "unit_price_cents" bigint,
  "currency" text collate "C",
  "tax_rate" numeric(18,6),
  "unit" text collate "C",
  "tags" text[],
  "notes" text collate "C",
  "custom" jsonb,
  version integer not null,
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  search text generated always as (crm_fold(crm_lines(name, sku, crm_words(tags), notes))) stored,
  primary key (workspace_id, id),
  constraint services_custom_fits check (crm_custom_fits("custom"))
);
create unique index services_handle_key on services (workspace_id, right(id, 8));
create unique index services_sku_key on services (workspace_id, lower("sku")) where "sku" is not null and deleted_at is null;
create index services_name_order_idx on services (workspace_id, lower("name"), id) where deleted_at is null;
create index services_sku_order_idx on services (workspace_id, lower("sku"), id) where deleted_at is null;
create index services_unit_price_cents_order_idx on services (workspace_id, "unit_price_cents", id) where deleted_at is null;
create index services_created_at_order_idx on services (workspace_id, "created_at", id) where deleted_at is null;
create index services_updated_at_order_idx on services (workspace_id, "updated_at", id) where deleted_at is null;
create index services_search_idx on services using gin (workspace_id, search gin_trgm_ops) where deleted_at is null;
create index services_lexemes_idx on services using gin (crm_lexemes(workspace_id, search)) where deleted_at is null;
create index services_tags_idx on services using gin (workspace_id, "tags") where deleted_at is null;
create index services_custom_idx on services using gin (workspace_id, "custom" jsonb_path_ops) where deleted_at is null;
create index services_custom_days_idx on services using gin (workspace_id, crm_days("custom")) where "custom" is not null and deleted_at is null;
alter table services alter column workspace_id set (n_distinct = -0.0002);
alter table services alter column search set statistics 200;
alter index services_lexemes_idx alter column 1 set statistics 0;
alter index services_custom_days_idx alter column 2 set statistics 0;
create statistics services_sku_folded on lower(sku) from services;
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
    insert into services as r (workspace_id, id, "name", "sku", "unit_price_cents", "currency", "tax_rate", "unit", "tags", "notes", "custom", version, created_at, created_by, updated_at)
      values (p_workspace, p_id, n."name", n."sku", n."unit_price_cents", n."currency", n."tax_rate", n."unit", n."tags", n."notes", nullif(n."custom", '{}'), 1, p_at, p_actor, p_at)
      on conflict (workspace_id, lower("sku")) where "sku" is not null and deleted_at is null
      do update set "name" = case when p_sent ? 'name' then excluded."name" else r."name" end,
        "unit_price_cents" = case when p_sent ? 'unit_price_cents' then excluded."unit_price_cents" else r."unit_price_cents" end,
        "currency" = case when p_sent ? 'currency' then excluded."currency" else r."currency" end,
        "tax_rate" = case when p_sent ? 'tax_rate' then excluded."tax_rate" else r."tax_rate" end,
        "unit" = case when p_sent ? 'unit' then excluded."unit" else r."unit" end,
        "tags" = case when p_sent ? 'tags' then excluded."tags" else r."tags" end,
        "notes" = case when p_sent ? 'notes' then excluded."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, excluded.updated_at)
      where (p_versions is null or r.version = any (p_versions))
        and (r."name", r."unit_price_cents", r."currency", r."tax_rate", r."unit", r."tags", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then excluded."name" else r."name" end, case when p_sent ? 'unit_price_cents' then excluded."unit_price_cents" else r."unit_price_cents" end, case when p_sent ? 'currency' then excluded."currency" else r."currency" end, case when p_sent ? 'tax_rate' then excluded."tax_rate" else r."tax_rate" end, case when p_sent ? 'unit' then excluded."unit" else r."unit" end, case when p_sent ? 'tags' then excluded."tags" else r."tags" end, case when p_sent ? 'notes' then excluded."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
  else
    update services r set "name" = case when p_sent ? 'name' then n."name" else r."name" end,
        "sku" = case when p_sent ? 'sku' then n."sku" else r."sku" end,
        "unit_price_cents" = case when p_sent ? 'unit_price_cents' then n."unit_price_cents" else r."unit_price_cents" end,
        "currency" = case when p_sent ? 'currency' then n."currency" else r."currency" end,
        "tax_rate" = case when p_sent ? 'tax_rate' then n."tax_rate" else r."tax_rate" end,
        "unit" = case when p_sent ? 'unit' then n."unit" else r."unit" end,
        "tags" = case when p_sent ? 'tags' then n."tags" else r."tags" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."sku", r."unit_price_cents", r."currency", r."tax_rate", r."unit", r."tags", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'sku' then n."sku" else r."sku" end, case when p_sent ? 'unit_price_cents' then n."unit_price_cents" else r."unit_price_cents" end, case when p_sent ? 'currency' then n."currency" else r."currency" end, case when p_sent ? 'tax_rate' then n."tax_rate" else r."tax_rate" end, case when p_sent ? 'unit' then n."unit" else r."unit" end, case when p_sent ? 'tags' then n."tags" else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
  end if;
  if w.id is null then
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'service', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, row)
    select p_workspace, p_entry, 'service', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then to_jsonb(w) - '{workspace_id,search}'::text[]
        else (select to_jsonb(w) - '{workspace_id,search}'::text[] - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

create table products (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  "name" text collate "C" not null,
  "sku" text collate "C",
  "unit_price_cents" bigint,
  "currency" text collate "C",
  "tax_rate" numeric(18,6),
  "unit" text collate "C",
  "tags" text[],
  "notes" text collate "C",
  "custom" jsonb,
  version integer not null,
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  search text generated always as (crm_fold(crm_lines(name, sku, crm_words(tags), notes))) stored,
  primary key (workspace_id, id),
  constraint products_custom_fits check (crm_custom_fits("custom"))
);
create unique index products_handle_key on products (workspace_id, right(id, 8));
create unique index products_sku_key on products (workspace_id, lower("sku")) where "sku" is not null and deleted_at is null;
create index products_name_order_idx on products (workspace_id, lower("name"), id) where deleted_at is null;
create index products_sku_order_idx on products (workspace_id, lower("sku"), id) where deleted_at is null;
create index products_unit_price_cents_order_idx on products (workspace_id, "unit_price_cents", id) where deleted_at is null;
create index products_created_at_order_idx on products (workspace_id, "created_at", id) where deleted_at is null;
create index products_updated_at_order_idx on products (workspace_id, "updated_at", id) where deleted_at is null;
create index products_search_idx on products using gin (workspace_id, search gin_trgm_ops) where deleted_at is null;
create index products_lexemes_idx on products using gin (crm_lexemes(workspace_id, search)) where deleted_at is null;
create index products_tags_idx on products using gin (workspace_id, "tags") where deleted_at is null;
create index products_custom_idx on products using gin (workspace_id, "custom" jsonb_path_ops) where deleted_at is null;
create index products_custom_days_idx on products using gin (workspace_id, crm_days("custom")) where "custom" is not null and deleted_at is null;
alter table products alter column workspace_id set (n_distinct = -0.0002);
alter table products alter column search set statistics 200;
alter index products_lexemes_idx alter column 1 set statistics 0;
alter index products_custom_days_idx alter column 2 set statistics 0;
create statistics products_sku_folded on lower(sku) from products;
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
    insert into products as r (workspace_id, id, "name", "sku", "unit_price_cents", "currency", "tax_rate", "unit", "tags", "notes", "custom", version, created_at, created_by, updated_at)
      values (p_workspace, p_id, n."name", n."sku", n."unit_price_cents", n."currency", n."tax_rate", n."unit", n."tags", n."notes", nullif(n."custom", '{}'), 1, p_at, p_actor, p_at)
      on conflict (workspace_id, lower("sku")) where "sku" is not null and deleted_at is null
      do update set "name" = case when p_sent ? 'name' then excluded."name" else r."name" end,
        "unit_price_cents" = case when p_sent ? 'unit_price_cents' then excluded."unit_price_cents" else r."unit_price_cents" end,
        "currency" = case when p_sent ? 'currency' then excluded."currency" else r."currency" end,
        "tax_rate" = case when p_sent ? 'tax_rate' then excluded."tax_rate" else r."tax_rate" end,
        "unit" = case when p_sent ? 'unit' then excluded."unit" else r."unit" end,
        "tags" = case when p_sent ? 'tags' then excluded."tags" else r."tags" end,
        "notes" = case when p_sent ? 'notes' then excluded."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, excluded.updated_at)
      where (p_versions is null or r.version = any (p_versions))
        and (r."name", r."unit_price_cents", r."currency", r."tax_rate", r."unit", r."tags", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then excluded."name" else r."name" end, case when p_sent ? 'unit_price_cents' then excluded."unit_price_cents" else r."unit_price_cents" end, case when p_sent ? 'currency' then excluded."currency" else r."currency" end, case when p_sent ? 'tax_rate' then excluded."tax_rate" else r."tax_rate" end, case when p_sent ? 'unit' then excluded."unit" else r."unit" end, case when p_sent ? 'tags' then excluded."tags" else r."tags" end, case when p_sent ? 'notes' then excluded."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
  else
    update products r set "name" = case when p_sent ? 'name' then n."name" else r."name" end,
        "sku" = case when p_sent ? 'sku' then n."sku" else r."sku" end,
        "unit_price_cents" = case when p_sent ? 'unit_price_cents' then n."unit_price_cents" else r."unit_price_cents" end,
        "currency" = case when p_sent ? 'currency' then n."currency" else r."currency" end,
        "tax_rate" = case when p_sent ? 'tax_rate' then n."tax_rate" else r."tax_rate" end,
        "unit" = case when p_sent ? 'unit' then n."unit" else r."unit" end,
        "tags" = case when p_sent ? 'tags' then n."tags" else r."tags" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."sku", r."unit_price_cents", r."currency", r."tax_rate", r."unit", r."tags", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'sku' then n."sku" else r."sku" end, case when p_sent ? 'unit_price_cents' then n."unit_price_cents" else r."unit_price_cents" end, case when p_sent ? 'currency' then n."currency" else r."currency" end, case when p_sent ? 'tax_rate' then n."tax_rate" else r."tax_rate" end, case when p_sent ? 'unit' then n."unit" else r."unit" end, case when p_sent ? 'tags' then n."tags" else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
  end if;
  if w.id is null then
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'product', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, row)
    select p_workspace, p_entry, 'product', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then to_jsonb(w) - '{workspace_id,search}'::text[]
        else (select to_jsonb(w) - '{workspace_id,search}'::text[] - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

alter table companies add column "street" text collate "C";
alter table companies add column "postal_code" text collate "C";
alter table companies add column "city" text collate "C";
alter table companies add column "region" text collate "C";
alter table companies add column "country" text collate "C";
alter table companies add column "tax_id" text collate "C";
CREATE INDEX companies_country_idx ON companies USING btree (workspace_id, country, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX companies_city_idx ON companies USING btree (workspace_id, city, updated_at, id) WHERE (deleted_at IS NULL);
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
    insert into companies as r (workspace_id, id, "name", "domain", "industry", "phone", "owner", "tags", "street", "postal_code", "city", "region", "country", "tax_id", "notes", "custom", version, created_at, created_by, updated_at)
      values (p_workspace, p_id, n."name", n."domain", n."industry", n."phone", n."owner", n."tags", n."street", n."postal_code", n."city", n."region", n."country", n."tax_id", n."notes", nullif(n."custom", '{}'), 1, p_at, p_actor, p_at)
      on conflict (workspace_id, "domain") where "domain" is not null and deleted_at is null
      do update set "name" = case when p_sent ? 'name' then excluded."name" else r."name" end,
        "industry" = case when p_sent ? 'industry' then excluded."industry" else r."industry" end,
        "phone" = case when p_sent ? 'phone' then excluded."phone" else r."phone" end,
        "owner" = case when p_sent ? 'owner' then excluded."owner" else r."owner" end,
        "tags" = case when p_sent ? 'tags' then excluded."tags" else r."tags" end,
        "street" = case when p_sent ? 'street' then excluded."street" else r."street" end,
        "postal_code" = case when p_sent ? 'postal_code' then excluded."postal_code" else r."postal_code" end,
        "city" = case when p_sent ? 'city' then excluded."city" else r."city" end,
        "region" = case when p_sent ? 'region' then excluded."region" else r."region" end,
        "country" = case when p_sent ? 'country' then excluded."country" else r."country" end,
        "tax_id" = case when p_sent ? 'tax_id' then excluded."tax_id" else r."tax_id" end,
        "notes" = case when p_sent ? 'notes' then excluded."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, excluded.updated_at)
      where (p_versions is null or r.version = any (p_versions))
        and (r."name", r."industry", r."phone", r."owner", r."tags", r."street", r."postal_code", r."city", r."region", r."country", r."tax_id", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then excluded."name" else r."name" end, case when p_sent ? 'industry' then excluded."industry" else r."industry" end, case when p_sent ? 'phone' then excluded."phone" else r."phone" end, case when p_sent ? 'owner' then excluded."owner" else r."owner" end, case when p_sent ? 'tags' then excluded."tags" else r."tags" end, case when p_sent ? 'street' then excluded."street" else r."street" end, case when p_sent ? 'postal_code' then excluded."postal_code" else r."postal_code" end, case when p_sent ? 'city' then excluded."city" else r."city" end, case when p_sent ? 'region' then excluded."region" else r."region" end, case when p_sent ? 'country' then excluded."country" else r."country" end, case when p_sent ? 'tax_id' then excluded."tax_id" else r."tax_id" end, case when p_sent ? 'notes' then excluded."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
  else
    update companies r set "name" = case when p_sent ? 'name' then n."name" else r."name" end,
        "domain" = case when p_sent ? 'domain' then n."domain" else r."domain" end,
        "industry" = case when p_sent ? 'industry' then n."industry" else r."industry" end,
        "phone" = case when p_sent ? 'phone' then n."phone" else r."phone" end,
        "owner" = case when p_sent ? 'owner' then n."owner" else r."owner" end,
        "tags" = case when p_sent ? 'tags' then n."tags" else r."tags" end,
        "street" = case when p_sent ? 'street' then n."street" else r."street" end,
        "postal_code" = case when p_sent ? 'postal_code' then n."postal_code" else r."postal_code" end,
        "city" = case when p_sent ? 'city' then n."city" else r."city" end,
        "region" = case when p_sent ? 'region' then n."region" else r."region" end,
        "country" = case when p_sent ? 'country' then n."country" else r."country" end,
        "tax_id" = case when p_sent ? 'tax_id' then n."tax_id" else r."tax_id" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."domain", r."industry", r."phone", r."owner", r."tags", r."street", r."postal_code", r."city", r."region", r."country", r."tax_id", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'domain' then n."domain" else r."domain" end, case when p_sent ? 'industry' then n."industry" else r."industry" end, case when p_sent ? 'phone' then n."phone" else r."phone" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'tags' then n."tags" else r."tags" end, case when p_sent ? 'street' then n."street" else r."street" end, case when p_sent ? 'postal_code' then n."postal_code" else r."postal_code" end, case when p_sent ? 'city' then n."city" else r."city" end, case when p_sent ? 'region' then n."region" else r."region" end, case when p_sent ? 'country' then n."country" else r."country" end, case when p_sent ? 'tax_id' then n."tax_id" else r."tax_id" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
  end if;
  if w.id is null then
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'company', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, row)
    select p_workspace, p_entry, 'company', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then to_jsonb(w) - '{workspace_id,search}'::text[]
        else (select to_jsonb(w) - '{workspace_id,search}'::text[] - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;
alter table contacts add column "first_name" text collate "C";
alter table contacts add column "last_name" text collate "C";
alter table contacts add column "street" text collate "C";
alter table contacts add column "postal_code" text collate "C";
alter table contacts add column "city" text collate "C";
alter table contacts add column "region" text collate "C";
alter table contacts add column "country" text collate "C";
CREATE INDEX contacts_city_idx ON contacts USING btree (workspace_id, city, updated_at, id) WHERE (deleted_at IS NULL);
CREATE INDEX contacts_country_idx ON contacts USING btree (workspace_id, country, updated_at, id) WHERE (deleted_at IS NULL);
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
    insert into contacts as r (workspace_id, id, "name", "first_name", "last_name", "email", "phone", "title", "company_id", "stage", "owner", "tags", "follow_up_at", "follow_up_note", "street", "postal_code", "city", "region", "country", "notes", "custom", version, created_at, created_by, updated_at)
      values (p_workspace, p_id, n."name", n."first_name", n."last_name", n."email", n."phone", n."title", n."company_id", n."stage", n."owner", n."tags", n."follow_up_at", n."follow_up_note", n."street", n."postal_code", n."city", n."region", n."country", n."notes", nullif(n."custom", '{}'), 1, p_at, p_actor, p_at)
      on conflict (workspace_id, "email") where "email" is not null and deleted_at is null
      do update set "name" = case when p_sent ? 'name' then excluded."name" else r."name" end,
        "first_name" = case when p_sent ? 'first_name' then excluded."first_name" else r."first_name" end,
        "last_name" = case when p_sent ? 'last_name' then excluded."last_name" else r."last_name" end,
        "phone" = case when p_sent ? 'phone' then excluded."phone" else r."phone" end,
        "title" = case when p_sent ? 'title' then excluded."title" else r."title" end,
        "company_id" = case when p_sent ? 'company_id' then excluded."company_id" else r."company_id" end,
        "stage" = case when p_sent ? 'stage' then excluded."stage" else r."stage" end,
        "owner" = case when p_sent ? 'owner' then excluded."owner" else r."owner" end,
        "tags" = case when p_sent ? 'tags' then excluded."tags" else r."tags" end,
        "follow_up_at" = case when p_sent ? 'follow_up_at' then excluded."follow_up_at" else r."follow_up_at" end,
        "follow_up_note" = case when p_sent ? 'follow_up_note' then excluded."follow_up_note" else r."follow_up_note" end,
        "street" = case when p_sent ? 'street' then excluded."street" else r."street" end,
        "postal_code" = case when p_sent ? 'postal_code' then excluded."postal_code" else r."postal_code" end,
        "city" = case when p_sent ? 'city' then excluded."city" else r."city" end,
        "region" = case when p_sent ? 'region' then excluded."region" else r."region" end,
        "country" = case when p_sent ? 'country' then excluded."country" else r."country" end,
        "notes" = case when p_sent ? 'notes' then excluded."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, excluded.updated_at)
      where (p_versions is null or r.version = any (p_versions))
        and (r."name", r."first_name", r."last_name", r."phone", r."title", r."company_id", r."stage", r."owner", r."tags", r."follow_up_at", r."follow_up_note", r."street", r."postal_code", r."city", r."region", r."country", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then excluded."name" else r."name" end, case when p_sent ? 'first_name' then excluded."first_name" else r."first_name" end, case when p_sent ? 'last_name' then excluded."last_name" else r."last_name" end, case when p_sent ? 'phone' then excluded."phone" else r."phone" end, case when p_sent ? 'title' then excluded."title" else r."title" end, case when p_sent ? 'company_id' then excluded."company_id" else r."company_id" end, case when p_sent ? 'stage' then excluded."stage" else r."stage" end, case when p_sent ? 'owner' then excluded."owner" else r."owner" end, case when p_sent ? 'tags' then excluded."tags" else r."tags" end, case when p_sent ? 'follow_up_at' then excluded."follow_up_at" else r."follow_up_at" end, case when p_sent ? 'follow_up_note' then excluded."follow_up_note" else r."follow_up_note" end, case when p_sent ? 'street' then excluded."street" else r."street" end, case when p_sent ? 'postal_code' then excluded."postal_code" else r."postal_code" end, case when p_sent ? 'city' then excluded."city" else r."city" end, case when p_sent ? 'region' then excluded."region" else r."region" end, case when p_sent ? 'country' then excluded."country" else r."country" end, case when p_sent ? 'notes' then excluded."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
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
        "tags" = case when p_sent ? 'tags' then n."tags" else r."tags" end,
        "follow_up_at" = case when p_sent ? 'follow_up_at' then n."follow_up_at" else r."follow_up_at" end,
        "follow_up_note" = case when p_sent ? 'follow_up_note' then n."follow_up_note" else r."follow_up_note" end,
        "street" = case when p_sent ? 'street' then n."street" else r."street" end,
        "postal_code" = case when p_sent ? 'postal_code' then n."postal_code" else r."postal_code" end,
        "city" = case when p_sent ? 'city' then n."city" else r."city" end,
        "region" = case when p_sent ? 'region' then n."region" else r."region" end,
        "country" = case when p_sent ? 'country' then n."country" else r."country" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."first_name", r."last_name", r."email", r."phone", r."title", r."company_id", r."stage", r."owner", r."tags", r."follow_up_at", r."follow_up_note", r."street", r."postal_code", r."city", r."region", r."country", r."notes", r."custom") is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'first_name' then n."first_name" else r."first_name" end, case when p_sent ? 'last_name' then n."last_name" else r."last_name" end, case when p_sent ? 'email' then n."email" else r."email" end, case when p_sent ? 'phone' then n."phone" else r."phone" end, case when p_sent ? 'title' then n."title" else r."title" end, case when p_sent ? 'company_id' then n."company_id" else r."company_id" end, case when p_sent ? 'stage' then n."stage" else r."stage" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'tags' then n."tags" else r."tags" end, case when p_sent ? 'follow_up_at' then n."follow_up_at" else r."follow_up_at" end, case when p_sent ? 'follow_up_note' then n."follow_up_note" else r."follow_up_note" end, case when p_sent ? 'street' then n."street" else r."street" end, case when p_sent ? 'postal_code' then n."postal_code" else r."postal_code" end, case when p_sent ? 'city' then n."city" else r."city" end, case when p_sent ? 'region' then n."region" else r."region" end, case when p_sent ? 'country' then n."country" else r."country" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
  end if;
  if w.id is null then
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'contact', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, row)
    select p_workspace, p_entry, 'contact', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then to_jsonb(w) - '{workspace_id,search}'::text[]
        else (select to_jsonb(w) - '{workspace_id,search}'::text[] - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;
alter table deals add column "probability" numeric(18,6);
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
    insert into deals as r (workspace_id, id, "title", "amount_cents", "currency", "stage", "status", "probability", "close_date", "closed_at", "lost_reason", "contact_id", "company_id", "owner", "tags", "follow_up_at", "follow_up_note", "notes", "custom", version, created_at, created_by, updated_at)
      values (p_workspace, p_id, n."title", n."amount_cents", n."currency", n."stage", n."status", n."probability", n."close_date", case when p_sent ? 'closed_at' then n."closed_at" when n."status" is distinct from 'open' then p_at end, n."lost_reason", n."contact_id", n."company_id", n."owner", n."tags", n."follow_up_at", n."follow_up_note", n."notes", nullif(n."custom", '{}'), 1, p_at, p_actor, p_at)
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
        "tags" = case when p_sent ? 'tags' then n."tags" else r."tags" end,
        "follow_up_at" = case when p_sent ? 'follow_up_at' then n."follow_up_at" else r."follow_up_at" end,
        "follow_up_note" = case when p_sent ? 'follow_up_note' then n."follow_up_note" else r."follow_up_note" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."title", r."amount_cents", r."currency", r."stage", r."status", r."probability", r."close_date", r."closed_at", r."lost_reason", r."contact_id", r."company_id", r."owner", r."tags", r."follow_up_at", r."follow_up_note", r."notes", r."custom") is distinct from (case when p_sent ? 'title' then n."title" else r."title" end, case when p_sent ? 'amount_cents' then n."amount_cents" else r."amount_cents" end, case when p_sent ? 'currency' then n."currency" else r."currency" end, case when p_sent ? 'stage' then n."stage" else r."stage" end, case when p_sent ? 'status' then n."status" else r."status" end, case when p_sent ? 'probability' then n."probability" else r."probability" end, case when p_sent ? 'close_date' then n."close_date" else r."close_date" end, case when p_sent ? 'closed_at' then n."closed_at" when p_sent ? 'status' then case when r."status" is not distinct from 'open' and not (n."status" is not distinct from 'open') then crm_after(r.updated_at, p_at) when n."status" is not distinct from 'open' and not (r."status" is not distinct from 'open') then null else r."closed_at" end else r."closed_at" end, case when p_sent ? 'lost_reason' then n."lost_reason" else r."lost_reason" end, case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end, case when p_sent ? 'company_id' then n."company_id" else r."company_id" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'tags' then n."tags" else r."tags" end, case when p_sent ? 'follow_up_at' then n."follow_up_at" else r."follow_up_at" end, case when p_sent ? 'follow_up_note' then n."follow_up_note" else r."follow_up_note" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
  end if;
  if w.id is null then
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'deal', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, row)
    select p_workspace, p_entry, 'deal', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then to_jsonb(w) - '{workspace_id,search}'::text[]
        else (select to_jsonb(w) - '{workspace_id,search}'::text[] - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;
