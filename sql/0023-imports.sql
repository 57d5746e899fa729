-- Imports: what came of each row of a file is kept for a day, over a crash too, so neither table is unlogged.

create table imports (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  -- Null where each row names its own.
  kind text collate "C",
  state text collate "C" not null check (state in ('staging', 'staged', 'done', 'refused')),
  dry_run boolean not null,
  strict boolean not null,
  -- Of the file, known once it is staged.
  digest text collate "C",
  facts jsonb not null,
  -- The run that works on it, and when it last said so.
  runner text collate "C" not null,
  beat_at timestamptz not null,
  rows integer not null,
  created integer not null,
  updated integer not null,
  unchanged integer not null,
  refused integer not null,
  actor text collate "C" not null,
  request_id text collate "C" not null,
  created_at timestamptz not null,
  finished_at timestamptz,
  primary key (workspace_id, id)
);
create unique index imports_handle_key on imports (workspace_id, right(id, 8));
create index imports_created_at_idx on imports (created_at);

-- A row that is staged has `fields` and no outcome; one that is judged has an outcome.
create table import_rows (
  workspace_id text collate "C" not null,
  import_id text collate "C" not null,
  n integer not null,
  -- The line of the file on which it begins.
  row integer not null,
  kind text collate "C" not null,
  -- The last eight characters of the id that the row gives itself: others of the file link by it.
  said text collate "C",
  -- Its natural key, where only a dry run judges it.
  key text collate "C",
  fields jsonb,
  bytes integer not null,
  outcome text collate "C" check (outcome in ('created', 'updated', 'unchanged', 'refused')),
  record_id text collate "C",
  problem jsonb,
  primary key (workspace_id, import_id, n)
) with (fillfactor = 60);
create index import_rows_said_idx on import_rows (workspace_id, import_id, said) where said is not null;
create index import_rows_key_idx on import_rows (workspace_id, import_id, key) where key is not null;
