-- When a record is changed: now, or just after the change before. Of several at once the one that waited longest may have begun first, and
-- what is told by time (the history, `updated_at`) must be told in the order of the versions.
create or replace function crm_after(was timestamptz, now timestamptz) returns timestamptz
  language plpgsql immutable strict parallel safe
  as $$
begin
  return greatest(now, was + '1 microsecond'::pg_catalog.interval);
end $$;
