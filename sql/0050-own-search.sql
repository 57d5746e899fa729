-- Search looks at the fields, too, that workspaces have added to built-in kinds: every text of them, each on a line of its own, as in own kinds.
-- All search columns are written anew with their indexes: some minutes with a million records.
create or replace function crm_own_lines(own jsonb) returns text
  language plpgsql immutable strict parallel safe
  as $$
begin
  return (select string_agg(case left(key, 1)
      when 'g' then coalesce(public.crm_words(public.crm_own_list(own -> key)), '')
      when 'p' then value || E'\n' || coalesce(public.crm_digits(value), '') else value end, E'\n' order by key)
    from jsonb_each_text(own) where key ~ '^[tpwg][0-9]');
end $$;

-- Generated from the declarations.
alter table campaigns drop column search, add column "search" text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[name, goal, notes, crm_own_lines(own)]))) stored;
CREATE INDEX campaigns_search_idx ON campaigns USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX campaigns_lexemes_idx ON campaigns USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
alter table campaigns alter column search set statistics 200;
alter index campaigns_lexemes_idx alter column 1 set statistics 0;
alter table employees drop column search, add column "search" text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[name, email, role, crm_words(tags), notes, crm_own_lines(own)]))) stored;
CREATE INDEX employees_search_idx ON employees USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX employees_lexemes_idx ON employees USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
alter table employees alter column search set statistics 200;
alter index employees_lexemes_idx alter column 1 set statistics 0;
alter table services drop column search, add column "search" text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[name, sku, crm_words(tags), notes, crm_own_lines(own)]))) stored;
CREATE INDEX services_search_idx ON services USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX services_lexemes_idx ON services USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
alter table services alter column search set statistics 200;
alter index services_lexemes_idx alter column 1 set statistics 0;
alter table products drop column search, add column "search" text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[name, sku, crm_words(tags), notes, crm_own_lines(own)]))) stored;
CREATE INDEX products_search_idx ON products USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX products_lexemes_idx ON products USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
alter table products alter column search set statistics 200;
alter index products_lexemes_idx alter column 1 set statistics 0;
alter table emails drop column search, add column "search" text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[subject, "from", crm_words("to"), crm_words(cc), snippet, body, crm_own_lines(own)]))) stored;
CREATE INDEX emails_search_idx ON emails USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX emails_lexemes_idx ON emails USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
alter table emails alter column search set statistics 200;
alter index emails_lexemes_idx alter column 1 set statistics 0;
alter table companies drop column search, add column "search" text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[name, domain, crm_words(domains), industry, phone, crm_digits(phone), crm_words(tags), notes, crm_own_lines(own)]))) stored;
CREATE INDEX companies_search_idx ON companies USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX companies_lexemes_idx ON companies USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
alter table companies alter column search set statistics 200;
alter index companies_lexemes_idx alter column 1 set statistics 0;
alter table contacts drop column search, add column "search" text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[name, email, crm_words(emails), phone, crm_digits(phone), crm_words(phones), crm_digits_of(phones), title, crm_words(tags), follow_up_note, notes, crm_own_lines(own)]))) stored;
CREATE INDEX contacts_search_idx ON contacts USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX contacts_lexemes_idx ON contacts USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
alter table contacts alter column search set statistics 200;
alter index contacts_lexemes_idx alter column 1 set statistics 0;
alter table campaign_members drop column search, add column "search" text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[outcome, notes, crm_own_lines(own)]))) stored;
CREATE INDEX campaign_members_search_idx ON campaign_members USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX campaign_members_lexemes_idx ON campaign_members USING gin (crm_lexemes(workspace_id, ('
'::text || search))) WHERE (deleted_at IS NULL);
alter table campaign_members alter column search set statistics 200;
alter index campaign_members_lexemes_idx alter column 1 set statistics 0;
alter table tickets drop column search, add column "search" text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[subject, crm_words(tags), notes, crm_own_lines(own)]))) stored;
CREATE INDEX tickets_search_idx ON tickets USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX tickets_lexemes_idx ON tickets USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
alter table tickets alter column search set statistics 200;
alter index tickets_lexemes_idx alter column 1 set statistics 0;
alter table deals drop column search, add column "search" text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[title, stage, crm_words(tags), follow_up_note, notes, crm_own_lines(own)]))) stored;
CREATE INDEX deals_search_idx ON deals USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX deals_lexemes_idx ON deals USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
alter table deals alter column search set statistics 200;
alter index deals_lexemes_idx alter column 1 set statistics 0;
alter table quotes drop column search, add column "search" text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[title, number, crm_words(tags), notes, crm_own_lines(own)]))) stored;
CREATE INDEX quotes_search_idx ON quotes USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX quotes_lexemes_idx ON quotes USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
alter table quotes alter column search set statistics 200;
alter index quotes_lexemes_idx alter column 1 set statistics 0;
alter table invoices drop column search, add column "search" text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[title, number, crm_words(tags), notes, crm_own_lines(own)]))) stored;
CREATE INDEX invoices_search_idx ON invoices USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX invoices_lexemes_idx ON invoices USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
alter table invoices alter column search set statistics 200;
alter index invoices_lexemes_idx alter column 1 set statistics 0;
alter table payments drop column search, add column "search" text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[reference, notes, crm_own_lines(own)]))) stored;
CREATE INDEX payments_search_idx ON payments USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX payments_lexemes_idx ON payments USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
alter table payments alter column search set statistics 200;
alter index payments_lexemes_idx alter column 1 set statistics 0;
alter table tasks drop column search, add column "search" text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[title, crm_words(tags), notes, crm_own_lines(own)]))) stored;
CREATE INDEX tasks_search_idx ON tasks USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX tasks_lexemes_idx ON tasks USING gin (crm_lexemes(workspace_id, search)) WHERE (deleted_at IS NULL);
alter table tasks alter column search set statistics 200;
alter index tasks_lexemes_idx alter column 1 set statistics 0;
alter table activities drop column search, add column "search" text generated always as (crm_fold(crm_lines(VARIADIC ARRAY[body, crm_own_lines(own)]))) stored;
CREATE INDEX activities_search_idx ON activities USING gin (workspace_id, search gin_trgm_ops) WHERE (deleted_at IS NULL);
CREATE INDEX activities_lexemes_idx ON activities USING gin (crm_lexemes(workspace_id, ('
'::text || search))) WHERE (deleted_at IS NULL);
alter table activities alter column search set statistics 200;
alter index activities_lexemes_idx alter column 1 set statistics 0;
