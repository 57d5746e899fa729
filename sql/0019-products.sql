-- Products: the things that a workspace sells, known by their article numbers in any letter case.

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

