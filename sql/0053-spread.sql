-- On a database that is spread over several servers, a change runs on the server that has its workspace: for one record that is the kind's own
-- function, for many this one, which runs any statement there. Inserts look at no other rows, and an update calls no function that depends on a
-- session, because Citus takes neither.
create function crm_write(p_workspace text, p_statement text, p_rows boolean) returns setof json language plpgsql as $$
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

-- Tells what it refuses in the message too: nothing else arrives from another server.
create or replace function crm_own(former jsonb, sent jsonb, whole boolean) returns jsonb
  language plpgsql immutable parallel safe as $$
declare
  own jsonb := coalesce(former, '{}');
  slot text;
  value jsonb;
begin
  for slot, value in select * from jsonb_each(sent) loop
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
  return nullif(own, '{}');
end $$;
-- Generated from the declarations.
create or replace function employees_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof employees language plpgsql as $$
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
create or replace function services_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof services language plpgsql as $$
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
create or replace function products_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof products language plpgsql as $$
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
create or replace function emails_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof emails language plpgsql as $$
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
          insert into companies as r (workspace_id, id, "name", "domain", "domains", "industry", "phone", "owner", "tags", "street", "postal_code", "city", "region", "country", "tax_id", "notes", "custom", own, version, created_at, created_by, updated_at, xid)
            values (p_workspace, p_id, n."name", n."domain", nullif(array_remove(n."domains", n."domain"), '{}'), n."industry", n."phone", n."owner", nullif(n."tags", '{}'), n."street", n."postal_code", n."city", n."region", n."country", n."tax_id", n."notes", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
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
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(a_id, 8) and right(r.id, length(a_id)) = a_id and r.deleted_at is null and (not p_creates or (r."domain" = n."domain" or n."domain" = any (r."domains")))
        and (p_versions is null or r.version = any (p_versions))
        and (r."name", r."domain", r."domains", r."industry", r."phone", r."owner", r."tags", r."street", r."postal_code", r."city", r."region", r."country", r."tax_id", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'name' then n."name" else r."name" end, case when p_sent ? 'domain' and not p_creates then n."domain" else r."domain" end, case when p_sent ? 'domains' or p_sent ? 'domain' and r."domains" is not null then crm_further(case when p_sent ? 'domains' then case when 'domains.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."domains", '{}') || array(select a from unnest(n."domains") a where a <> all (coalesce(r."domains", '{}')))) with ordinality u (t, i) where 'domains.' || t <> all (p_removed) order by i), '{}') else n."domains" end else r."domains" end, case when p_sent ? 'domain' and not p_creates then n."domain" else r."domain" end, case when p_creates then n."domain" else case when p_sent ? 'domain' and n."domain" = any (r."domains") and not (p_sent ? 'domains' and not 'domains.,' = any (p_removed)) then r."domain" end end) else r."domains" end, case when p_sent ? 'industry' then n."industry" else r."industry" end, case when p_sent ? 'phone' then n."phone" else r."phone" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'street' then n."street" else r."street" end, case when p_sent ? 'postal_code' then n."postal_code" else r."postal_code" end, case when p_sent ? 'city' then n."city" else r."city" end, case when p_sent ? 'region' then n."region" else r."region" end, case when p_sent ? 'country' then n."country" else r."country" end, case when p_sent ? 'tax_id' then n."tax_id" else r."tax_id" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
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
create or replace function contacts_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof contacts language plpgsql as $$
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
        raise check_violation using constraint = 'payments_settle', message = 'refused by constraint "payments_settle"';
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
create or replace function own_records_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof own_records language plpgsql as $$
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
