-- A deleted list is kept with its members, so that it can be brought back. Its name is free for another.
alter table lists add column deleted_at timestamptz;
drop index lists_slug_key;
create unique index lists_slug_key on lists (workspace_id, slug) where deleted_at is null;
