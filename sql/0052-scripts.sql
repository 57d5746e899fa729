-- Scripts, and calls that walk them; forms, and what was answered to them. A campaign may have one of each.

-- A step of a script, wherever in the tree it stands.
create function crm_step(steps jsonb, id text) returns jsonb language sql immutable parallel safe as $$
  select pg_catalog.jsonb_path_query_first(steps, 'strict $.** ? (@.id == $id && exists (@.type))', pg_catalog.jsonb_build_object('id', id))
$$;

-- The walk of these answers: `path` has the steps that were answered, in order; `next` is what waits, with what is read out before it. A step
-- that comes again is asked again, so a walk ends however the steps lead.
create function crm_walk(steps jsonb, answers jsonb) returns jsonb language plpgsql immutable parallel safe as $$
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

create function crm_next(steps jsonb, answers jsonb) returns jsonb language sql immutable parallel safe as $$
  select public.crm_walk(steps, answers) -> 'next'
$$;

create function crm_path(steps jsonb, answers jsonb) returns text[] language sql immutable parallel safe as $$
  select nullif(array(select pg_catalog.jsonb_array_elements_text(public.crm_walk(steps, answers) -> 'path')), '{}')
$$;

create function crm_walk_status(steps jsonb, answers jsonb, stopped timestamptz) returns text language sql immutable parallel safe as $$
  select case when public.crm_walk(steps, answers) -> 'next' ->> 'type' = 'end' then 'done' when stopped is not null then 'stopped' else 'open' end
$$;

-- Refuses an answer. The service makes a sentence of the detail.
create function crm_refuse_answer(detail jsonb) returns void language plpgsql immutable as $$
begin
  raise check_violation using constraint = 'crm_answers', message = 'an answer does not fit', detail = detail::text;
end $$;

-- The former answers with those that were sent, each held to its step. What is no longer on the path goes.
create function crm_answered(steps jsonb, former jsonb, sent jsonb, removed text[]) returns jsonb language plpgsql immutable as $$
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

-- Whether a text is a day of the calendar, written year first.
create function crm_is_day(value text) returns boolean language plpgsql immutable as $$
begin
  return value ~ '^\d{4}-\d\d-\d\d$' and make_date(left(value, 4)::integer, substr(value, 6, 2)::integer, right(value, 2)::integer) is not null;
exception when datetime_field_overflow then
  return false;
end $$;

-- An answer as its question keeps it; null where it does not fit.
create function crm_answer_of(question jsonb, answer jsonb) returns jsonb language plpgsql immutable as $$
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

-- The former answers with those that were sent, each held to its question, none that has to be there missing.
create function crm_qualified(questions jsonb, former jsonb, sent jsonb, removed text[]) returns jsonb language plpgsql immutable as $$
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

-- Generated from the declarations.
create table forms (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  "name" text collate "C" not null,
  "description" text collate "C",
  "questions" jsonb not null,
  "owner" text collate "C",
  "tags" text[],
  "custom" jsonb,
  version integer not null,
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  merged_into text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines("name", "description", crm_words("tags"), crm_own_lines(own)))) stored,
  primary key (workspace_id, id),
  constraint forms_tags_fits check (cardinality("tags") <= 100),
  constraint forms_custom_fits check (crm_custom_fits("custom"))
);
create unique index forms_handle_key on forms (workspace_id, right(id, 8));
create index forms_name_order_idx on forms (workspace_id, lower("name"), id) where deleted_at is null;
create index forms_owner_order_idx on forms (workspace_id, lower("owner"), id) where deleted_at is null;
create index forms_created_at_order_idx on forms (workspace_id, "created_at", id) where deleted_at is null;
create index forms_updated_at_order_idx on forms (workspace_id, "updated_at", id) where deleted_at is null;
create index forms_owner_idx on forms (workspace_id, "owner", updated_at, id) where deleted_at is null;
create index forms_called_idx on forms (workspace_id, "left"(crm_fold("name"), 200)) where deleted_at is null;
create index forms_deleted_idx on forms (workspace_id, updated_at, id) where deleted_at is not null;
create index forms_search_idx on forms using gin (workspace_id, search gin_trgm_ops) where deleted_at is null;
create index forms_lexemes_idx on forms using gin (crm_lexemes(workspace_id, search)) where deleted_at is null;
create index forms_tags_idx on forms using gin (workspace_id, "tags") where deleted_at is null;
create index forms_custom_idx on forms using gin (workspace_id, "custom" jsonb_path_ops) where deleted_at is null;
create index forms_custom_days_idx on forms using gin (workspace_id, crm_days("custom")) where "custom" is not null and deleted_at is null;
alter table forms alter column workspace_id set (n_distinct = -0.0002);
alter table forms alter column search set statistics 200;
alter index forms_lexemes_idx alter column 1 set statistics 0;
alter index forms_custom_days_idx alter column 2 set statistics 0;
create statistics forms_owner_folded on lower("owner") from forms;
create or replace function forms_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof forms language plpgsql as $$
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

