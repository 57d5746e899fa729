-- Saved lists: a query that is asked anew each time, or records that were put on the list one by one. A member that is deleted stays here, so that
-- it is on the list again once it is restored.

create table lists (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  name text collate "C" not null,
  slug text collate "C" not null,
  kind text collate "C" not null,
  query text collate "C",
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  primary key (workspace_id, id)
);
create unique index lists_handle_key on lists (workspace_id, right(id, 8));
create unique index lists_slug_key on lists (workspace_id, slug);

create table list_members (
  workspace_id text collate "C" not null,
  list_id text collate "C" not null,
  record_id text collate "C" not null,
  added_at timestamptz not null,
  added_by text collate "C" not null,
  primary key (workspace_id, list_id, record_id),
  foreign key (workspace_id, list_id) references lists (workspace_id, id) on delete cascade
);
