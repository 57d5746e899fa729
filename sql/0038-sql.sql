-- The roles under which callers' own SQL runs, and the schemas of views that they read, which are called like the role of POST /sql. `token_id`:
-- the role of the database address that this token was given. `fingerprint` tells which views the schema holds.
create table sql_roles (
  name text collate "C" primary key,
  workspace_id text collate "C" not null,
  token_id text collate "C",
  fingerprint text collate "C" not null,
  created_at timestamptz not null,
  used_at timestamptz not null
);
create unique index sql_roles_workspace_key on sql_roles (workspace_id) where token_id is null;
create unique index sql_roles_token_key on sql_roles (token_id) where token_id is not null;

-- The workspace of whoever is logged in. A login cannot be changed by SQL, and the definition of a view that asks for it holds no id that others
-- could read. It is called immutable so that the planner takes it for the constant that it is in one session.
create function crm_sql_workspace() returns text immutable parallel safe security definer language sql set search_path = pg_catalog
  as $$ select r.workspace_id from public.sql_roles r where r.name = session_user::text $$;
