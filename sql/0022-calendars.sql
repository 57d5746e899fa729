-- Private addresses at which calendar programs read what is due. Only the keyed digest of an address is kept. One ends with the membership
-- of who made it: a person who comes back makes a new one. `mine`: it shows only what its maker owns.
create table calendars (
  id text collate "C" primary key,
  digest text collate "C" not null unique,
  workspace_id text collate "C" not null,
  user_id text collate "C" not null,
  name text collate "C" not null,
  mine boolean not null,
  created_at timestamptz not null,
  foreign key (workspace_id, user_id) references memberships (workspace_id, user_id) on delete cascade
);
create index calendars_member_idx on calendars (workspace_id, user_id);
