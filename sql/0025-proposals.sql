-- Writes that wait for somebody to approve them: the request as it was sent, and what it would change.

create table proposals (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  at timestamptz not null,
  actor text collate "C" not null,
  token_id text collate "C",
  agent text collate "C",
  reason text collate "C",
  method text collate "C" not null,
  target text collate "C" not null,
  content_type text collate "C",
  if_match text collate "C",
  body text collate "C" not null,
  diff jsonb not null,
  changes integer not null,
  mark text collate "C" not null,
  state text collate "C" not null check (state in ('open', 'approved', 'rejected')),
  decided_at timestamptz,
  decided_by text collate "C",
  decision text collate "C",
  primary key (workspace_id, id)
);

create unique index proposals_handle_key on proposals (workspace_id, right(id, 8));
create index proposals_state_idx on proposals (workspace_id, state, id);
