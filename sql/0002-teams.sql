-- Teams: people share a workspace, and a token may do less than its owner.

-- `scopes` null is everything the owner may. A token that was minted from another ends with it, and never outlives its own date.
alter table tokens add column scopes text[];
alter table tokens add column expires_at timestamptz;
alter table tokens add column parent_id text collate "C" references tokens (id) on delete cascade;
create index tokens_parent_idx on tokens (parent_id) where parent_id is not null;

-- Who may join, by e-mail address; the invited become members when they next sign in.
create table invites (
  id text collate "C" primary key,
  workspace_id text collate "C" not null references workspaces (id) on delete cascade,
  email text collate "C" not null,
  role text collate "C" not null check (role in ('admin', 'member', 'viewer')),
  invited_by text collate "C" not null,
  created_at timestamptz not null
);
create unique index invites_email_key on invites (workspace_id, email);
create index invites_by_email_idx on invites (email);

-- How many records of a kind a workspace has, kept where a plan caps them, by the statement that makes or deletes one. `cap` is what held
-- when the last one was made: going over it fails that statement as a whole, so a cap is exact whatever races, at the price of one row.
create table usage (
  workspace_id text collate "C" not null,
  kind text collate "C" not null,
  used bigint not null,
  cap bigint not null,
  primary key (workspace_id, kind),
  constraint usage_within_cap check (used <= cap)
);

alter table workspaces add column plan text collate "C";

-- Mails that are to go out, encrypted with the server's secret, for some hold a code. A row is gone once the mail command took the mail.
create table mails (
  id text collate "C" primary key,
  sealed bytea not null,
  attempts integer not null,
  created_at timestamptz not null,
  next_attempt_at timestamptz not null
);
create index mails_next_idx on mails (next_attempt_at);
