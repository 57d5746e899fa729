-- The core: who may come in, the records they keep, and the history of every record.
--
-- Three sorts of tables, so that Cardfile can later spread over several machines with Citus (see test/http/schema.test.ts, which
-- holds this file to the rules):
--   global, rarely written      users, workspaces, memberships       (reference tables there)
--   global, local to one place  tokens, codes                        (never joined by a tenant's statement)
--   a tenant's                  all others: workspace_id comes first in every key, and in every statement
--
-- Ids and times come from the program, never from a default, so that a transcript can be replayed to the byte. Text is collated "C":
-- one order everywhere, on every version, that an index can page by. A deleted record keeps its row (deleted_at) and thereby its handle;
-- unique keys hold among the living only. There are no triggers: what happens is in the statement that made it happen.

create extension if not exists pg_trgm with schema public;
create extension if not exists btree_gin with schema public;
create extension if not exists unaccent with schema public;

-- What search and like compare: lower case, without accents. Declared immutable so that it can stand in an index: the dictionary it
-- reads changes only with a release of PostgreSQL, after which the indexes on it want a REINDEX, as those on text do.
create function crm_fold(value text) returns text
  language sql immutable strict parallel safe
  return pg_catalog.lower(public.unaccent('public.unaccent'::pg_catalog.regdictionary, value) collate pg_catalog."default");

create function crm_words(list text[]) returns text
  language sql immutable strict parallel safe
  return pg_catalog.array_to_string(list, ' ');

-- A custom value as a time, or null when it is none: a filter on times must not fail on the one record that holds something else.
create function crm_time(value text) returns timestamptz
  language plpgsql immutable strict parallel safe
  as $$
begin
  if value !~ '^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$' then
    return null;
  end if;
  return (case when value ~ '(Z|[T ].*[+-]\d{2}(:?\d{2})?)$' then value else value || case when length(value) = 10 then ' 00:00Z' else 'Z' end end)::timestamptz;
exception when others then
  return null;
end $$;

create table users (
  id text collate "C" primary key,
  email text collate "C" not null unique,
  default_workspace_id text collate "C",
  created_at timestamptz not null
);

create table workspaces (
  id text collate "C" primary key,
  name text collate "C" not null,
  timezone text collate "C" not null,
  created_at timestamptz not null
);

create table memberships (
  workspace_id text collate "C" not null references workspaces (id) on delete cascade,
  user_id text collate "C" not null references users (id) on delete cascade,
  role text collate "C" not null check (role in ('admin', 'member', 'viewer')),
  created_at timestamptz not null,
  primary key (workspace_id, user_id)
);
create index memberships_user_idx on memberships (user_id);

-- Only the keyed digest of a token is kept; whoever reads this table can use none of them.
create table tokens (
  id text collate "C" primary key,
  digest text collate "C" not null unique,
  user_id text collate "C" not null references users (id) on delete cascade,
  workspace_id text collate "C" not null references workspaces (id) on delete cascade,
  name text collate "C" not null,
  created_at timestamptz not null,
  last_used_at timestamptz not null,
  revoked_at timestamptz
);
create index tokens_user_idx on tokens (user_id, workspace_id);

-- One open code for a subject - an e-mail address that signs in, or a user about to do something grave - and the network address that
-- asked for it. Attempts are counted by where they come from, so that a stranger who asks for codes or guesses at them uses up their own
-- attempts and not the owner's.
create table codes (
  subject text collate "C" not null,
  address text collate "C" not null,
  digest text collate "C" not null,
  attempts integer not null,
  foreign_attempts integer not null,
  sent integer not null,
  window_start timestamptz not null,
  expires_at timestamptz not null,
  primary key (subject, address)
);
create index codes_expiry_idx on codes (expires_at);
create index codes_address_idx on codes (address);

create table companies (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  name text collate "C" not null,
  domain text collate "C",
  industry text collate "C",
  phone text collate "C",
  owner text collate "C",
  tags text[],
  notes text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  search text generated always as (crm_fold(name || E'\n' || coalesce(domain, '') || E'\n' || coalesce(industry, '') || E'\n' || coalesce(phone, '')
    || E'\n' || coalesce(crm_words(tags), '') || E'\n' || coalesce(notes, ''))) stored,
  primary key (workspace_id, id)
);
create unique index companies_handle_key on companies (workspace_id, right(id, 8));
create unique index companies_domain_key on companies (workspace_id, domain) where domain is not null and deleted_at is null;
create index companies_updated_idx on companies (workspace_id, updated_at, id) where deleted_at is null;
create index companies_created_idx on companies (workspace_id, created_at, id) where deleted_at is null;
create index companies_name_idx on companies (workspace_id, lower(name), id) where deleted_at is null;
create index companies_search_idx on companies using gin (workspace_id, search gin_trgm_ops) where deleted_at is null;
create index companies_tags_idx on companies using gin (workspace_id, tags) where deleted_at is null;
create index companies_custom_idx on companies using gin (workspace_id, custom jsonb_path_ops) where deleted_at is null;

create table contacts (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  name text collate "C" not null,
  email text collate "C",
  phone text collate "C",
  title text collate "C",
  company_id text collate "C",
  stage text collate "C",
  owner text collate "C",
  tags text[],
  follow_up_at timestamptz,
  follow_up_note text collate "C",
  notes text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  search text generated always as (crm_fold(name || E'\n' || coalesce(email, '') || E'\n' || coalesce(phone, '') || E'\n' || coalesce(title, '')
    || E'\n' || coalesce(crm_words(tags), '') || E'\n' || coalesce(follow_up_note, '') || E'\n' || coalesce(notes, ''))) stored,
  primary key (workspace_id, id),
  foreign key (workspace_id, company_id) references companies (workspace_id, id)
);
create unique index contacts_handle_key on contacts (workspace_id, right(id, 8));
create unique index contacts_email_key on contacts (workspace_id, email) where email is not null and deleted_at is null;
create index contacts_updated_idx on contacts (workspace_id, updated_at, id) where deleted_at is null;
create index contacts_created_idx on contacts (workspace_id, created_at, id) where deleted_at is null;
create index contacts_name_idx on contacts (workspace_id, lower(name), id) where deleted_at is null;
create index contacts_stage_idx on contacts (workspace_id, stage, updated_at, id) where deleted_at is null;
create index contacts_owner_idx on contacts (workspace_id, owner, updated_at, id) where deleted_at is null;
create index contacts_company_idx on contacts (workspace_id, company_id, updated_at, id) where company_id is not null and deleted_at is null;
create index contacts_follow_up_idx on contacts (workspace_id, follow_up_at, id) where follow_up_at is not null and deleted_at is null;
create index contacts_search_idx on contacts using gin (workspace_id, search gin_trgm_ops) where deleted_at is null;
create index contacts_tags_idx on contacts using gin (workspace_id, tags) where deleted_at is null;
create index contacts_custom_idx on contacts using gin (workspace_id, custom jsonb_path_ops) where deleted_at is null;

create table deals (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  title text collate "C" not null,
  amount_cents bigint,
  currency text collate "C",
  stage text collate "C",
  status text collate "C" not null,
  close_date date,
  contact_id text collate "C",
  company_id text collate "C",
  owner text collate "C",
  tags text[],
  follow_up_at timestamptz,
  follow_up_note text collate "C",
  notes text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  search text generated always as (crm_fold(title || E'\n' || coalesce(stage, '') || E'\n' || coalesce(crm_words(tags), '')
    || E'\n' || coalesce(follow_up_note, '') || E'\n' || coalesce(notes, ''))) stored,
  primary key (workspace_id, id),
  foreign key (workspace_id, contact_id) references contacts (workspace_id, id),
  foreign key (workspace_id, company_id) references companies (workspace_id, id)
);
create unique index deals_handle_key on deals (workspace_id, right(id, 8));
create index deals_updated_idx on deals (workspace_id, updated_at, id) where deleted_at is null;
create index deals_created_idx on deals (workspace_id, created_at, id) where deleted_at is null;
create index deals_title_idx on deals (workspace_id, lower(title), id) where deleted_at is null;
create index deals_amount_idx on deals (workspace_id, amount_cents, id) where amount_cents is not null and deleted_at is null;
create index deals_close_idx on deals (workspace_id, close_date, id) where close_date is not null and deleted_at is null;
create index deals_status_idx on deals (workspace_id, status, updated_at, id) where deleted_at is null;
create index deals_stage_idx on deals (workspace_id, stage, updated_at, id) where deleted_at is null;
create index deals_contact_idx on deals (workspace_id, contact_id, updated_at, id) where contact_id is not null and deleted_at is null;
create index deals_company_idx on deals (workspace_id, company_id, updated_at, id) where company_id is not null and deleted_at is null;
create index deals_follow_up_idx on deals (workspace_id, follow_up_at, id) where follow_up_at is not null and deleted_at is null;
create index deals_search_idx on deals using gin (workspace_id, search gin_trgm_ops) where deleted_at is null;
create index deals_tags_idx on deals using gin (workspace_id, tags) where deleted_at is null;
create index deals_custom_idx on deals using gin (workspace_id, custom jsonb_path_ops) where deleted_at is null;

create table activities (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  kind text collate "C" not null,
  at timestamptz not null,
  contact_id text collate "C",
  company_id text collate "C",
  deal_id text collate "C",
  body text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  search text generated always as (crm_fold(coalesce(body, ''))) stored,
  primary key (workspace_id, id),
  foreign key (workspace_id, contact_id) references contacts (workspace_id, id),
  foreign key (workspace_id, company_id) references companies (workspace_id, id),
  foreign key (workspace_id, deal_id) references deals (workspace_id, id),
  constraint activities_needs_one_of check (num_nonnulls(contact_id, company_id, deal_id) > 0 or deleted_at is not null)
);
create unique index activities_handle_key on activities (workspace_id, right(id, 8));
create index activities_updated_idx on activities (workspace_id, updated_at, id) where deleted_at is null;
create index activities_at_idx on activities (workspace_id, at, id) where deleted_at is null;
create index activities_contact_idx on activities (workspace_id, contact_id, at, id) where contact_id is not null and deleted_at is null;
create index activities_company_idx on activities (workspace_id, company_id, at, id) where company_id is not null and deleted_at is null;
create index activities_deal_idx on activities (workspace_id, deal_id, at, id) where deal_id is not null and deleted_at is null;
create index activities_search_idx on activities using gin (workspace_id, search gin_trgm_ops) where deleted_at is null;
create index activities_custom_idx on activities using gin (workspace_id, custom jsonb_path_ops) where deleted_at is null;

create table tasks (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  title text collate "C" not null,
  due_at timestamptz,
  done boolean not null,
  assignee text collate "C",
  contact_id text collate "C",
  company_id text collate "C",
  deal_id text collate "C",
  tags text[],
  notes text collate "C",
  custom jsonb,
  version integer not null,
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  search text generated always as (crm_fold(title || E'\n' || coalesce(crm_words(tags), '') || E'\n' || coalesce(notes, ''))) stored,
  primary key (workspace_id, id),
  foreign key (workspace_id, contact_id) references contacts (workspace_id, id),
  foreign key (workspace_id, company_id) references companies (workspace_id, id),
  foreign key (workspace_id, deal_id) references deals (workspace_id, id)
);
create unique index tasks_handle_key on tasks (workspace_id, right(id, 8));
create index tasks_updated_idx on tasks (workspace_id, updated_at, id) where deleted_at is null;
create index tasks_created_idx on tasks (workspace_id, created_at, id) where deleted_at is null;
create index tasks_title_idx on tasks (workspace_id, lower(title), id) where deleted_at is null;
create index tasks_due_idx on tasks (workspace_id, due_at, id) where due_at is not null and not done and deleted_at is null;
create index tasks_assignee_idx on tasks (workspace_id, assignee, updated_at, id) where deleted_at is null;
create index tasks_contact_idx on tasks (workspace_id, contact_id, updated_at, id) where contact_id is not null and deleted_at is null;
create index tasks_company_idx on tasks (workspace_id, company_id, updated_at, id) where company_id is not null and deleted_at is null;
create index tasks_deal_idx on tasks (workspace_id, deal_id, updated_at, id) where deal_id is not null and deleted_at is null;
create index tasks_search_idx on tasks using gin (workspace_id, search gin_trgm_ops) where deleted_at is null;
create index tasks_tags_idx on tasks using gin (workspace_id, tags) where deleted_at is null;
create index tasks_custom_idx on tasks using gin (workspace_id, custom jsonb_path_ops) where deleted_at is null;

-- What a create was asked for under an Idempotency-Key, so that a retry after a lost answer finds what the first try made.
create table idempotency_keys (
  workspace_id text collate "C" not null,
  key text collate "C" not null,
  fingerprint text collate "C" not null,
  record_id text collate "C" not null,
  created_at timestamptz not null,
  primary key (workspace_id, key)
);
create index idempotency_keys_created_idx on idempotency_keys (created_at);

-- The history: every version of every record as it became, written by the statement that made it. What a change did is the
-- difference to the version before; `cause` names the change that dragged this one along (the deletion that cleared a link).
create table changes (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  kind text collate "C" not null,
  record_id text collate "C" not null,
  version integer not null,
  action text collate "C" not null check (action in ('created', 'updated', 'deleted', 'restored')),
  at timestamptz not null,
  actor text collate "C" not null,
  token_id text collate "C",
  agent text collate "C",
  reason text collate "C",
  request_id text collate "C",
  cause text collate "C",
  row jsonb not null,
  primary key (workspace_id, id)
);
create unique index changes_handle_key on changes (workspace_id, right(id, 8));
create unique index changes_version_key on changes (workspace_id, right(record_id, 8), record_id, version);
create index changes_at_idx on changes (workspace_id, at, id);