create table scripts (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  "name" text collate "C" not null,
  "description" text collate "C",
  "steps" jsonb not null,
  "owner" text collate "C",
  "tags" text[],
  "custom" jsonb,
  version integer not null,
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  merged_into text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines("name", "description", crm_words("tags"), crm_own_lines(own)))) stored,
  primary key (workspace_id, id),
  constraint scripts_tags_fits check (cardinality("tags") <= 100),
  constraint scripts_custom_fits check (crm_custom_fits("custom"))
);
create unique index scripts_handle_key on scripts (workspace_id, right(id, 8));
create index scripts_name_order_idx on scripts (workspace_id, lower("name"), id) where deleted_at is null;
create index scripts_owner_order_idx on scripts (workspace_id, lower("owner"), id) where deleted_at is null;
create index scripts_created_at_order_idx on scripts (workspace_id, "created_at", id) where deleted_at is null;
create index scripts_updated_at_order_idx on scripts (workspace_id, "updated_at", id) where deleted_at is null;
create index scripts_owner_idx on scripts (workspace_id, "owner", updated_at, id) where deleted_at is null;
create index scripts_called_idx on scripts (workspace_id, "left"(crm_fold("name"), 200)) where deleted_at is null;
create index scripts_deleted_idx on scripts (workspace_id, updated_at, id) where deleted_at is not null;
create index scripts_search_idx on scripts using gin (workspace_id, search gin_trgm_ops) where deleted_at is null;
create index scripts_lexemes_idx on scripts using gin (crm_lexemes(workspace_id, search)) where deleted_at is null;
create index scripts_tags_idx on scripts using gin (workspace_id, "tags") where deleted_at is null;
create index scripts_custom_idx on scripts using gin (workspace_id, "custom" jsonb_path_ops) where deleted_at is null;
create index scripts_custom_days_idx on scripts using gin (workspace_id, crm_days("custom")) where "custom" is not null and deleted_at is null;
alter table scripts alter column workspace_id set (n_distinct = -0.0002);
alter table scripts alter column search set statistics 200;
alter index scripts_lexemes_idx alter column 1 set statistics 0;
alter index scripts_custom_days_idx alter column 2 set statistics 0;
create statistics scripts_owner_folded on lower("owner") from scripts;
create or replace function scripts_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof scripts language plpgsql as $$
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

