-- Connections: programs that a person let in on the consent page (OAuth 2.1), and what it takes to let them in.

-- A connection is one row of tokens, so that a person sees one line a program, and ends it as any other token. Its secret is the refresh
-- token of the moment: `digest` changes with every refresh. `client` is who holds it; `audience` is the only address it works at.
alter table tokens add column client text collate "C";
alter table tokens add column audience text collate "C";
create index tokens_client_idx on tokens (client) where client is not null;

-- The short-lived keys of a connection: the newest, and the one before it for what is still under way.
create table access_tokens (
  digest text collate "C" primary key,
  token_id text collate "C" not null references tokens (id) on delete cascade,
  scopes text[] not null,
  expires_at timestamptz not null
);
create index access_tokens_token_idx on access_tokens (token_id);
create index access_tokens_expiry_idx on access_tokens (expires_at);

-- Programs that registered themselves (RFC 7591). Anybody may, so those that no person ever let in are dropped after a day.
create table oauth_clients (
  id text collate "C" primary key,
  name text collate "C" not null,
  redirect_uris text[] not null,
  auth_method text collate "C" not null,
  secret_digest text collate "C",
  registration_digest text collate "C" not null,
  address text collate "C" not null,
  created_at timestamptz not null,
  used_at timestamptz
);
create index oauth_clients_address_idx on oauth_clients (address, created_at);
create index oauth_clients_unused_idx on oauth_clients (created_at) where used_at is null;

-- Authorization codes, each bound to all that was agreed on. A spent one names the connection it became, so that who sends it again ends
-- that; it is kept for as long as that may matter.
create table authorization_codes (
  digest text collate "C" primary key,
  client text collate "C" not null,
  name text collate "C" not null,
  redirect_uri text collate "C" not null,
  challenge text collate "C" not null,
  audience text collate "C" not null,
  scopes text[] not null,
  user_id text collate "C" not null references users (id) on delete cascade,
  workspace_id text collate "C" not null references workspaces (id) on delete cascade,
  token_id text collate "C",
  expires_at timestamptz not null
);
create index authorization_codes_expiry_idx on authorization_codes (expires_at);
