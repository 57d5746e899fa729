-- Kinds that a workspace makes at run time, and fields that it adds to others. No table changes for them: their values are kept in the column
-- `own`, under slots whose first letter says how they are read (src/derive/slots.ts). A write locks no table here but for a moment.

-- Counts the changes of a workspace's kinds: a process that has an older number reads them anew.
alter table workspaces add column kinds_version integer not null default 0;

-- What a workspace has declared: kinds of its own, and by the name of a built-in kind the fields that it has added to that.
create table kinds (
  workspace_id text collate "C" not null,
  name text collate "C" not null,
  id text collate "C" not null,
  -- Null where the kind is a built-in one.
  prefix text collate "C",
  plural text collate "C",
  declaration jsonb not null,
  version integer not null,
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  primary key (workspace_id, name)
);
create unique index kinds_id_key on kinds (workspace_id, id);
create unique index kinds_prefix_key on kinds (workspace_id, prefix);
create unique index kinds_plural_key on kinds (workspace_id, plural);

create function crm_own_date(value text) returns date
  language sql immutable strict parallel safe
return case when value ~ '^\d{4}-\d\d-\d\d' then make_date(substr(value, 1, 4)::integer, substr(value, 6, 2)::integer, substr(value, 9, 2)::integer) end;

-- Reads a time in UTC as the program writes it. A cast would depend on settings, so that no index could hold it.
create function crm_own_time(value text) returns timestamptz
  language sql immutable strict parallel safe
return case when value ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d' then
  make_timestamp(substr(value, 1, 4)::integer, substr(value, 6, 2)::integer, substr(value, 9, 2)::integer, substr(value, 12, 2)::integer,
    substr(value, 15, 2)::integer, rtrim(substr(value, 18), 'Z')::double precision) at time zone 'UTC' end;

create function crm_own_list(list jsonb) returns text[]
  language plpgsql immutable strict parallel safe
  as $$
begin
  return array(select jsonb_array_elements_text(list));
end $$;

-- What search looks at: the title first, then every text, each on a line of its own.
create function crm_own_search(own jsonb) returns text
  language plpgsql immutable parallel safe
  as $$
begin
  return concat(coalesce(own ->> 'a0', own ->> 'k0'), (select string_agg(E'\n' || case left(key, 1)
      when 'g' then coalesce(public.crm_words(public.crm_own_list(own -> key)), '')
      when 'p' then value || E'\n' || coalesce(public.crm_digits(value), '') else value end, '' order by key)
    from jsonb_each_text(own) where key ~ '^[tpwgk][0-9]' and (key <> 'k0' or own ? 'a0')));
end $$;

-- The values of own fields after a write: null takes one out. Unless values are given as a `whole`, members and items are set and taken out
-- in place.
create function crm_own(former jsonb, sent jsonb, whole boolean) returns jsonb
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
        raise check_violation using constraint = 'own_list_fits';
      end if;
    elsif not whole and slot ^@ 'j' and jsonb_typeof(value) = 'object' then
      value := (coalesce(own -> slot, '{}') || value) - array(select m.key from jsonb_each(value) m where m.value = 'null');
      if not crm_custom_fits(value) then
        raise check_violation using constraint = 'own_members_fit';
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

-- Locks the records that own fields link to against deletion, and gives the values with their whole ids; null where one is not there. `links`
-- names the table and the prefix of each.
create function crm_linked(workspace text, own jsonb, links jsonb) returns jsonb
  language plpgsql as $$
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

-- Versions of a record, before and after, with the names that fields have now in the place of their slots.
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