alter table campaigns add column "script_id" text collate "C";
alter table campaigns add column "form_id" text collate "C";
alter table campaigns add constraint campaigns_workspace_id_form_id_fkey FOREIGN KEY (workspace_id, form_id) REFERENCES forms(workspace_id, id);
alter table campaigns add constraint campaigns_workspace_id_script_id_fkey FOREIGN KEY (workspace_id, script_id) REFERENCES scripts(workspace_id, id);
CREATE INDEX campaigns_script_id_idx ON campaigns USING btree (workspace_id, script_id, updated_at, id) WHERE ((script_id IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX campaigns_form_id_idx ON campaigns USING btree (workspace_id, form_id, updated_at, id) WHERE ((form_id IS NOT NULL) AND (deleted_at IS NULL));
create or replace function campaigns_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof campaigns language plpgsql as $$
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
CREATE INDEX campaign_members_called_idx ON campaign_members USING btree (workspace_id, "left"(crm_fold(outcome), 200)) WHERE (deleted_at IS NULL);
create table executions (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  "member_id" text collate "C",
  "campaign_id" text collate "C",
  "script_id" text collate "C",
  "contact_id" text collate "C",
  "status" text collate "C" generated always as (crm_walk_status("steps", "answers", "stopped_at")) stored not null,
  "answers" jsonb,
  "next" jsonb generated always as (crm_next("steps", "answers")) stored,
  "path" text[] generated always as (crm_path("steps", "answers")) stored,
  "outcome" text collate "C",
  "stopped_at" timestamptz,
  "script_version" integer,
  "steps" jsonb,
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
  search text generated always as (crm_fold(crm_lines("outcome", "notes", crm_own_lines(own)))) stored,
  primary key (workspace_id, id),
  foreign key (workspace_id, "member_id") references campaign_members (workspace_id, id),
  foreign key (workspace_id, "campaign_id") references campaigns (workspace_id, id),
  foreign key (workspace_id, "script_id") references scripts (workspace_id, id),
  foreign key (workspace_id, "contact_id") references contacts (workspace_id, id),
  constraint executions_needs_one_of check (num_nonnulls(contact_id, member_id) > 0 or deleted_at is not null),
  constraint executions_answers_fits check (crm_custom_fits("answers")),
  constraint executions_path_fits check (cardinality("path") <= 100),
  constraint executions_custom_fits check (crm_custom_fits("custom"))
);
create unique index executions_handle_key on executions (workspace_id, right(id, 8));
create index executions_stopped_at_order_idx on executions (workspace_id, "stopped_at", id) where deleted_at is null;
create index executions_owner_order_idx on executions (workspace_id, lower("owner"), id) where deleted_at is null;
create index executions_created_at_order_idx on executions (workspace_id, "created_at", id) where deleted_at is null;
create index executions_updated_at_order_idx on executions (workspace_id, "updated_at", id) where deleted_at is null;
create index executions_owner_idx on executions (workspace_id, "owner", updated_at, id) where deleted_at is null;
create index executions_member_id_idx on executions (workspace_id, "member_id", updated_at, id) where "member_id" is not null and deleted_at is null;
create index executions_campaign_id_idx on executions (workspace_id, "campaign_id", updated_at, id) where "campaign_id" is not null and deleted_at is null;
create index executions_script_id_idx on executions (workspace_id, "script_id", updated_at, id) where "script_id" is not null and deleted_at is null;
create index executions_contact_id_idx on executions (workspace_id, "contact_id", updated_at, id) where "contact_id" is not null and deleted_at is null;
create index executions_deleted_idx on executions (workspace_id, updated_at, id) where deleted_at is not null;
create index executions_search_idx on executions using gin (workspace_id, search gin_trgm_ops) where deleted_at is null;
create index executions_lexemes_idx on executions using gin (crm_lexemes(workspace_id, E'\n' || search)) where deleted_at is null;
create index executions_answers_idx on executions using gin (workspace_id, "answers" jsonb_path_ops) where deleted_at is null;
create index executions_answers_days_idx on executions using gin (workspace_id, crm_days("answers")) where "answers" is not null and deleted_at is null;
create index executions_path_idx on executions using gin (workspace_id, "path") where deleted_at is null;
create index executions_custom_idx on executions using gin (workspace_id, "custom" jsonb_path_ops) where deleted_at is null;
create index executions_custom_days_idx on executions using gin (workspace_id, crm_days("custom")) where "custom" is not null and deleted_at is null;
alter table executions alter column workspace_id set (n_distinct = -0.0002);
alter table executions alter column search set statistics 200;
alter index executions_lexemes_idx alter column 1 set statistics 0;
alter index executions_answers_days_idx alter column 2 set statistics 0;
alter index executions_custom_days_idx alter column 2 set statistics 0;
create statistics executions_owner_folded on lower("owner") from executions;
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
    raise check_violation using constraint = 'executions_lacks_script_id', message = 'the record lacks a link';
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

create table qualifications (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  "member_id" text collate "C",
  "campaign_id" text collate "C",
  "form_id" text collate "C",
  "deal_id" text collate "C",
  "contact_id" text collate "C",
  "answers" jsonb,
  "outcome" text collate "C",
  "form_version" integer,
  "questions" jsonb,
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
  search text generated always as (crm_fold(crm_lines("outcome", "notes", crm_own_lines(own)))) stored,
  primary key (workspace_id, id),
  foreign key (workspace_id, "member_id") references campaign_members (workspace_id, id),
  foreign key (workspace_id, "campaign_id") references campaigns (workspace_id, id),
  foreign key (workspace_id, "form_id") references forms (workspace_id, id),
  foreign key (workspace_id, "deal_id") references deals (workspace_id, id),
  foreign key (workspace_id, "contact_id") references contacts (workspace_id, id),
  constraint qualifications_needs_one_of check (num_nonnulls(contact_id, deal_id, member_id) > 0 or deleted_at is not null),
  constraint qualifications_answers_fits check (crm_custom_fits("answers")),
  constraint qualifications_custom_fits check (crm_custom_fits("custom"))
);
create unique index qualifications_handle_key on qualifications (workspace_id, right(id, 8));
create index qualifications_owner_order_idx on qualifications (workspace_id, lower("owner"), id) where deleted_at is null;
create index qualifications_created_at_order_idx on qualifications (workspace_id, "created_at", id) where deleted_at is null;
create index qualifications_updated_at_order_idx on qualifications (workspace_id, "updated_at", id) where deleted_at is null;
create index qualifications_owner_idx on qualifications (workspace_id, "owner", updated_at, id) where deleted_at is null;
create index qualifications_member_id_idx on qualifications (workspace_id, "member_id", updated_at, id) where "member_id" is not null and deleted_at is null;
create index qualifications_campaign_id_idx on qualifications (workspace_id, "campaign_id", updated_at, id) where "campaign_id" is not null and deleted_at is null;
create index qualifications_form_id_idx on qualifications (workspace_id, "form_id", updated_at, id) where "form_id" is not null and deleted_at is null;
create index qualifications_deal_id_idx on qualifications (workspace_id, "deal_id", updated_at, id) where "deal_id" is not null and deleted_at is null;
create index qualifications_contact_id_idx on qualifications (workspace_id, "contact_id", updated_at, id) where "contact_id" is not null and deleted_at is null;
create index qualifications_deleted_idx on qualifications (workspace_id, updated_at, id) where deleted_at is not null;
create index qualifications_search_idx on qualifications using gin (workspace_id, search gin_trgm_ops) where deleted_at is null;
create index qualifications_lexemes_idx on qualifications using gin (crm_lexemes(workspace_id, E'\n' || search)) where deleted_at is null;
create index qualifications_answers_idx on qualifications using gin (workspace_id, "answers" jsonb_path_ops) where deleted_at is null;
create index qualifications_answers_days_idx on qualifications using gin (workspace_id, crm_days("answers")) where "answers" is not null and deleted_at is null;
create index qualifications_custom_idx on qualifications using gin (workspace_id, "custom" jsonb_path_ops) where deleted_at is null;
create index qualifications_custom_days_idx on qualifications using gin (workspace_id, crm_days("custom")) where "custom" is not null and deleted_at is null;
alter table qualifications alter column workspace_id set (n_distinct = -0.0002);
alter table qualifications alter column search set statistics 200;
alter index qualifications_lexemes_idx alter column 1 set statistics 0;
alter index qualifications_answers_days_idx alter column 2 set statistics 0;
alter index qualifications_custom_days_idx alter column 2 set statistics 0;
create statistics qualifications_owner_folded on lower("owner") from qualifications;
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
    raise check_violation using constraint = 'qualifications_lacks_form_id', message = 'the record lacks a link';
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

