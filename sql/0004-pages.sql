-- Pages that cost the same however many records a workspace has: every order a list can be asked for, and the order of lists within every
-- value that people filter by, follows an index (test/http/schema.test.ts holds this against the definitions). An index of an order has
-- the rows without a value too, for they are the walk's second half.
--
-- Writes wait while these are made: about a minute with a million contacts and three million activities. To spare them that, make them
-- beforehand with `create index concurrently`, under these names: then nothing is left to do here but to drop two.

create index if not exists contacts_email_none_idx on contacts (workspace_id, email, id) where email is null and deleted_at is null;
create index if not exists contacts_stage_order_idx on contacts (workspace_id, lower(stage), id) where deleted_at is null;
create index if not exists contacts_owner_order_idx on contacts (workspace_id, lower(owner), id) where deleted_at is null;
create index if not exists contacts_follow_up_order_idx on contacts (workspace_id, follow_up_at, id) where deleted_at is null;
create index if not exists contacts_owner_follow_up_idx on contacts (workspace_id, owner, follow_up_at, id) where follow_up_at is not null and deleted_at is null;
drop index contacts_follow_up_idx;

create index if not exists companies_domain_none_idx on companies (workspace_id, domain, id) where domain is null and deleted_at is null;
create index if not exists companies_industry_order_idx on companies (workspace_id, lower(industry), id) where deleted_at is null;
create index if not exists companies_industry_idx on companies (workspace_id, industry, updated_at, id) where deleted_at is null;
create index if not exists companies_owner_order_idx on companies (workspace_id, lower(owner), id) where deleted_at is null;
create index if not exists companies_owner_idx on companies (workspace_id, owner, updated_at, id) where deleted_at is null;

create index if not exists deals_amount_order_idx on deals (workspace_id, amount_cents, id) where deleted_at is null;
create index if not exists deals_stage_order_idx on deals (workspace_id, lower(stage), id) where deleted_at is null;
create index if not exists deals_close_order_idx on deals (workspace_id, close_date, id) where deleted_at is null;
create index if not exists deals_owner_order_idx on deals (workspace_id, lower(owner), id) where deleted_at is null;
create index if not exists deals_owner_idx on deals (workspace_id, owner, updated_at, id) where deleted_at is null;
create index if not exists deals_follow_up_order_idx on deals (workspace_id, follow_up_at, id) where deleted_at is null;
create index if not exists deals_owner_follow_up_idx on deals (workspace_id, owner, follow_up_at, id) where follow_up_at is not null and deleted_at is null;
drop index deals_amount_idx, deals_close_idx, deals_follow_up_idx;

create index if not exists activities_created_idx on activities (workspace_id, created_at, id) where deleted_at is null;
create index if not exists activities_kind_idx on activities (workspace_id, kind, at, id) where deleted_at is null;

create index if not exists tasks_due_order_idx on tasks (workspace_id, due_at, id) where deleted_at is null;
create index if not exists tasks_done_idx on tasks (workspace_id, done, updated_at, id) where deleted_at is null;
create index if not exists tasks_assignee_order_idx on tasks (workspace_id, lower(assignee), id) where deleted_at is null;
create index if not exists tasks_assignee_due_idx on tasks (workspace_id, assignee, due_at, id) where due_at is not null and not done and deleted_at is null;

-- A named statement is planned once for all workspaces, and what looks best for the average one, of some dozen rows - fetch them all and
-- sort them - reads a million in a large one. So PostgreSQL is told that a workspace has 5,000 rows of a kind (1 / 0.0002), from which on
-- following an index is best. What it plans for the values of one statement still goes by the sizes it has seen.
alter table companies alter column workspace_id set (n_distinct = -0.0002);
alter table contacts alter column workspace_id set (n_distinct = -0.0002);
alter table deals alter column workspace_id set (n_distinct = -0.0002);
alter table activities alter column workspace_id set (n_distinct = -0.0002);
alter table tasks alter column workspace_id set (n_distinct = -0.0002);
alter table changes alter column workspace_id set (n_distinct = -0.0002);

-- How many have no value in an order of folded text: of an expression it knows only what it is told to gather.
create statistics contacts_stage_folded on lower(stage) from contacts;
create statistics contacts_owner_folded on lower(owner) from contacts;
create statistics companies_industry_folded on lower(industry) from companies;
create statistics companies_owner_folded on lower(owner) from companies;
create statistics deals_stage_folded on lower(stage) from deals;
create statistics deals_owner_folded on lower(owner) from deals;
create statistics tasks_assignee_folded on lower(assignee) from tasks;

analyze companies, contacts, deals, activities, tasks, changes;
