-- Workspaces without an account: a key belongs to a user whom no mail reaches, and who ends at a time. While that user is an admin, nobody
-- has claimed the workspace.
alter table users add column ends_at timestamptz;
create index users_ends_idx on users (ends_at) where ends_at is not null;
