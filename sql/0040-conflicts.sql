-- A create that a taken value refused is told in the history of the record that has the value.
alter table changes drop constraint changes_action_check,
  add constraint changes_action_check check (action in ('created', 'updated', 'deleted', 'restored', 'purged', 'imported', 'conflict'));
