-- Webhooks. Each has its own place in the feed (xid, at, entry): what lies behind it has been told, or stands in `deliveries`. A process that works
-- on a webhook holds its lease; when it dies, another goes on from there once the lease has ended. `told` numbers the deliveries. Secrets are
-- encrypted with the service's own. `user_id`, `token_id` and `scopes`: whose right it is to be told.
create table webhooks (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  user_id text collate "C" not null,
  token_id text collate "C" not null,
  scopes text[],
  url text collate "C" not null,
  events text[] not null,
  fields text[],
  query text collate "C",
  style text collate "C" not null,
  secret bytea not null,
  former_secret bytea,
  former_until timestamptz,
  active boolean not null,
  problem text collate "C",
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  system text collate "C" not null,
  xid xid8 not null,
  at timestamptz not null,
  entry text collate "C" not null,
  told bigint not null,
  failures integer not null,
  resumes_at timestamptz not null,
  served_at timestamptz not null,
  lease text collate "C" not null,
  leased_until timestamptz not null,
  primary key (workspace_id, id),
  foreign key (workspace_id, user_id) references memberships (workspace_id, user_id) on delete cascade
);
create unique index webhooks_handle_key on webhooks (workspace_id, right(id, 8));
create index webhooks_member_idx on webhooks (workspace_id, user_id);

-- What is told, or was. `due_at` stands while it waits to be told; `first_try_at` is when that began. `attempts` holds the last twenty. There is no
-- foreign key to webhooks: those of a webhook that is gone are swept little by little.
create table deliveries (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  webhook_id text collate "C" not null,
  number bigint not null,
  event text collate "C" not null,
  change_id text collate "C",
  record_id text collate "C",
  state text collate "C" not null,
  due_at timestamptz,
  first_try_at timestamptz,
  tries integer not null,
  attempts jsonb not null,
  created_at timestamptz not null,
  done_at timestamptz,
  primary key (workspace_id, id)
);
create unique index deliveries_handle_key on deliveries (workspace_id, right(id, 8));
create index deliveries_webhook_idx on deliveries (workspace_id, webhook_id, number);
create index deliveries_waiting_idx on deliveries (workspace_id, webhook_id, number) where due_at is not null;
create index deliveries_record_idx on deliveries (workspace_id, record_id);
create index deliveries_done_idx on deliveries (done_at);
