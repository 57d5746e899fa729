-- What an entry of the history changed, from the versions before and after: `{"stage":{"from":"lead","to":"won"}}`. A deletion tells all that was lost.
create function crm_differences(versions jsonb) returns jsonb
  language sql immutable strict parallel safe
  as $$ select coalesce(jsonb_object_agg(k.name, jsonb_build_object('from', v.before -> k.name, 'to', v.after -> k.name)), '{}')
  from (select case when versions -> 0 ->> 'deleted_at' is null then coalesce(nullif(versions -> 0, 'null'), '{}') else '{}' end as before,
    case when versions -> 1 ->> 'deleted_at' is null then versions -> 1 else '{}' end as after) v,
    jsonb_object_keys(v.before || v.after) k (name)
  where nullif(v.before -> k.name, 'null') is distinct from nullif(v.after -> k.name, 'null')
    and k.name <> all ('{id,version,created_at,created_by,updated_at,deleted_at}') $$;

-- For queries of callers, where the database has these and lets them be made. Nothing else needs them.
do $$
begin
  create extension if not exists citext;
  create extension if not exists pgcrypto;
exception when others then
  raise notice 'queries do without citext and pgcrypto: %', sqlerrm;
end $$;
