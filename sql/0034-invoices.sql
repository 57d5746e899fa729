-- Quotes, invoices and payments.

-- Generated from the declarations.
create table quotes (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  "number" text collate "C",
  "title" text collate "C",
  "status" text collate "C" generated always as (case when "accepted_at" is not null then 'accepted' when "rejected_at" is not null then 'rejected' when "sent_at" is not null then 'sent' else 'draft' end) stored not null,
  "company_id" text collate "C",
  "contact_id" text collate "C",
  "deal_id" text collate "C",
  "currency" text collate "C",
  "items" jsonb,
  "net_cents" bigint generated always as (crm_net("items")) stored not null,
  "tax_cents" bigint generated always as (crm_tax("items")) stored not null,
  "gross_cents" bigint generated always as (crm_gross("items")) stored not null,
  "taxes" jsonb generated always as (crm_taxes("items")) stored,
  "issue_date" date,
  "valid_until" date,
  "sent_at" timestamptz,
  "expires_at" timestamptz generated always as (case when "sent_at" is not null and "accepted_at" is null and "rejected_at" is null then ("valid_until" + 1)::timestamp at time zone 'UTC' end) stored,
  "accepted_at" timestamptz,
  "rejected_at" timestamptz,
  "series" text collate "C",
  "terms" text collate "C",
  "owner" text collate "C",
  "buyer" jsonb,
  "seller" jsonb,
  "tags" text[],
  "notes" text collate "C",
  "custom" jsonb,
  version integer not null,
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  merged_into text collate "C",
  seal text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines("title", "number", crm_words("tags"), "notes"))) stored,
  primary key (workspace_id, id),
  foreign key (workspace_id, "company_id") references companies (workspace_id, id),
  foreign key (workspace_id, "contact_id") references contacts (workspace_id, id),
  foreign key (workspace_id, "deal_id") references deals (workspace_id, id),
  constraint quotes_frozen check (seal is null and "accepted_at" is null or deleted_at is null and coalesce(seal, '') = md5(jsonb_build_array("number", "title", "currency", "items", "issue_date", "valid_until", extract(epoch from "sent_at"), extract(epoch from "accepted_at"), extract(epoch from "rejected_at"), "series", "terms", "buyer", "seller")::text)),
  constraint quotes_tags_fits check (cardinality("tags") <= 100),
  constraint quotes_custom_fits check (crm_custom_fits("custom"))
);
create unique index quotes_handle_key on quotes (workspace_id, right(id, 8));
create index quotes_number_order_idx on quotes (workspace_id, lower("number"), id) where deleted_at is null;
create index quotes_title_order_idx on quotes (workspace_id, lower("title"), id) where deleted_at is null;
create index quotes_net_cents_order_idx on quotes (workspace_id, "net_cents", id) where deleted_at is null;
create index quotes_gross_cents_order_idx on quotes (workspace_id, "gross_cents", id) where deleted_at is null;
create index quotes_issue_date_order_idx on quotes (workspace_id, "issue_date", id) where deleted_at is null;
create index quotes_valid_until_order_idx on quotes (workspace_id, "valid_until", id) where deleted_at is null;
create index quotes_sent_at_order_idx on quotes (workspace_id, "sent_at", id) where deleted_at is null;
create index quotes_owner_order_idx on quotes (workspace_id, lower("owner"), id) where deleted_at is null;
create index quotes_created_at_order_idx on quotes (workspace_id, "created_at", id) where deleted_at is null;
create index quotes_updated_at_order_idx on quotes (workspace_id, "updated_at", id) where deleted_at is null;
create index quotes_owner_idx on quotes (workspace_id, "owner", updated_at, id) where deleted_at is null;
create index quotes_company_id_idx on quotes (workspace_id, "company_id", updated_at, id) where "company_id" is not null and deleted_at is null;
create index quotes_contact_id_idx on quotes (workspace_id, "contact_id", updated_at, id) where "contact_id" is not null and deleted_at is null;
create index quotes_deal_id_idx on quotes (workspace_id, "deal_id", updated_at, id) where "deal_id" is not null and deleted_at is null;
create index quotes_called_idx on quotes (workspace_id, "left"(crm_fold("title"), 200)) where deleted_at is null;
create index quotes_deleted_idx on quotes (workspace_id, updated_at, id) where deleted_at is not null;
create index quotes_search_idx on quotes using gin (workspace_id, search gin_trgm_ops) where deleted_at is null;
create index quotes_lexemes_idx on quotes using gin (crm_lexemes(workspace_id, search)) where deleted_at is null;
create index quotes_tags_idx on quotes using gin (workspace_id, "tags") where deleted_at is null;
create index quotes_custom_idx on quotes using gin (workspace_id, "custom" jsonb_path_ops) where deleted_at is null;
create index quotes_custom_days_idx on quotes using gin (workspace_id, crm_days("custom")) where "custom" is not null and deleted_at is null;
alter table quotes alter column workspace_id set (n_distinct = -0.0002);
alter table quotes alter column search set statistics 200;
alter index quotes_lexemes_idx alter column 1 set statistics 0;
alter index quotes_custom_days_idx alter column 2 set statistics 0;
create statistics quotes_number_folded on lower("number") from quotes;
create statistics quotes_title_folded on lower("title") from quotes;
create statistics quotes_owner_folded on lower("owner") from quotes;
create or replace function quotes_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof quotes language plpgsql as $$
declare
  n quotes := jsonb_populate_record(null::quotes, p_initial || p_sent);
  w quotes;
  o jsonb := p_sent -> 'own';
  l_deal_company_id text;
  l_contact_company_id text;
  l_deal_contact_id text;
