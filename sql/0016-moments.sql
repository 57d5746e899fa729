-- Times under `custom` are compared as instants: a day or a time without a zone is one of the workspace's clocks, which this function is told as
-- they were around the time that is compared with. (PostgreSQL takes CET or IST for abbreviations, where they are zones to the service.) It checks
-- by hand what a cast would raise: an exception could not be caught in a parallel plan before PostgreSQL 17.
create function crm_time(value text, before integer, change timestamptz, after integer) returns timestamptz
  language plpgsql immutable strict parallel safe
  as $$
declare
  text text := pg_catalog.btrim(value);
  year integer;
  month integer;
  day integer;
  seconds integer := 0;
  zone text;
  wall timestamp;
  early timestamptz;
  late timestamptz;
begin
  if text !~ '^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])(?:[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?(?: ?[Zz]| ?[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)?)?$' then
    return null;
  end if;
  year := pg_catalog.substr(text, 1, 4);
  month := pg_catalog.substr(text, 6, 2);
  day := pg_catalog.substr(text, 9, 2);
  if year = 0 or (day > 28 and day > (case when month = 2 then case when year % 4 = 0 and (year % 100 <> 0 or year % 400 = 0) then 29 else 28 end
      when month in (4, 6, 9, 11) then 30 else 31 end)) then
    return null;
  end if;
  -- What is compared with begins at a whole second, so a fraction of one changes nothing.
  if pg_catalog.length(text) > 10 then
    seconds := pg_catalog.substr(text, 12, 2)::integer * 3600 + pg_catalog.substr(text, 15, 2)::integer * 60
      + case when pg_catalog.substr(text, 17, 1) = ':' then pg_catalog.substr(text, 18, 2)::integer else 0 end;
    zone := pg_catalog.upper(pg_catalog.ltrim(pg_catalog.substr(text, 17), ':.0123456789 '));
    if zone not in ('', 'Z') then
      seconds := seconds - (pg_catalog.substr(zone, 1, 1) || '1')::integer
        * (pg_catalog.substr(zone, 2, 2)::integer * 3600 + coalesce(nullif(pg_catalog.ltrim(pg_catalog.substr(zone, 4), ':'), ''), '0')::integer * 60);
    end if;
  end if;
  wall := pg_catalog.make_timestamp(year, month, day, 0, 0, 0) + pg_catalog.make_interval(secs => seconds);
  if zone <> '' then
    return wall at time zone 'UTC';
  end if;
  early := (wall - pg_catalog.make_interval(secs => before)) at time zone 'UTC';
  if early < change then
    return early;
  end if;
  late := (wall - pg_catalog.make_interval(secs => after)) at time zone 'UTC';
  return case when late >= change then late else early end;
end $$;

create function crm_day(key text, value text) returns text[]
  language plpgsql immutable strict parallel safe
  as $$
declare
  at timestamptz;
begin
  if value !~ '^ *[0-9]{4}-' then
    return null;
  end if;
  at := public.crm_time(value, 0, 'infinity', 0);
  return case when at is not null then array[key || '=' || pg_catalog.floor(extract(epoch from at) / 86400)::integer] end;
end $$;

-- The days that members of `custom`, or items of theirs, fall on, as `key=days since 1970`: of a time with its zone the day in UTC, of any other
-- the day as it is written. A filter that asks for a time looks at the few days that it may be.
create function crm_days(custom jsonb) returns text[]
  language plpgsql immutable strict parallel safe
  as $$
declare
  member record;
  item text;
  days text[];
begin
  if custom::pg_catalog.text !~ '" *[0-9]{4}-[0-9]{2}-[0-9]{2}' then
    return null;
  end if;
  for member in select key, value from pg_catalog.jsonb_each(custom) loop
    if pg_catalog.jsonb_typeof(member.value) = 'string' then
      days := days || public.crm_day(member.key, member.value #>> '{}');
    elsif pg_catalog.jsonb_typeof(member.value) = 'array' then
      for item in select value from pg_catalog.jsonb_array_elements_text(member.value) loop
        days := days || public.crm_day(member.key, item);
      end loop;
    end if;
  end loop;
  return days;
end $$;

create index companies_days_idx on companies using gin (workspace_id, crm_days(custom)) where custom is not null and deleted_at is null;
create index contacts_days_idx on contacts using gin (workspace_id, crm_days(custom)) where custom is not null and deleted_at is null;
create index deals_days_idx on deals using gin (workspace_id, crm_days(custom)) where custom is not null and deleted_at is null;
create index activities_days_idx on activities using gin (workspace_id, crm_days(custom)) where custom is not null and deleted_at is null;
create index tasks_days_idx on tasks using gin (workspace_id, crm_days(custom)) where custom is not null and deleted_at is null;

alter index companies_days_idx alter column 2 set statistics 0;
alter index contacts_days_idx alter column 2 set statistics 0;
alter index deals_days_idx alter column 2 set statistics 0;
alter index activities_days_idx alter column 2 set statistics 0;
alter index tasks_days_idx alter column 2 set statistics 0;

drop function crm_time(text);

-- When a deal was won or lost, and why it was lost. What is closed already was closed by the change that left the status open, as the history
-- knows it; the history is told too, or the next change of such a deal would look as if it had set the day.
alter table deals add column closed_at timestamptz, add column lost_reason text collate "C";

with versions as (
  select workspace_id, id, record_id, version, at, row ->> 'status' as status,
    lag(row ->> 'status', 1, 'open') over (partition by workspace_id, record_id order by version) as status_before
  from changes where kind = 'deal'
), closings as (
  select workspace_id, id, record_id, version, status,
    max(at) filter (where status <> 'open' and status_before = 'open') over (partition by workspace_id, record_id order by version) as closed_at
  from versions
)
update changes c set row = c.row || jsonb_build_object('closed_at', closings.closed_at)
from closings
where c.workspace_id = closings.workspace_id and c.id = closings.id and closings.status <> 'open' and closings.closed_at is not null;

update deals d set closed_at = coalesce(
  (select (c.row ->> 'closed_at')::timestamptz from changes c
    where c.workspace_id = d.workspace_id and right(c.record_id, 8) = right(d.id, 8) and c.record_id = d.id and c.row ->> 'status' <> 'open'
    order by c.version desc limit 1), d.updated_at)
where d.status <> 'open';

create index deals_closed_order_idx on deals (workspace_id, closed_at, id) where deleted_at is null;
