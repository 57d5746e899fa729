-- Nothing is lost: deleted records are listed by an index of their own, a merged one names the record it became part of, and a repeated
-- request is given the answer it had.

alter table idempotency_keys add column answer jsonb;
alter table companies add column "merged_into" text collate "C";
CREATE INDEX companies_deleted_idx ON companies USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
alter table contacts add column "merged_into" text collate "C";
CREATE INDEX contacts_deleted_idx ON contacts USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
alter table tickets add column "merged_into" text collate "C";
CREATE INDEX tickets_deleted_idx ON tickets USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
alter table deals add column "merged_into" text collate "C";
CREATE INDEX deals_deleted_idx ON deals USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
alter table tasks add column "merged_into" text collate "C";
CREATE INDEX tasks_deleted_idx ON tasks USING btree (workspace_id, updated_at, id) WHERE (deleted_at IS NOT NULL);
alter table activities add column "merged_into" text collate "C";
CREATE INDEX activities_deleted_idx ON activities USING btree (workspace_id, at, id) WHERE (deleted_at IS NOT NULL);