begin
  if n."deal_id" is not null then
    select t.id, t."company_id", t."contact_id" into n."deal_id", l_deal_company_id, l_deal_contact_id from deals t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."deal_id", 8) and right(t.id, length(n."deal_id")) = n."deal_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'deal_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'contact_id' then
    n."contact_id" := coalesce(l_deal_contact_id);
  end if;
  if n."contact_id" is not null then
    select t.id, t."company_id" into n."contact_id", l_contact_company_id from contacts t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."contact_id", 8) and right(t.id, length(n."contact_id")) = n."contact_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'contact_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'company_id' then
    n."company_id" := coalesce(l_deal_company_id, l_contact_company_id);
  end if;
  if n."company_id" is not null then
    select t.id into n."company_id" from companies t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."company_id", 8) and right(t.id, length(n."company_id")) = n."company_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'company_id' then
      return;
    end if;
  end if;
  if p_sent ? '=links' then
    o := crm_linked(p_workspace, o, p_sent -> '=links');
    if o is null then
      return;
    end if;
  end if;
  if p_key is not null then
    insert into idempotency_keys (workspace_id, key, fingerprint, record_id, created_at)
      values (p_workspace, p_key, p_fingerprint, p_id, p_at) on conflict do nothing;
    if not found then
      return;
    end if;
  end if;
  if p_creates then
    insert into quotes as r (workspace_id, id, "title", "company_id", "contact_id", "deal_id", "currency", "items", "issue_date", "valid_until", "series", "terms", "owner", "tags", "notes", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."title", n."company_id", n."contact_id", n."deal_id", n."currency", n."items", n."issue_date", n."valid_until", n."series", n."terms", n."owner", nullif(n."tags", '{}'), n."notes", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      returning r.* into w;
  else
    update quotes r set "title" = case when p_sent ? 'title' then n."title" else r."title" end,
        "company_id" = case when p_sent ? 'company_id' then n."company_id" else r."company_id" end,
        "contact_id" = case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end,
        "deal_id" = case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end,
        "currency" = case when p_sent ? 'currency' then n."currency" else r."currency" end,
        "items" = case when p_sent ? 'items' then n."items" else r."items" end,
        "issue_date" = case when p_sent ? 'issue_date' then n."issue_date" else r."issue_date" end,
        "valid_until" = case when p_sent ? 'valid_until' then n."valid_until" else r."valid_until" end,
        "series" = case when p_sent ? 'series' then n."series" else r."series" end,
        "terms" = case when p_sent ? 'terms' then n."terms" else r."terms" end,
        "owner" = case when p_sent ? 'owner' then n."owner" else r."owner" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."title", r."company_id", r."contact_id", r."deal_id", r."currency", r."items", r."issue_date", r."valid_until", r."series", r."terms", r."owner", r."tags", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'title' then n."title" else r."title" end, case when p_sent ? 'company_id' then n."company_id" else r."company_id" end, case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end, case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end, case when p_sent ? 'currency' then n."currency" else r."currency" end, case when p_sent ? 'items' then n."items" else r."items" end, case when p_sent ? 'issue_date' then n."issue_date" else r."issue_date" end, case when p_sent ? 'valid_until' then n."valid_until" else r."valid_until" end, case when p_sent ? 'series' then n."series" else r."series" end, case when p_sent ? 'terms' then n."terms" else r."terms" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from quotes r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'quote', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'quote', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'items' then pg_column_size(w."items" #> '{}') end, 0) + coalesce(case when not p_sent ? 'terms' then octet_length(w."terms") end, 0) + coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own,seal}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own,seal}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('items', case when not p_sent ? 'items' then pg_column_size(w."items" #> '{}') end, 'terms', case when not p_sent ? 'terms' then octet_length(w."terms") end, 'notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

create table invoices (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  "number" text collate "C",
  "title" text collate "C",
  "status" text collate "C" generated always as (case when "cancelled_at" is not null then 'cancelled' when "number" is null then 'draft' when "credits_id" is not null then 'issued' when coalesce("paid_cents", 0) + coalesce("credited_cents", 0) >= crm_gross("items") then 'paid' when coalesce("paid_cents", 0) > 0 then 'partly_paid' else 'issued' end) stored not null,
  "document" text collate "C" generated always as (case when "credits_id" is not null then 'credit_note' else 'invoice' end) stored not null,
  "company_id" text collate "C",
  "contact_id" text collate "C",
  "deal_id" text collate "C",
  "quote_id" text collate "C",
  "credits_id" text collate "C",
  "currency" text collate "C",
  "items" jsonb,
  "net_cents" bigint generated always as (case when "credits_id" is null then crm_net("items") else - crm_net("items") end) stored not null,
  "tax_cents" bigint generated always as (case when "credits_id" is null then crm_tax("items") else - crm_tax("items") end) stored not null,
  "gross_cents" bigint generated always as (case when "credits_id" is null then crm_gross("items") else - crm_gross("items") end) stored not null,
  "taxes" jsonb generated always as (crm_taxes("items")) stored,
  "paid_cents" bigint,
  "credited_cents" bigint,
  "open_cents" bigint generated always as (case when "number" is not null and "cancelled_at" is null and "credits_id" is null then crm_gross("items") - coalesce("paid_cents", 0) - coalesce("credited_cents", 0) end) stored,
  "issue_date" date,
  "due_date" date,
  "issued_at" timestamptz,
  "overdue_at" timestamptz generated always as (case when "number" is not null and "cancelled_at" is null and "credits_id" is null and coalesce("paid_cents", 0) + coalesce("credited_cents", 0) < crm_gross("items") then ("due_date" + 1)::timestamp at time zone 'UTC' end) stored,
  "cancelled_at" timestamptz,
  "series" text collate "C",
  "delivery_date" date,
  "buyer_reference" text collate "C",
  "terms" text collate "C",
  "owner" text collate "C",
  "buyer" jsonb,
  "seller" jsonb,
  "tags" text[],
  "notes" text collate "C",
  "custom" jsonb,
  version integer not null,
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  merged_into text collate "C",
  seal text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines("title", "number", crm_words("tags"), "notes"))) stored,
  primary key (workspace_id, id),
  foreign key (workspace_id, "company_id") references companies (workspace_id, id),
  foreign key (workspace_id, "contact_id") references contacts (workspace_id, id),
  foreign key (workspace_id, "deal_id") references deals (workspace_id, id),
  foreign key (workspace_id, "quote_id") references quotes (workspace_id, id),
  foreign key (workspace_id, "credits_id") references invoices (workspace_id, id),
  constraint invoices_frozen check (seal is null and "issued_at" is null or deleted_at is null and coalesce(seal, '') = md5(jsonb_build_array("number", "title", "credits_id", "currency", "items", "issue_date", "due_date", extract(epoch from "issued_at"), "series", "delivery_date", "buyer_reference", "terms", "buyer", "seller")::text)),
  constraint invoices_tags_fits check (cardinality("tags") <= 100),
  constraint invoices_custom_fits check (crm_custom_fits("custom"))
);
create unique index invoices_handle_key on invoices (workspace_id, right(id, 8));
create index invoices_number_order_idx on invoices (workspace_id, lower("number"), id) where deleted_at is null;
create index invoices_title_order_idx on invoices (workspace_id, lower("title"), id) where deleted_at is null;
create index invoices_net_cents_order_idx on invoices (workspace_id, "net_cents", id) where deleted_at is null;
create index invoices_gross_cents_order_idx on invoices (workspace_id, "gross_cents", id) where deleted_at is null;
create index invoices_open_cents_order_idx on invoices (workspace_id, "open_cents", id) where deleted_at is null;
create index invoices_issue_date_order_idx on invoices (workspace_id, "issue_date", id) where deleted_at is null;
create index invoices_due_date_order_idx on invoices (workspace_id, "due_date", id) where deleted_at is null;
create index invoices_issued_at_order_idx on invoices (workspace_id, "issued_at", id) where deleted_at is null;
create index invoices_overdue_at_order_idx on invoices (workspace_id, "overdue_at", id) where deleted_at is null;
create index invoices_owner_order_idx on invoices (workspace_id, lower("owner"), id) where deleted_at is null;
create index invoices_created_at_order_idx on invoices (workspace_id, "created_at", id) where deleted_at is null;
create index invoices_updated_at_order_idx on invoices (workspace_id, "updated_at", id) where deleted_at is null;
create index invoices_owner_idx on invoices (workspace_id, "owner", updated_at, id) where deleted_at is null;
create index invoices_company_id_idx on invoices (workspace_id, "company_id", updated_at, id) where "company_id" is not null and deleted_at is null;
create index invoices_contact_id_idx on invoices (workspace_id, "contact_id", updated_at, id) where "contact_id" is not null and deleted_at is null;
create index invoices_deal_id_idx on invoices (workspace_id, "deal_id", updated_at, id) where "deal_id" is not null and deleted_at is null;
create index invoices_quote_id_idx on invoices (workspace_id, "quote_id", updated_at, id) where "quote_id" is not null and deleted_at is null;
create index invoices_credits_id_idx on invoices (workspace_id, "credits_id", updated_at, id) where "credits_id" is not null and deleted_at is null;
create index invoices_owner_due_idx on invoices (workspace_id, owner, overdue_at, id) where overdue_at is not null and deleted_at is null;
create index invoices_called_idx on invoices (workspace_id, "left"(crm_fold("title"), 200)) where deleted_at is null;
create index invoices_deleted_idx on invoices (workspace_id, updated_at, id) where deleted_at is not null;
create index invoices_search_idx on invoices using gin (workspace_id, search gin_trgm_ops) where deleted_at is null;
create index invoices_lexemes_idx on invoices using gin (crm_lexemes(workspace_id, search)) where deleted_at is null;
create index invoices_tags_idx on invoices using gin (workspace_id, "tags") where deleted_at is null;
create index invoices_custom_idx on invoices using gin (workspace_id, "custom" jsonb_path_ops) where deleted_at is null;
create index invoices_custom_days_idx on invoices using gin (workspace_id, crm_days("custom")) where "custom" is not null and deleted_at is null;
alter table invoices alter column workspace_id set (n_distinct = -0.0002);
alter table invoices alter column search set statistics 200;
alter index invoices_lexemes_idx alter column 1 set statistics 0;
alter index invoices_custom_days_idx alter column 2 set statistics 0;
create statistics invoices_number_folded on lower("number") from invoices;
create statistics invoices_title_folded on lower("title") from invoices;
create statistics invoices_owner_folded on lower("owner") from invoices;
create or replace function invoices_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof invoices language plpgsql as $$
declare
  n invoices := jsonb_populate_record(null::invoices, p_initial || p_sent);
  w invoices;
  o jsonb := p_sent -> 'own';
  l_credits_company_id text;
  l_quote_company_id text;
  l_deal_company_id text;
  l_contact_company_id text;
  l_credits_contact_id text;
  l_quote_contact_id text;
  l_deal_contact_id text;
  l_credits_deal_id text;
  l_quote_deal_id text;
  l_credits_quote_id text;