-- Generated from the declarations.
alter table employees add column "own" jsonb;
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
      on conflict (workspace_id, "email") where "email" is not null and deleted_at is null
      do update set "name" = case when p_sent ? 'name' then excluded."name" else r."name" end,
        "role" = case when p_sent ? 'role' then excluded."role" else r."role" end,
        "rate" = case when p_sent ? 'rate' then excluded."rate" else r."rate" end,
        "currency" = case when p_sent ? 'currency' then excluded."currency" else r."currency" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "notes" = case when p_sent ? 'notes' then excluded."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, excluded.updated_at), xid = greatest(pg_current_xact_id(), r.xid)
      where (p_versions is null or r.version = any (p_versions))
        and (r."name", r."role", r."rate", r."currency", r."tags", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'name' then excluded."name" else r."name" end, case when p_sent ? 'role' then excluded."role" else r."role" end, case when p_sent ? 'rate' then excluded."rate" else r."rate" end, case when p_sent ? 'currency' then excluded."currency" else r."currency" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then excluded."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
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
alter table services add column "own" jsonb;
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
      on conflict (workspace_id, lower("sku")) where "sku" is not null and deleted_at is null
      do update set "name" = case when p_sent ? 'name' then excluded."name" else r."name" end,
        "unit_price_cents" = case when p_sent ? 'unit_price_cents' then excluded."unit_price_cents" else r."unit_price_cents" end,
        "currency" = case when p_sent ? 'currency' then excluded."currency" else r."currency" end,
        "tax_rate" = case when p_sent ? 'tax_rate' then excluded."tax_rate" else r."tax_rate" end,
        "unit" = case when p_sent ? 'unit' then excluded."unit" else r."unit" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "notes" = case when p_sent ? 'notes' then excluded."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, excluded.updated_at), xid = greatest(pg_current_xact_id(), r.xid)
      where (p_versions is null or r.version = any (p_versions))
        and (r."name", r."unit_price_cents", r."currency", r."tax_rate", r."unit", r."tags", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'name' then excluded."name" else r."name" end, case when p_sent ? 'unit_price_cents' then excluded."unit_price_cents" else r."unit_price_cents" end, case when p_sent ? 'currency' then excluded."currency" else r."currency" end, case when p_sent ? 'tax_rate' then excluded."tax_rate" else r."tax_rate" end, case when p_sent ? 'unit' then excluded."unit" else r."unit" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then excluded."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
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
alter table products add column "own" jsonb;
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
      on conflict (workspace_id, lower("sku")) where "sku" is not null and deleted_at is null
      do update set "name" = case when p_sent ? 'name' then excluded."name" else r."name" end,
        "unit_price_cents" = case when p_sent ? 'unit_price_cents' then excluded."unit_price_cents" else r."unit_price_cents" end,
        "currency" = case when p_sent ? 'currency' then excluded."currency" else r."currency" end,
        "tax_rate" = case when p_sent ? 'tax_rate' then excluded."tax_rate" else r."tax_rate" end,
        "unit" = case when p_sent ? 'unit' then excluded."unit" else r."unit" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "notes" = case when p_sent ? 'notes' then excluded."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, excluded.updated_at), xid = greatest(pg_current_xact_id(), r.xid)
      where (p_versions is null or r.version = any (p_versions))
        and (r."name", r."unit_price_cents", r."currency", r."tax_rate", r."unit", r."tags", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'name' then excluded."name" else r."name" end, case when p_sent ? 'unit_price_cents' then excluded."unit_price_cents" else r."unit_price_cents" end, case when p_sent ? 'currency' then excluded."currency" else r."currency" end, case when p_sent ? 'tax_rate' then excluded."tax_rate" else r."tax_rate" end, case when p_sent ? 'unit' then excluded."unit" else r."unit" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then excluded."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
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
alter table emails add column "own" jsonb;
create or replace function emails_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof emails language plpgsql as $$
declare
  n emails := jsonb_populate_record(null::emails, p_initial || p_sent);
  w emails;
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
    insert into emails as r (workspace_id, id, "direction", "from", "to", "cc", "subject", "sent_at", "snippet", "thread_id", "message_id", "in_reply_to", "received_at", "provider", "provider_msg_id", "body", "body_html", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, coalesce(n."direction", case when n."from" is null then null when exists (select from memberships m join users u on u.id = m.user_id where m.workspace_id = p_workspace and u.email = n."from") then 'out' else 'in' end), n."from", nullif(n."to", '{}'), nullif(n."cc", '{}'), n."subject", n."sent_at", coalesce(n."snippet", crm_beginning(n."body", n."body_html")), coalesce(n."thread_id", coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (n."in_reply_to") and t."thread_id" is not null
            and t.deleted_at is null order by array_position(n."in_reply_to", t."message_id") desc limit 1), (n."in_reply_to")[1], n."message_id", p_id)), n."message_id", nullif(n."in_reply_to", '{}'), n."received_at", n."provider", n."provider_msg_id", n."body", n."body_html", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      on conflict (workspace_id, "message_id") where "message_id" is not null and deleted_at is null
      do update set "direction" = case when p_sent ? 'direction' then excluded."direction" when (p_sent ? 'from') and r."direction" is not distinct from case when r."from" is null then null when exists (select from memberships m join users u on u.id = m.user_id where m.workspace_id = p_workspace and u.email = r."from") then 'out' else 'in' end then case when case when p_sent ? 'from' then excluded."from" else r."from" end is null then null when exists (select from memberships m join users u on u.id = m.user_id where m.workspace_id = p_workspace and u.email = case when p_sent ? 'from' then excluded."from" else r."from" end) then 'out' else 'in' end else r."direction" end,
        "from" = case when p_sent ? 'from' then excluded."from" else r."from" end,
        "to" = case when p_sent ? 'to' then case when 'to.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."to", '{}') || array(select a from unnest(n."to") a where a <> all (coalesce(r."to", '{}')))) with ordinality u (t, i) where 'to.' || t <> all (p_removed) order by i), '{}') else n."to" end else r."to" end,
        "cc" = case when p_sent ? 'cc' then case when 'cc.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."cc", '{}') || array(select a from unnest(n."cc") a where a <> all (coalesce(r."cc", '{}')))) with ordinality u (t, i) where 'cc.' || t <> all (p_removed) order by i), '{}') else n."cc" end else r."cc" end,
        "subject" = case when p_sent ? 'subject' then excluded."subject" else r."subject" end,
        "sent_at" = case when p_sent ? 'sent_at' then excluded."sent_at" else r."sent_at" end,
        "snippet" = case when p_sent ? 'snippet' then excluded."snippet" when (p_sent ? 'body' or p_sent ? 'body_html') and r."snippet" is not distinct from crm_beginning(r."body", r."body_html") then crm_beginning(case when p_sent ? 'body' then excluded."body" else r."body" end, case when p_sent ? 'body_html' then excluded."body_html" else r."body_html" end) else r."snippet" end,
        "thread_id" = case when p_sent ? 'thread_id' then excluded."thread_id" when (p_sent ? 'in_reply_to') and r."thread_id" is not distinct from coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (r."in_reply_to") and t."thread_id" is not null
            and t.deleted_at is null order by array_position(r."in_reply_to", t."message_id") desc limit 1), (r."in_reply_to")[1], r."message_id", r.id) then coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (case when p_sent ? 'in_reply_to' then excluded."in_reply_to" else r."in_reply_to" end) and t."thread_id" is not null
            and t.deleted_at is null order by array_position(case when p_sent ? 'in_reply_to' then excluded."in_reply_to" else r."in_reply_to" end, t."message_id") desc limit 1), (case when p_sent ? 'in_reply_to' then excluded."in_reply_to" else r."in_reply_to" end)[1], r."message_id", r.id) else r."thread_id" end,
        "in_reply_to" = case when p_sent ? 'in_reply_to' then case when 'in_reply_to.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."in_reply_to", '{}') || array(select a from unnest(n."in_reply_to") a where a <> all (coalesce(r."in_reply_to", '{}')))) with ordinality u (t, i) where 'in_reply_to.' || t <> all (p_removed) order by i), '{}') else n."in_reply_to" end else r."in_reply_to" end,
        "received_at" = case when p_sent ? 'received_at' then excluded."received_at" else r."received_at" end,
        "provider" = case when p_sent ? 'provider' then excluded."provider" else r."provider" end,
        "provider_msg_id" = case when p_sent ? 'provider_msg_id' then excluded."provider_msg_id" else r."provider_msg_id" end,
        "body" = case when p_sent ? 'body' then excluded."body" else r."body" end,
        "body_html" = case when p_sent ? 'body_html' then excluded."body_html" else r."body_html" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, excluded.updated_at), xid = greatest(pg_current_xact_id(), r.xid)
      where (p_versions is null or r.version = any (p_versions))
        and (r."direction", r."from", r."to", r."cc", r."subject", r."sent_at", r."snippet", r."thread_id", r."in_reply_to", r."received_at", r."provider", r."provider_msg_id", r."body", r."body_html", r."custom", r.own) is distinct from (case when p_sent ? 'direction' then excluded."direction" when (p_sent ? 'from') and r."direction" is not distinct from case when r."from" is null then null when exists (select from memberships m join users u on u.id = m.user_id where m.workspace_id = p_workspace and u.email = r."from") then 'out' else 'in' end then case when case when p_sent ? 'from' then excluded."from" else r."from" end is null then null when exists (select from memberships m join users u on u.id = m.user_id where m.workspace_id = p_workspace and u.email = case when p_sent ? 'from' then excluded."from" else r."from" end) then 'out' else 'in' end else r."direction" end, case when p_sent ? 'from' then excluded."from" else r."from" end, case when p_sent ? 'to' then case when 'to.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."to", '{}') || array(select a from unnest(n."to") a where a <> all (coalesce(r."to", '{}')))) with ordinality u (t, i) where 'to.' || t <> all (p_removed) order by i), '{}') else n."to" end else r."to" end, case when p_sent ? 'cc' then case when 'cc.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."cc", '{}') || array(select a from unnest(n."cc") a where a <> all (coalesce(r."cc", '{}')))) with ordinality u (t, i) where 'cc.' || t <> all (p_removed) order by i), '{}') else n."cc" end else r."cc" end, case when p_sent ? 'subject' then excluded."subject" else r."subject" end, case when p_sent ? 'sent_at' then excluded."sent_at" else r."sent_at" end, case when p_sent ? 'snippet' then excluded."snippet" when (p_sent ? 'body' or p_sent ? 'body_html') and r."snippet" is not distinct from crm_beginning(r."body", r."body_html") then crm_beginning(case when p_sent ? 'body' then excluded."body" else r."body" end, case when p_sent ? 'body_html' then excluded."body_html" else r."body_html" end) else r."snippet" end, case when p_sent ? 'thread_id' then excluded."thread_id" when (p_sent ? 'in_reply_to') and r."thread_id" is not distinct from coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (r."in_reply_to") and t."thread_id" is not null
            and t.deleted_at is null order by array_position(r."in_reply_to", t."message_id") desc limit 1), (r."in_reply_to")[1], r."message_id", r.id) then coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (case when p_sent ? 'in_reply_to' then excluded."in_reply_to" else r."in_reply_to" end) and t."thread_id" is not null
            and t.deleted_at is null order by array_position(case when p_sent ? 'in_reply_to' then excluded."in_reply_to" else r."in_reply_to" end, t."message_id") desc limit 1), (case when p_sent ? 'in_reply_to' then excluded."in_reply_to" else r."in_reply_to" end)[1], r."message_id", r.id) else r."thread_id" end, case when p_sent ? 'in_reply_to' then case when 'in_reply_to.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."in_reply_to", '{}') || array(select a from unnest(n."in_reply_to") a where a <> all (coalesce(r."in_reply_to", '{}')))) with ordinality u (t, i) where 'in_reply_to.' || t <> all (p_removed) order by i), '{}') else n."in_reply_to" end else r."in_reply_to" end, case when p_sent ? 'received_at' then excluded."received_at" else r."received_at" end, case when p_sent ? 'provider' then excluded."provider" else r."provider" end, case when p_sent ? 'provider_msg_id' then excluded."provider_msg_id" else r."provider_msg_id" end, case when p_sent ? 'body' then excluded."body" else r."body" end, case when p_sent ? 'body_html' then excluded."body_html" else r."body_html" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  else
    update emails r set "direction" = case when p_sent ? 'direction' then n."direction" when (p_sent ? 'from') and r."direction" is not distinct from case when r."from" is null then null when exists (select from memberships m join users u on u.id = m.user_id where m.workspace_id = p_workspace and u.email = r."from") then 'out' else 'in' end then case when case when p_sent ? 'from' then n."from" else r."from" end is null then null when exists (select from memberships m join users u on u.id = m.user_id where m.workspace_id = p_workspace and u.email = case when p_sent ? 'from' then n."from" else r."from" end) then 'out' else 'in' end else r."direction" end,
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
        and (r."direction", r."from", r."to", r."cc", r."subject", r."sent_at", r."snippet", r."thread_id", r."message_id", r."in_reply_to", r."received_at", r."provider", r."provider_msg_id", r."body", r."body_html", r."custom", r.own) is distinct from (case when p_sent ? 'direction' then n."direction" when (p_sent ? 'from') and r."direction" is not distinct from case when r."from" is null then null when exists (select from memberships m join users u on u.id = m.user_id where m.workspace_id = p_workspace and u.email = r."from") then 'out' else 'in' end then case when case when p_sent ? 'from' then n."from" else r."from" end is null then null when exists (select from memberships m join users u on u.id = m.user_id where m.workspace_id = p_workspace and u.email = case when p_sent ? 'from' then n."from" else r."from" end) then 'out' else 'in' end else r."direction" end, case when p_sent ? 'from' then n."from" else r."from" end, case when p_sent ? 'to' then case when 'to.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."to", '{}') || array(select a from unnest(n."to") a where a <> all (coalesce(r."to", '{}')))) with ordinality u (t, i) where 'to.' || t <> all (p_removed) order by i), '{}') else n."to" end else r."to" end, case when p_sent ? 'cc' then case when 'cc.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."cc", '{}') || array(select a from unnest(n."cc") a where a <> all (coalesce(r."cc", '{}')))) with ordinality u (t, i) where 'cc.' || t <> all (p_removed) order by i), '{}') else n."cc" end else r."cc" end, case when p_sent ? 'subject' then n."subject" else r."subject" end, case when p_sent ? 'sent_at' then n."sent_at" else r."sent_at" end, case when p_sent ? 'snippet' then n."snippet" when (p_sent ? 'body' or p_sent ? 'body_html') and r."snippet" is not distinct from crm_beginning(r."body", r."body_html") then crm_beginning(case when p_sent ? 'body' then n."body" else r."body" end, case when p_sent ? 'body_html' then n."body_html" else r."body_html" end) else r."snippet" end, case when p_sent ? 'thread_id' then n."thread_id" when (p_sent ? 'in_reply_to') and r."thread_id" is not distinct from coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (r."in_reply_to") and t."thread_id" is not null
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
alter table companies add column "own" jsonb;
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
        insert into addresses (workspace_id, kind, value, record_id)
          select distinct p_workspace, 'company', v, p_id from unnest(a_values) v order by v on conflict do nothing;
        get diagnostics a_rows = row_count;
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
            raise unique_violation using constraint = 'addresses_pkey';
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
alter table contacts add column "own" jsonb;
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
        insert into addresses (workspace_id, kind, value, record_id)
          select distinct p_workspace, 'contact', v, p_id from unnest(a_values) v order by v on conflict do nothing;
        get diagnostics a_rows = row_count;
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
            raise unique_violation using constraint = 'addresses_pkey';
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
alter table tickets add column "own" jsonb;
create or replace function tickets_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof tickets language plpgsql as $$
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
alter table deals add column "own" jsonb;
create or replace function deals_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof deals language plpgsql as $$
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
alter table tasks add column "own" jsonb;
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
    insert into tasks as r (workspace_id, id, "title", "due_at", "done", "assignee", "contact_id", "company_id", "deal_id", "tags", "notes", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."title", n."due_at", n."done", n."assignee", n."contact_id", n."company_id", n."deal_id", nullif(n."tags", '{}'), n."notes", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
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
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."title", r."due_at", r."done", r."assignee", r."contact_id", r."company_id", r."deal_id", r."tags", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'title' then n."title" else r."title" end, case when p_sent ? 'due_at' then n."due_at" else r."due_at" end, case when p_sent ? 'done' then n."done" else r."done" end, case when p_sent ? 'assignee' then n."assignee" else r."assignee" end, case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end, case when p_sent ? 'company_id' then n."company_id" else r."company_id" end, case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
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
alter table activities add column "own" jsonb;
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
    insert into activities as r (workspace_id, id, "kind", "at", "contact_id", "company_id", "deal_id", "body", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."kind", n."at", n."contact_id", n."company_id", n."deal_id", n."body", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      returning r.* into w;
  else
    update activities r set "kind" = case when p_sent ? 'kind' then n."kind" else r."kind" end,
        "at" = case when p_sent ? 'at' then n."at" else r."at" end,
        "contact_id" = case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end,
        "company_id" = case when p_sent ? 'company_id' then n."company_id" else r."company_id" end,
        "deal_id" = case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end,
        "body" = case when p_sent ? 'body' then n."body" else r."body" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."kind", r."at", r."contact_id", r."company_id", r."deal_id", r."body", r."custom", r.own) is distinct from (case when p_sent ? 'kind' then n."kind" else r."kind" end, case when p_sent ? 'at' then n."at" else r."at" end, case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end, case when p_sent ? 'company_id' then n."company_id" else r."company_id" end, case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end, case when p_sent ? 'body' then n."body" else r."body" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
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
create table own_records (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  kind text collate "C" not null,
  own jsonb,
  version integer not null,
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  merged_into text collate "C",
  xid xid8,
  search text generated always as (crm_fold(crm_own_search(own))) stored,
  primary key (workspace_id, id),
  foreign key (workspace_id, kind) references kinds (workspace_id, name)
);
create unique index own_records_handle_key on own_records (workspace_id, "right"(id, 8), kind);
create unique index own_records_key on own_records (workspace_id, kind, lower((own ->> 'k0') collate "C")) where lower((own ->> 'k0') collate "C") is not null and deleted_at is null;
create index own_records_key_gone_idx on own_records (workspace_id, kind, lower((own ->> 'k0') collate "C")) where lower((own ->> 'k0') collate "C") is not null and deleted_at is not null;
create index own_records_created_at_idx on own_records (workspace_id, kind, created_at, id) where deleted_at is null;
create index own_records_updated_at_idx on own_records (workspace_id, kind, updated_at, id) where deleted_at is null;
create index own_records_deleted_idx on own_records (workspace_id, kind, updated_at, id) where deleted_at is not null;
create index own_records_title_order_idx on own_records (workspace_id, kind, lower(((own ->> 'a0') collate "C")), id) where lower(((own ->> 'a0') collate "C")) is not null and deleted_at is null;
create index own_records_called_idx on own_records (workspace_id, kind, "left"(crm_fold(((own ->> 'a0') collate "C")), 200)) where "left"(crm_fold(((own ->> 'a0') collate "C")), 200) is not null and deleted_at is null;
create index own_records_key_called_idx on own_records (workspace_id, kind, "left"(crm_fold(((own ->> 'k0') collate "C")), 200)) where "left"(crm_fold(((own ->> 'k0') collate "C")), 200) is not null and deleted_at is null;
create index own_records_t1_idx on own_records (workspace_id, kind, lower(((own ->> 't1') collate "C")), id) where lower(((own ->> 't1') collate "C")) is not null and deleted_at is null;
create index own_records_t2_idx on own_records (workspace_id, kind, lower(((own ->> 't2') collate "C")), id) where lower(((own ->> 't2') collate "C")) is not null and deleted_at is null;
create index own_records_t3_idx on own_records (workspace_id, kind, lower(((own ->> 't3') collate "C")), id) where lower(((own ->> 't3') collate "C")) is not null and deleted_at is null;
create index own_records_t4_idx on own_records (workspace_id, kind, lower(((own ->> 't4') collate "C")), id) where lower(((own ->> 't4') collate "C")) is not null and deleted_at is null;
create index own_records_t5_idx on own_records (workspace_id, kind, lower(((own ->> 't5') collate "C")), id) where lower(((own ->> 't5') collate "C")) is not null and deleted_at is null;
create index own_records_t6_idx on own_records (workspace_id, kind, lower(((own ->> 't6') collate "C")), id) where lower(((own ->> 't6') collate "C")) is not null and deleted_at is null;
create index own_records_t7_idx on own_records (workspace_id, kind, lower(((own ->> 't7') collate "C")), id) where lower(((own ->> 't7') collate "C")) is not null and deleted_at is null;
create index own_records_t8_idx on own_records (workspace_id, kind, lower(((own ->> 't8') collate "C")), id) where lower(((own ->> 't8') collate "C")) is not null and deleted_at is null;
create index own_records_c1_idx on own_records (workspace_id, kind, ((own ->> 'c1') collate "C"), updated_at, id) where ((own ->> 'c1') collate "C") is not null and deleted_at is null;
create index own_records_c2_idx on own_records (workspace_id, kind, ((own ->> 'c2') collate "C"), updated_at, id) where ((own ->> 'c2') collate "C") is not null and deleted_at is null;
create index own_records_c3_idx on own_records (workspace_id, kind, ((own ->> 'c3') collate "C"), updated_at, id) where ((own ->> 'c3') collate "C") is not null and deleted_at is null;
create index own_records_c4_idx on own_records (workspace_id, kind, ((own ->> 'c4') collate "C"), updated_at, id) where ((own ->> 'c4') collate "C") is not null and deleted_at is null;
create index own_records_i1_idx on own_records (workspace_id, kind, ((own ->> 'i1')::bigint), id) where ((own ->> 'i1')::bigint) is not null and deleted_at is null;
create index own_records_i2_idx on own_records (workspace_id, kind, ((own ->> 'i2')::bigint), id) where ((own ->> 'i2')::bigint) is not null and deleted_at is null;
create index own_records_i3_idx on own_records (workspace_id, kind, ((own ->> 'i3')::bigint), id) where ((own ->> 'i3')::bigint) is not null and deleted_at is null;
create index own_records_i4_idx on own_records (workspace_id, kind, ((own ->> 'i4')::bigint), id) where ((own ->> 'i4')::bigint) is not null and deleted_at is null;
create index own_records_i5_idx on own_records (workspace_id, kind, ((own ->> 'i5')::bigint), id) where ((own ->> 'i5')::bigint) is not null and deleted_at is null;
create index own_records_i6_idx on own_records (workspace_id, kind, ((own ->> 'i6')::bigint), id) where ((own ->> 'i6')::bigint) is not null and deleted_at is null;
create index own_records_n1_idx on own_records (workspace_id, kind, ((own ->> 'n1')::numeric), id) where ((own ->> 'n1')::numeric) is not null and deleted_at is null;
create index own_records_n2_idx on own_records (workspace_id, kind, ((own ->> 'n2')::numeric), id) where ((own ->> 'n2')::numeric) is not null and deleted_at is null;
create index own_records_n3_idx on own_records (workspace_id, kind, ((own ->> 'n3')::numeric), id) where ((own ->> 'n3')::numeric) is not null and deleted_at is null;
create index own_records_n4_idx on own_records (workspace_id, kind, ((own ->> 'n4')::numeric), id) where ((own ->> 'n4')::numeric) is not null and deleted_at is null;
create index own_records_d1_idx on own_records (workspace_id, kind, crm_own_date(own ->> 'd1'), id) where crm_own_date(own ->> 'd1') is not null and deleted_at is null;
create index own_records_d2_idx on own_records (workspace_id, kind, crm_own_date(own ->> 'd2'), id) where crm_own_date(own ->> 'd2') is not null and deleted_at is null;
create index own_records_d3_idx on own_records (workspace_id, kind, crm_own_date(own ->> 'd3'), id) where crm_own_date(own ->> 'd3') is not null and deleted_at is null;
create index own_records_m1_idx on own_records (workspace_id, kind, crm_own_time(own ->> 'm1'), id) where crm_own_time(own ->> 'm1') is not null and deleted_at is null;
create index own_records_m2_idx on own_records (workspace_id, kind, crm_own_time(own ->> 'm2'), id) where crm_own_time(own ->> 'm2') is not null and deleted_at is null;
create index own_records_m3_idx on own_records (workspace_id, kind, crm_own_time(own ->> 'm3'), id) where crm_own_time(own ->> 'm3') is not null and deleted_at is null;
create index own_records_m4_idx on own_records (workspace_id, kind, crm_own_time(own ->> 'm4'), id) where crm_own_time(own ->> 'm4') is not null and deleted_at is null;
create index own_records_l1_idx on own_records (workspace_id, kind, ((own ->> 'l1') collate "C"), updated_at, id) where ((own ->> 'l1') collate "C") is not null and deleted_at is null;
create index own_records_l2_idx on own_records (workspace_id, kind, ((own ->> 'l2') collate "C"), updated_at, id) where ((own ->> 'l2') collate "C") is not null and deleted_at is null;
create index own_records_l3_idx on own_records (workspace_id, kind, ((own ->> 'l3') collate "C"), updated_at, id) where ((own ->> 'l3') collate "C") is not null and deleted_at is null;
create index own_records_l4_idx on own_records (workspace_id, kind, ((own ->> 'l4') collate "C"), updated_at, id) where ((own ->> 'l4') collate "C") is not null and deleted_at is null;
create index own_records_l5_idx on own_records (workspace_id, kind, ((own ->> 'l5') collate "C"), updated_at, id) where ((own ->> 'l5') collate "C") is not null and deleted_at is null;
create index own_records_l6_idx on own_records (workspace_id, kind, ((own ->> 'l6') collate "C"), updated_at, id) where ((own ->> 'l6') collate "C") is not null and deleted_at is null;
create index own_records_l7_idx on own_records (workspace_id, kind, ((own ->> 'l7') collate "C"), updated_at, id) where ((own ->> 'l7') collate "C") is not null and deleted_at is null;
create index own_records_l8_idx on own_records (workspace_id, kind, ((own ->> 'l8') collate "C"), updated_at, id) where ((own ->> 'l8') collate "C") is not null and deleted_at is null;
create index own_records_g1_idx on own_records using gin (workspace_id, crm_own_list(own -> 'g1')) where crm_own_list(own -> 'g1') is not null and deleted_at is null;
create index own_records_g2_idx on own_records using gin (workspace_id, crm_own_list(own -> 'g2')) where crm_own_list(own -> 'g2') is not null and deleted_at is null;
create index own_records_search_idx on own_records using gin (workspace_id, search gin_trgm_ops) where deleted_at is null;
create index own_records_lexemes_idx on own_records using gin (crm_lexemes(workspace_id, search)) where deleted_at is null;
alter table own_records alter column workspace_id set (n_distinct = -0.0002);
alter table own_records alter column search set statistics 200;
alter index own_records_lexemes_idx alter column 1 set statistics 0;
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
    raise foreign_key_violation using constraint = 'own_records_kind';
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
      on conflict (workspace_id, kind, lower((own ->> 'k0') collate "C")) where lower((own ->> 'k0') collate "C") is not null and deleted_at is null
      do update set own = case when o is not null then crm_own(r.own, o - 'k0', false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, excluded.updated_at), xid = greatest(pg_current_xact_id(), r.xid)
      where (p_versions is null or r.version = any (p_versions))
        and (r.own) is distinct from (case when o is not null then crm_own(r.own, o - 'k0', false) else r.own end)
      returning r.* into w;
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

