-- Saved lists can be described, and hold what other programs keep with them.
alter table lists add column description text collate "C";
alter table lists add column custom jsonb;