begin
  if n."credits_id" is not null then
    select t.id, t."company_id", t."contact_id", t."deal_id", t."quote_id" into n."credits_id", l_credits_company_id, l_credits_contact_id, l_credits_deal_id, l_credits_quote_id from invoices t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."credits_id", 8) and right(t.id, length(n."credits_id")) = n."credits_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'credits_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'quote_id' then
    n."quote_id" := coalesce(l_credits_quote_id);
  end if;
  if n."quote_id" is not null then
    select t.id, t."company_id", t."contact_id", t."deal_id" into n."quote_id", l_quote_company_id, l_quote_contact_id, l_quote_deal_id from quotes t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."quote_id", 8) and right(t.id, length(n."quote_id")) = n."quote_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'quote_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'deal_id' then
    n."deal_id" := coalesce(l_credits_deal_id, l_quote_deal_id);
  end if;
  if n."deal_id" is not null then
    select t.id, t."company_id", t."contact_id" into n."deal_id", l_deal_company_id, l_deal_contact_id from deals t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."deal_id", 8) and right(t.id, length(n."deal_id")) = n."deal_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'deal_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'contact_id' then
    n."contact_id" := coalesce(l_credits_contact_id, l_quote_contact_id, l_deal_contact_id);
  end if;
  if n."contact_id" is not null then
    select t.id, t."company_id" into n."contact_id", l_contact_company_id from contacts t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."contact_id", 8) and right(t.id, length(n."contact_id")) = n."contact_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'contact_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'company_id' then
    n."company_id" := coalesce(l_credits_company_id, l_quote_company_id, l_deal_company_id, l_contact_company_id);
  end if;
  if n."company_id" is not null then
    select t.id into n."company_id" from companies t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."company_id", 8) and right(t.id, length(n."company_id")) = n."company_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'company_id' then
      return;
    end if;
  end if;
  if p_sent ? '=links' then
    o := crm_linked(p_workspace, o, p_sent -> '=links');
    if o is null then
      return;
    end if;
  end if;
  if p_key is not null then
    insert into idempotency_keys (workspace_id, key, fingerprint, record_id, created_at)
      values (p_workspace, p_key, p_fingerprint, p_id, p_at) on conflict do nothing;
    if not found then
      return;
    end if;
  end if;
  if p_creates then
    insert into invoices as r (workspace_id, id, "title", "company_id", "contact_id", "deal_id", "quote_id", "credits_id", "currency", "items", "issue_date", "due_date", "series", "delivery_date", "buyer_reference", "terms", "owner", "tags", "notes", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."title", n."company_id", n."contact_id", n."deal_id", n."quote_id", n."credits_id", n."currency", n."items", n."issue_date", n."due_date", n."series", n."delivery_date", n."buyer_reference", n."terms", n."owner", nullif(n."tags", '{}'), n."notes", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      returning r.* into w;
  else
    update invoices r set "title" = case when p_sent ? 'title' then n."title" else r."title" end,
        "company_id" = case when p_sent ? 'company_id' then n."company_id" else r."company_id" end,
        "contact_id" = case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end,
        "deal_id" = case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end,
        "quote_id" = case when p_sent ? 'quote_id' then n."quote_id" else r."quote_id" end,
        "credits_id" = case when p_sent ? 'credits_id' then n."credits_id" else r."credits_id" end,
        "currency" = case when p_sent ? 'currency' then n."currency" else r."currency" end,
        "items" = case when p_sent ? 'items' then n."items" else r."items" end,
        "issue_date" = case when p_sent ? 'issue_date' then n."issue_date" else r."issue_date" end,
        "due_date" = case when p_sent ? 'due_date' then n."due_date" else r."due_date" end,
        "series" = case when p_sent ? 'series' then n."series" else r."series" end,
        "delivery_date" = case when p_sent ? 'delivery_date' then n."delivery_date" else r."delivery_date" end,
        "buyer_reference" = case when p_sent ? 'buyer_reference' then n."buyer_reference" else r."buyer_reference" end,
        "terms" = case when p_sent ? 'terms' then n."terms" else r."terms" end,
        "owner" = case when p_sent ? 'owner' then n."owner" else r."owner" end,
        "tags" = case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."title", r."company_id", r."contact_id", r."deal_id", r."quote_id", r."credits_id", r."currency", r."items", r."issue_date", r."due_date", r."series", r."delivery_date", r."buyer_reference", r."terms", r."owner", r."tags", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'title' then n."title" else r."title" end, case when p_sent ? 'company_id' then n."company_id" else r."company_id" end, case when p_sent ? 'contact_id' then n."contact_id" else r."contact_id" end, case when p_sent ? 'deal_id' then n."deal_id" else r."deal_id" end, case when p_sent ? 'quote_id' then n."quote_id" else r."quote_id" end, case when p_sent ? 'credits_id' then n."credits_id" else r."credits_id" end, case when p_sent ? 'currency' then n."currency" else r."currency" end, case when p_sent ? 'items' then n."items" else r."items" end, case when p_sent ? 'issue_date' then n."issue_date" else r."issue_date" end, case when p_sent ? 'due_date' then n."due_date" else r."due_date" end, case when p_sent ? 'series' then n."series" else r."series" end, case when p_sent ? 'delivery_date' then n."delivery_date" else r."delivery_date" end, case when p_sent ? 'buyer_reference' then n."buyer_reference" else r."buyer_reference" end, case when p_sent ? 'terms' then n."terms" else r."terms" end, case when p_sent ? 'owner' then n."owner" else r."owner" end, case when p_sent ? 'tags' then case when 'tags.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."tags", '{}') || array(select a from unnest(n."tags") a where a <> all (coalesce(r."tags", '{}')))) with ordinality u (t, i) where 'tags.' || t <> all (p_removed) order by i), '{}') else n."tags" end else r."tags" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from invoices r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'invoice', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'invoice', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'items' then pg_column_size(w."items" #> '{}') end, 0) + coalesce(case when not p_sent ? 'terms' then octet_length(w."terms") end, 0) + coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own,seal}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own,seal}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('items', case when not p_sent ? 'items' then pg_column_size(w."items" #> '{}') end, 'terms', case when not p_sent ? 'terms' then octet_length(w."terms") end, 'notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

create table payments (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  "reference" text collate "C",
  "invoice_id" text collate "C",
  "amount_cents" bigint not null,
  "currency" text collate "C",
  "paid_on" date not null,
  "booked_at" timestamptz,
  "method" text collate "C",
  "reverses_id" text collate "C",
  "notes" text collate "C",
  "custom" jsonb,
  version integer not null,
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  merged_into text collate "C",
  seal text collate "C",
  xid xid8,
  own jsonb,
  search text generated always as (crm_fold(crm_lines("reference", "notes"))) stored,
  primary key (workspace_id, id),
  foreign key (workspace_id, "invoice_id") references invoices (workspace_id, id),
  foreign key (workspace_id, "reverses_id") references payments (workspace_id, id),
  constraint payments_frozen check (seal is null and "booked_at" is null or deleted_at is null and coalesce(seal, '') = md5(jsonb_build_array("reference", "invoice_id", "amount_cents", "currency", "paid_on", extract(epoch from "booked_at"), "method", "reverses_id")::text)),
  constraint payments_custom_fits check (crm_custom_fits("custom"))
);
create unique index payments_handle_key on payments (workspace_id, right(id, 8));
create index payments_reference_order_idx on payments (workspace_id, lower("reference"), id) where deleted_at is null;
create index payments_amount_cents_order_idx on payments (workspace_id, "amount_cents", id) where deleted_at is null;
create index payments_paid_on_order_idx on payments (workspace_id, "paid_on", id) where deleted_at is null;
create index payments_created_at_order_idx on payments (workspace_id, "created_at", id) where deleted_at is null;
create index payments_updated_at_order_idx on payments (workspace_id, "updated_at", id) where deleted_at is null;
create index payments_method_idx on payments (workspace_id, "method", updated_at, id) where deleted_at is null;
create index payments_invoice_id_idx on payments (workspace_id, "invoice_id", updated_at, id) where "invoice_id" is not null and deleted_at is null;
create index payments_reverses_id_idx on payments (workspace_id, "reverses_id", updated_at, id) where "reverses_id" is not null and deleted_at is null;
create index payments_called_idx on payments (workspace_id, "left"(crm_fold("reference"), 200)) where deleted_at is null;
create index payments_deleted_idx on payments (workspace_id, updated_at, id) where deleted_at is not null;
create index payments_search_idx on payments using gin (workspace_id, search gin_trgm_ops) where deleted_at is null;
create index payments_lexemes_idx on payments using gin (crm_lexemes(workspace_id, search)) where deleted_at is null;
create index payments_custom_idx on payments using gin (workspace_id, "custom" jsonb_path_ops) where deleted_at is null;
create index payments_custom_days_idx on payments using gin (workspace_id, crm_days("custom")) where "custom" is not null and deleted_at is null;
alter table payments alter column workspace_id set (n_distinct = -0.0002);
alter table payments alter column search set statistics 200;
alter index payments_lexemes_idx alter column 1 set statistics 0;
alter index payments_custom_days_idx alter column 2 set statistics 0;
create statistics payments_reference_folded on lower("reference") from payments;
create or replace function payments_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof payments language plpgsql as $$
declare
  n payments := jsonb_populate_record(null::payments, p_initial || p_sent);
  w payments;
  o jsonb := p_sent -> 'own';
  s invoices;
  l_reverses_invoice_id text;
begin
  if n."reverses_id" is not null then
    select t.id, t."invoice_id" into n."reverses_id", l_reverses_invoice_id from payments t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."reverses_id", 8) and right(t.id, length(n."reverses_id")) = n."reverses_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'reverses_id' then
      return;
    end if;
  end if;
  if p_creates and not p_sent ? 'invoice_id' then
    n."invoice_id" := coalesce(l_reverses_invoice_id);
  end if;
  if n."invoice_id" is not null then
    select t.id into n."invoice_id" from invoices t
      where t.workspace_id = p_workspace and right(t.id, 8) = right(n."invoice_id", 8) and right(t.id, length(n."invoice_id")) = n."invoice_id"
        and t.deleted_at is null for key share;
    if not found and p_sent ? 'invoice_id' then
      return;
    end if;
  end if;
  if p_sent ? '=links' then
    o := crm_linked(p_workspace, o, p_sent -> '=links');
    if o is null then
      return;
    end if;
  end if;
  if p_creates and n."currency" is null then
    select r."currency" into n."currency" from invoices r where r.workspace_id = p_workspace and r.id = n."invoice_id";
  end if;
  if p_key is not null then
    insert into idempotency_keys (workspace_id, key, fingerprint, record_id, created_at)
      values (p_workspace, p_key, p_fingerprint, p_id, p_at) on conflict do nothing;
    if not found then
      return;
    end if;
  end if;
  if p_creates then
    insert into payments as r (workspace_id, id, "reference", "invoice_id", "amount_cents", "currency", "paid_on", "method", "reverses_id", "notes", "custom", own, version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, n."reference", n."invoice_id", n."amount_cents", n."currency", n."paid_on", n."method", n."reverses_id", n."notes", nullif(n."custom", '{}'), case when o is not null or p_initial ? 'own' then crm_own(crm_own(null, p_initial -> 'own', false), o, false) end, 1, p_at, p_actor, p_at, pg_current_xact_id())
      returning r.* into w;
  else
    update payments r set "reference" = case when p_sent ? 'reference' then n."reference" else r."reference" end,
        "invoice_id" = case when p_sent ? 'invoice_id' then n."invoice_id" else r."invoice_id" end,
        "amount_cents" = case when p_sent ? 'amount_cents' then n."amount_cents" else r."amount_cents" end,
        "currency" = case when p_sent ? 'currency' then n."currency" else r."currency" end,
        "paid_on" = case when p_sent ? 'paid_on' then n."paid_on" else r."paid_on" end,
        "method" = case when p_sent ? 'method' then n."method" else r."method" end,
        "reverses_id" = case when p_sent ? 'reverses_id' then n."reverses_id" else r."reverses_id" end,
        "notes" = case when p_sent ? 'notes' then n."notes" else r."notes" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        own = case when o is not null then crm_own(r.own, o, false) else r.own end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."reference", r."invoice_id", r."amount_cents", r."currency", r."paid_on", r."method", r."reverses_id", r."notes", r."custom", r.own) is distinct from (case when p_sent ? 'reference' then n."reference" else r."reference" end, case when p_sent ? 'invoice_id' then n."invoice_id" else r."invoice_id" end, case when p_sent ? 'amount_cents' then n."amount_cents" else r."amount_cents" end, case when p_sent ? 'currency' then n."currency" else r."currency" end, case when p_sent ? 'paid_on' then n."paid_on" else r."paid_on" end, case when p_sent ? 'method' then n."method" else r."method" end, case when p_sent ? 'reverses_id' then n."reverses_id" else r."reverses_id" end, case when p_sent ? 'notes' then n."notes" else r."notes" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end, case when o is not null then crm_own(r.own, o, false) else r.own end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from payments r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'payment', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  if w."booked_at" is null then
    select r.* into s from invoices r where r.workspace_id = p_workspace and r.id = w."invoice_id" for no key update;
    if s."number" is not null then
      update invoices r set "paid_cents" = coalesce(r."paid_cents", 0) + w."amount_cents", version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
        where r.workspace_id = p_workspace and r.id = s.id
          and r."credits_id" is null
          and r."currency" = coalesce(w."currency", r."currency")
          and coalesce(r."paid_cents", 0) + w."amount_cents" >= 0
          and (w."amount_cents" < 0 or r."cancelled_at" is null and coalesce(r."paid_cents", 0) + coalesce(r."credited_cents", 0) + w."amount_cents" <= crm_gross(r."items"))
        returning r.* into s;
      if not found then
        raise check_violation using constraint = 'payments_settle', message = 'the amount does not fit what it settles';
      end if;
      insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, substr(p_entry, 1, 13) || substr(md5(p_entry), 1, 16), 'invoice', s.id, s.version, 'updated', s.updated_at, p_actor, p_token, p_agent, p_reason, p_request, p_entry,
      greatest(pg_current_xact_id(), s.xid), case when s.version = 1 or s.version % 32 = 0 or coalesce(case when not false then pg_column_size(s."items" #> '{}') end, 0) + coalesce(case when not false then octet_length(s."terms") end, 0) + coalesce(case when not false then octet_length(s."notes") end, 0) + coalesce(case when not false then pg_column_size(s."custom" #> '{}') end, 0) < 8000 then (to_jsonb(s) - '{workspace_id,search,xid,own,seal}'::text[] || coalesce(s.own, '{}'))
        else (select (to_jsonb(s) - '{workspace_id,search,xid,own,seal}'::text[] || coalesce(s.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('items', case when not false then pg_column_size(s."items" #> '{}') end, 'terms', case when not false then octet_length(s."terms") end, 'notes', case when not false then octet_length(s."notes") end, 'custom', case when not false then pg_column_size(s."custom" #> '{}') end)) sizes) end;
      update payments r set "booked_at" = p_at, "currency" = s."currency", seal = case when p_at is not null then md5(jsonb_build_array(r."reference", r."invoice_id", r."amount_cents", s."currency", r."paid_on", extract(epoch from p_at), r."method", r."reverses_id")::text) end where r.workspace_id = p_workspace and r.id = w.id
        returning r.* into w;
    end if;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'payment', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'notes' then octet_length(w."notes") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then (to_jsonb(w) - '{workspace_id,search,xid,own,seal}'::text[] || coalesce(w.own, '{}'))
        else (select (to_jsonb(w) - '{workspace_id,search,xid,own,seal}'::text[] || coalesce(w.own, '{}')) - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('notes', case when not p_sent ? 'notes' then octet_length(w."notes") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

