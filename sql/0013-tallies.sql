-- Limits on what reaches other people: mails, guesses, registrations. Each use is counted by the statement that asks whether there is one
-- left, so that no number of requests at once gets past a limit. `key` says what is counted, of whom; the count begins anew at `ends_at`.
create table tallies (
  key text collate "C" primary key,
  used integer not null,
  ends_at timestamptz not null
);
create index tallies_ends_idx on tallies (ends_at);

-- A code goes out in two forms. The six digits bear few guesses. The long form cannot be guessed, so nobody can use it up for its owner.
alter table codes add column long_digest text collate "C";
drop index codes_address_idx;
alter table codes drop column sent;
alter table codes drop column window_start;

-- The token that a person signed in with, of all that were minted with it and with those: they share one rate. Null for that token itself.
alter table tokens add column root_id text collate "C";
with recursive family as (
  select id, id as root_id from tokens where parent_id is null
  union all select t.id, f.root_id from tokens t join family f on t.parent_id = f.id)
update tokens t set root_id = f.root_id from family f where t.id = f.id and t.parent_id is not null;
