-- A token that was minted while its parent was revoked lived on, and so did one that was made while its owner left the workspace. Both
-- are no longer possible (src/db/locks.ts); those that are there end as they should have.
with recursive orphans as (
  select t.id, p.revoked_at from tokens t join tokens p on p.id = t.parent_id where p.revoked_at is not null
  union
  select t.id, o.revoked_at from tokens t join orphans o on t.parent_id = o.id)
update tokens t set revoked_at = o.revoked_at from orphans o where t.id = o.id and t.revoked_at is null;

delete from tokens t
  where not exists (select from memberships m where m.workspace_id = t.workspace_id and m.user_id = t.user_id);
