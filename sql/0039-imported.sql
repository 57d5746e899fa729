-- The history tells that a workspace was imported: an entry of its own, of the kind `workspace`.
alter table changes drop constraint changes_action_check,
  add constraint changes_action_check check (action in ('created', 'updated', 'deleted', 'restored', 'purged', 'imported'));
