-- Mails. They are attached to contacts and companies by the addresses that they name. Nothing of that is stored in a mail, or in whom it is attached
-- to: `mentions` is an index from each address, and each domain of one, to the records that name it, in the order of time. Read together with the
-- addresses of the living it tells who is attached, whatever was added, merged, deleted, restored or undone since.

create table mentions (
  workspace_id text collate "C" not null,
  kind text collate "C" not null,
  value text collate "C" not null,
  at timestamptz not null,
  record_id text collate "C" not null,
  primary key (workspace_id, kind, value, at, record_id)
);
create index mentions_record_idx on mentions (workspace_id, record_id);

-- The addresses and their domains, each once.
create function crm_mentioned(addresses text[]) returns text[]
  language plpgsql immutable strict parallel safe
  as $$
begin
  return array(select distinct v collate "C" from unnest(addresses) a
    cross join lateral (values (a), (split_part(a, '@', 2))) x (v) where v <> '' order by 1);
end $$;

-- Whether anybody may have an address of this domain: then it says nothing about where they work.
create function crm_public_domain(domain text) returns boolean
  language plpgsql immutable strict parallel safe
  as $$
begin
  return domain = any ('{gmail.com,googlemail.com,outlook.com,outlook.de,outlook.fr,outlook.es,outlook.it,hotmail.com,hotmail.co.uk,hotmail.de,hotmail.fr,hotmail.it,hotmail.es,
    live.com,live.de,live.fr,live.co.uk,live.nl,msn.com,yahoo.com,yahoo.co.uk,yahoo.co.in,yahoo.co.jp,yahoo.de,yahoo.fr,yahoo.es,yahoo.it,yahoo.ca,yahoo.com.br,yahoo.com.au,
    ymail.com,rocketmail.com,aol.com,aol.de,icloud.com,me.com,mac.com,proton.me,protonmail.com,protonmail.ch,pm.me,gmx.de,gmx.net,gmx.com,gmx.at,gmx.ch,web.de,t-online.de,
    freenet.de,arcor.de,posteo.de,mailbox.org,hey.com,fastmail.com,fastmail.fm,tutanota.com,tuta.io,tuta.com,zoho.com,zohomail.com,mail.com,email.com,yandex.ru,yandex.com,ya.ru,
    mail.ru,bk.ru,list.ru,inbox.ru,rambler.ru,qq.com,foxmail.com,163.com,126.com,sina.com,sohu.com,yeah.net,naver.com,daum.net,hanmail.net,orange.fr,wanadoo.fr,free.fr,laposte.net,
    sfr.fr,libero.it,virgilio.it,tiscali.it,alice.it,bluewin.ch,hispeed.ch,ziggo.nl,kpnmail.nl,planet.nl,telenet.be,skynet.be,btinternet.com,sky.com,virginmedia.com,ntlworld.com,
    talktalk.net,comcast.net,verizon.net,att.net,sbcglobal.net,bellsouth.net,cox.net,charter.net,earthlink.net,shaw.ca,rogers.com,sympatico.ca,bigpond.com,optusnet.com.au,
    uol.com.br,bol.com.br,terra.com.br,rediffmail.com,seznam.cz,centrum.cz,wp.pl,o2.pl,onet.pl,interia.pl,abv.bg,ukr.net}'::text[]);
end $$;

-- How a text begins, on one line; without one, how a page in HTML does. Tags are found by what is between two signs, so that a page of nothing but
-- opening ones takes no longer.
create function crm_beginning(body text, page text) returns text
  language plpgsql immutable parallel safe
  as $$
declare
  t text := left(body, 4000);
begin
  if coalesce(t, '') !~ '\S' then
    t := left(substr(page, greatest(1, strpos(lower(page), '<body'))), 20000);
    t := regexp_replace(t, '<[^<>]*>', ' ', 'g');
    t := replace(replace(replace(t, '&lt;', '<'), '&gt;', '>'), '&quot;', '"');
    t := replace(replace(replace(t, '&#39;', ''''), '&apos;', ''''), '&amp;', '&');
    t := regexp_replace(t, '&#?[a-zA-Z0-9]{2,10};', ' ', 'g');
  end if;
  return nullif(btrim(left(btrim(regexp_replace(t, '\s+', ' ', 'g')), 200)), '');
end $$;

-- Generated from the declarations.
create table emails (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  "direction" text collate "C",
  "from" text collate "C",
  "to" text[],
  "cc" text[],
  "subject" text collate "C" not null,
  "sent_at" timestamptz not null,
  "snippet" text collate "C",
  "thread_id" text collate "C",
  "message_id" text collate "C",
  "in_reply_to" text[],
  "received_at" timestamptz,
  "provider" text collate "C",
  "provider_msg_id" text collate "C",
  "body" text collate "C",
  "body_html" text collate "C",
  "custom" jsonb,
  version integer not null,
  created_at timestamptz not null,
  created_by text collate "C" not null,
  updated_at timestamptz not null,
  deleted_at timestamptz,
  merged_into text collate "C",
  xid xid8,
  search text generated always as (crm_fold(crm_lines("subject", "from", crm_words("to"), crm_words("cc"), "snippet", "body"))) stored,
  primary key (workspace_id, id),
  constraint emails_to_fits check (cardinality("to") <= 500),
  constraint emails_cc_fits check (cardinality("cc") <= 500),
  constraint emails_in_reply_to_fits check (cardinality("in_reply_to") <= 100),
  constraint emails_custom_fits check (crm_custom_fits("custom"))
);
create unique index emails_handle_key on emails (workspace_id, right(id, 8));
create unique index emails_message_id_key on emails (workspace_id, "message_id") where "message_id" is not null and deleted_at is null;
create index emails_subject_order_idx on emails (workspace_id, lower("subject"), id) where deleted_at is null;
create index emails_sent_at_order_idx on emails (workspace_id, "sent_at", id) where deleted_at is null;
create index emails_created_at_order_idx on emails (workspace_id, "created_at", id) where deleted_at is null;
create index emails_updated_at_order_idx on emails (workspace_id, "updated_at", id) where deleted_at is null;
create index emails_direction_idx on emails (workspace_id, "direction", sent_at, id) where deleted_at is null;
create index emails_from_idx on emails (workspace_id, "from", sent_at, id) where deleted_at is null;
create index emails_thread_id_idx on emails (workspace_id, "thread_id", sent_at, id) where deleted_at is null;
create index emails_deleted_idx on emails (workspace_id, sent_at, id) where deleted_at is not null;
create index emails_message_id_gone_idx on emails (workspace_id, "message_id") where "message_id" is not null and deleted_at is not null;
create index emails_search_idx on emails using gin (workspace_id, search gin_trgm_ops) where deleted_at is null;
create index emails_lexemes_idx on emails using gin (crm_lexemes(workspace_id, search)) where deleted_at is null;
create index emails_to_idx on emails using gin (workspace_id, "to") where "to" is not null and deleted_at is null;
create index emails_cc_idx on emails using gin (workspace_id, "cc") where "cc" is not null and deleted_at is null;
create index emails_custom_idx on emails using gin (workspace_id, "custom" jsonb_path_ops) where deleted_at is null;
create index emails_custom_days_idx on emails using gin (workspace_id, crm_days("custom")) where "custom" is not null and deleted_at is null;
alter table emails alter column workspace_id set (n_distinct = -0.0002);
alter table emails alter column search set statistics 200;
alter index emails_lexemes_idx alter column 1 set statistics 0;
alter index emails_custom_days_idx alter column 2 set statistics 0;
create or replace function emails_write(
  p_workspace text, p_at timestamptz, p_actor text, p_token text, p_agent text, p_reason text, p_request text, p_entry text, p_id text,
  p_creates boolean, p_versions integer[], p_cap integer, p_key text, p_fingerprint text, p_sent jsonb, p_initial jsonb, p_removed text[]
) returns setof emails language plpgsql as $$
declare
  n emails := jsonb_populate_record(null::emails, p_initial || p_sent);
  w emails;
begin
  if p_key is not null then
    insert into idempotency_keys (workspace_id, key, fingerprint, record_id, created_at)
      values (p_workspace, p_key, p_fingerprint, p_id, p_at) on conflict do nothing;
    if not found then
      return;
    end if;
  end if;
  if p_creates then
    insert into emails as r (workspace_id, id, "direction", "from", "to", "cc", "subject", "sent_at", "snippet", "thread_id", "message_id", "in_reply_to", "received_at", "provider", "provider_msg_id", "body", "body_html", "custom", version, created_at, created_by, updated_at, xid)
      values (p_workspace, p_id, coalesce(n."direction", case when n."from" is null then null when exists (select from memberships m join users u on u.id = m.user_id where m.workspace_id = p_workspace and u.email = n."from") then 'out' else 'in' end), n."from", nullif(n."to", '{}'), nullif(n."cc", '{}'), n."subject", n."sent_at", coalesce(n."snippet", crm_beginning(n."body", n."body_html")), coalesce(n."thread_id", coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (n."in_reply_to") and t."thread_id" is not null
            and t.deleted_at is null order by array_position(n."in_reply_to", t."message_id") desc limit 1), (n."in_reply_to")[1], n."message_id", p_id)), n."message_id", nullif(n."in_reply_to", '{}'), n."received_at", n."provider", n."provider_msg_id", n."body", n."body_html", nullif(n."custom", '{}'), 1, p_at, p_actor, p_at, pg_current_xact_id())
      on conflict (workspace_id, "message_id") where "message_id" is not null and deleted_at is null
      do update set "direction" = case when p_sent ? 'direction' then excluded."direction" when (p_sent ? 'from') and r."direction" is not distinct from case when r."from" is null then null when exists (select from memberships m join users u on u.id = m.user_id where m.workspace_id = p_workspace and u.email = r."from") then 'out' else 'in' end then case when case when p_sent ? 'from' then excluded."from" else r."from" end is null then null when exists (select from memberships m join users u on u.id = m.user_id where m.workspace_id = p_workspace and u.email = case when p_sent ? 'from' then excluded."from" else r."from" end) then 'out' else 'in' end else r."direction" end,
        "from" = case when p_sent ? 'from' then excluded."from" else r."from" end,
        "to" = case when p_sent ? 'to' then case when 'to.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."to", '{}') || array(select a from unnest(n."to") a where a <> all (coalesce(r."to", '{}')))) with ordinality u (t, i) where 'to.' || t <> all (p_removed) order by i), '{}') else n."to" end else r."to" end,
        "cc" = case when p_sent ? 'cc' then case when 'cc.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."cc", '{}') || array(select a from unnest(n."cc") a where a <> all (coalesce(r."cc", '{}')))) with ordinality u (t, i) where 'cc.' || t <> all (p_removed) order by i), '{}') else n."cc" end else r."cc" end,
        "subject" = case when p_sent ? 'subject' then excluded."subject" else r."subject" end,
        "sent_at" = case when p_sent ? 'sent_at' then excluded."sent_at" else r."sent_at" end,
        "snippet" = case when p_sent ? 'snippet' then excluded."snippet" when (p_sent ? 'body' or p_sent ? 'body_html') and r."snippet" is not distinct from crm_beginning(r."body", r."body_html") then crm_beginning(case when p_sent ? 'body' then excluded."body" else r."body" end, case when p_sent ? 'body_html' then excluded."body_html" else r."body_html" end) else r."snippet" end,
        "thread_id" = case when p_sent ? 'thread_id' then excluded."thread_id" when (p_sent ? 'in_reply_to') and r."thread_id" is not distinct from coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (r."in_reply_to") and t."thread_id" is not null
            and t.deleted_at is null order by array_position(r."in_reply_to", t."message_id") desc limit 1), (r."in_reply_to")[1], r."message_id", r.id) then coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (case when p_sent ? 'in_reply_to' then excluded."in_reply_to" else r."in_reply_to" end) and t."thread_id" is not null
            and t.deleted_at is null order by array_position(case when p_sent ? 'in_reply_to' then excluded."in_reply_to" else r."in_reply_to" end, t."message_id") desc limit 1), (case when p_sent ? 'in_reply_to' then excluded."in_reply_to" else r."in_reply_to" end)[1], r."message_id", r.id) else r."thread_id" end,
        "in_reply_to" = case when p_sent ? 'in_reply_to' then case when 'in_reply_to.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."in_reply_to", '{}') || array(select a from unnest(n."in_reply_to") a where a <> all (coalesce(r."in_reply_to", '{}')))) with ordinality u (t, i) where 'in_reply_to.' || t <> all (p_removed) order by i), '{}') else n."in_reply_to" end else r."in_reply_to" end,
        "received_at" = case when p_sent ? 'received_at' then excluded."received_at" else r."received_at" end,
        "provider" = case when p_sent ? 'provider' then excluded."provider" else r."provider" end,
        "provider_msg_id" = case when p_sent ? 'provider_msg_id' then excluded."provider_msg_id" else r."provider_msg_id" end,
        "body" = case when p_sent ? 'body' then excluded."body" else r."body" end,
        "body_html" = case when p_sent ? 'body_html' then excluded."body_html" else r."body_html" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, excluded.updated_at), xid = greatest(pg_current_xact_id(), r.xid)
      where (p_versions is null or r.version = any (p_versions))
        and (r."direction", r."from", r."to", r."cc", r."subject", r."sent_at", r."snippet", r."thread_id", r."in_reply_to", r."received_at", r."provider", r."provider_msg_id", r."body", r."body_html", r."custom") is distinct from (case when p_sent ? 'direction' then excluded."direction" when (p_sent ? 'from') and r."direction" is not distinct from case when r."from" is null then null when exists (select from memberships m join users u on u.id = m.user_id where m.workspace_id = p_workspace and u.email = r."from") then 'out' else 'in' end then case when case when p_sent ? 'from' then excluded."from" else r."from" end is null then null when exists (select from memberships m join users u on u.id = m.user_id where m.workspace_id = p_workspace and u.email = case when p_sent ? 'from' then excluded."from" else r."from" end) then 'out' else 'in' end else r."direction" end, case when p_sent ? 'from' then excluded."from" else r."from" end, case when p_sent ? 'to' then case when 'to.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."to", '{}') || array(select a from unnest(n."to") a where a <> all (coalesce(r."to", '{}')))) with ordinality u (t, i) where 'to.' || t <> all (p_removed) order by i), '{}') else n."to" end else r."to" end, case when p_sent ? 'cc' then case when 'cc.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."cc", '{}') || array(select a from unnest(n."cc") a where a <> all (coalesce(r."cc", '{}')))) with ordinality u (t, i) where 'cc.' || t <> all (p_removed) order by i), '{}') else n."cc" end else r."cc" end, case when p_sent ? 'subject' then excluded."subject" else r."subject" end, case when p_sent ? 'sent_at' then excluded."sent_at" else r."sent_at" end, case when p_sent ? 'snippet' then excluded."snippet" when (p_sent ? 'body' or p_sent ? 'body_html') and r."snippet" is not distinct from crm_beginning(r."body", r."body_html") then crm_beginning(case when p_sent ? 'body' then excluded."body" else r."body" end, case when p_sent ? 'body_html' then excluded."body_html" else r."body_html" end) else r."snippet" end, case when p_sent ? 'thread_id' then excluded."thread_id" when (p_sent ? 'in_reply_to') and r."thread_id" is not distinct from coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (r."in_reply_to") and t."thread_id" is not null
            and t.deleted_at is null order by array_position(r."in_reply_to", t."message_id") desc limit 1), (r."in_reply_to")[1], r."message_id", r.id) then coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (case when p_sent ? 'in_reply_to' then excluded."in_reply_to" else r."in_reply_to" end) and t."thread_id" is not null
            and t.deleted_at is null order by array_position(case when p_sent ? 'in_reply_to' then excluded."in_reply_to" else r."in_reply_to" end, t."message_id") desc limit 1), (case when p_sent ? 'in_reply_to' then excluded."in_reply_to" else r."in_reply_to" end)[1], r."message_id", r.id) else r."thread_id" end, case when p_sent ? 'in_reply_to' then case when 'in_reply_to.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."in_reply_to", '{}') || array(select a from unnest(n."in_reply_to") a where a <> all (coalesce(r."in_reply_to", '{}')))) with ordinality u (t, i) where 'in_reply_to.' || t <> all (p_removed) order by i), '{}') else n."in_reply_to" end else r."in_reply_to" end, case when p_sent ? 'received_at' then excluded."received_at" else r."received_at" end, case when p_sent ? 'provider' then excluded."provider" else r."provider" end, case when p_sent ? 'provider_msg_id' then excluded."provider_msg_id" else r."provider_msg_id" end, case when p_sent ? 'body' then excluded."body" else r."body" end, case when p_sent ? 'body_html' then excluded."body_html" else r."body_html" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
  else
    update emails r set "direction" = case when p_sent ? 'direction' then n."direction" when (p_sent ? 'from') and r."direction" is not distinct from case when r."from" is null then null when exists (select from memberships m join users u on u.id = m.user_id where m.workspace_id = p_workspace and u.email = r."from") then 'out' else 'in' end then case when case when p_sent ? 'from' then n."from" else r."from" end is null then null when exists (select from memberships m join users u on u.id = m.user_id where m.workspace_id = p_workspace and u.email = case when p_sent ? 'from' then n."from" else r."from" end) then 'out' else 'in' end else r."direction" end,
        "from" = case when p_sent ? 'from' then n."from" else r."from" end,
        "to" = case when p_sent ? 'to' then case when 'to.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."to", '{}') || array(select a from unnest(n."to") a where a <> all (coalesce(r."to", '{}')))) with ordinality u (t, i) where 'to.' || t <> all (p_removed) order by i), '{}') else n."to" end else r."to" end,
        "cc" = case when p_sent ? 'cc' then case when 'cc.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."cc", '{}') || array(select a from unnest(n."cc") a where a <> all (coalesce(r."cc", '{}')))) with ordinality u (t, i) where 'cc.' || t <> all (p_removed) order by i), '{}') else n."cc" end else r."cc" end,
        "subject" = case when p_sent ? 'subject' then n."subject" else r."subject" end,
        "sent_at" = case when p_sent ? 'sent_at' then n."sent_at" else r."sent_at" end,
        "snippet" = case when p_sent ? 'snippet' then n."snippet" when (p_sent ? 'body' or p_sent ? 'body_html') and r."snippet" is not distinct from crm_beginning(r."body", r."body_html") then crm_beginning(case when p_sent ? 'body' then n."body" else r."body" end, case when p_sent ? 'body_html' then n."body_html" else r."body_html" end) else r."snippet" end,
        "thread_id" = case when p_sent ? 'thread_id' then n."thread_id" when (p_sent ? 'in_reply_to') and r."thread_id" is not distinct from coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (r."in_reply_to") and t."thread_id" is not null
            and t.deleted_at is null order by array_position(r."in_reply_to", t."message_id") desc limit 1), (r."in_reply_to")[1], r."message_id", r.id) then coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (case when p_sent ? 'in_reply_to' then n."in_reply_to" else r."in_reply_to" end) and t."thread_id" is not null
            and t.deleted_at is null order by array_position(case when p_sent ? 'in_reply_to' then n."in_reply_to" else r."in_reply_to" end, t."message_id") desc limit 1), (case when p_sent ? 'in_reply_to' then n."in_reply_to" else r."in_reply_to" end)[1], r."message_id", r.id) else r."thread_id" end,
        "message_id" = case when p_sent ? 'message_id' then n."message_id" else r."message_id" end,
        "in_reply_to" = case when p_sent ? 'in_reply_to' then case when 'in_reply_to.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."in_reply_to", '{}') || array(select a from unnest(n."in_reply_to") a where a <> all (coalesce(r."in_reply_to", '{}')))) with ordinality u (t, i) where 'in_reply_to.' || t <> all (p_removed) order by i), '{}') else n."in_reply_to" end else r."in_reply_to" end,
        "received_at" = case when p_sent ? 'received_at' then n."received_at" else r."received_at" end,
        "provider" = case when p_sent ? 'provider' then n."provider" else r."provider" end,
        "provider_msg_id" = case when p_sent ? 'provider_msg_id' then n."provider_msg_id" else r."provider_msg_id" end,
        "body" = case when p_sent ? 'body' then n."body" else r."body" end,
        "body_html" = case when p_sent ? 'body_html' then n."body_html" else r."body_html" end,
        "custom" = case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end,
        version = r.version + 1, updated_at = crm_after(r.updated_at, p_at), xid = greatest(pg_current_xact_id(), r.xid)
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null
        and (p_versions is null or r.version = any (p_versions))
        and (r."direction", r."from", r."to", r."cc", r."subject", r."sent_at", r."snippet", r."thread_id", r."message_id", r."in_reply_to", r."received_at", r."provider", r."provider_msg_id", r."body", r."body_html", r."custom") is distinct from (case when p_sent ? 'direction' then n."direction" when (p_sent ? 'from') and r."direction" is not distinct from case when r."from" is null then null when exists (select from memberships m join users u on u.id = m.user_id where m.workspace_id = p_workspace and u.email = r."from") then 'out' else 'in' end then case when case when p_sent ? 'from' then n."from" else r."from" end is null then null when exists (select from memberships m join users u on u.id = m.user_id where m.workspace_id = p_workspace and u.email = case when p_sent ? 'from' then n."from" else r."from" end) then 'out' else 'in' end else r."direction" end, case when p_sent ? 'from' then n."from" else r."from" end, case when p_sent ? 'to' then case when 'to.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."to", '{}') || array(select a from unnest(n."to") a where a <> all (coalesce(r."to", '{}')))) with ordinality u (t, i) where 'to.' || t <> all (p_removed) order by i), '{}') else n."to" end else r."to" end, case when p_sent ? 'cc' then case when 'cc.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."cc", '{}') || array(select a from unnest(n."cc") a where a <> all (coalesce(r."cc", '{}')))) with ordinality u (t, i) where 'cc.' || t <> all (p_removed) order by i), '{}') else n."cc" end else r."cc" end, case when p_sent ? 'subject' then n."subject" else r."subject" end, case when p_sent ? 'sent_at' then n."sent_at" else r."sent_at" end, case when p_sent ? 'snippet' then n."snippet" when (p_sent ? 'body' or p_sent ? 'body_html') and r."snippet" is not distinct from crm_beginning(r."body", r."body_html") then crm_beginning(case when p_sent ? 'body' then n."body" else r."body" end, case when p_sent ? 'body_html' then n."body_html" else r."body_html" end) else r."snippet" end, case when p_sent ? 'thread_id' then n."thread_id" when (p_sent ? 'in_reply_to') and r."thread_id" is not distinct from coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (r."in_reply_to") and t."thread_id" is not null
            and t.deleted_at is null order by array_position(r."in_reply_to", t."message_id") desc limit 1), (r."in_reply_to")[1], r."message_id", r.id) then coalesce((select t."thread_id" from emails t where t.workspace_id = p_workspace and t."message_id" = any (case when p_sent ? 'in_reply_to' then n."in_reply_to" else r."in_reply_to" end) and t."thread_id" is not null
            and t.deleted_at is null order by array_position(case when p_sent ? 'in_reply_to' then n."in_reply_to" else r."in_reply_to" end, t."message_id") desc limit 1), (case when p_sent ? 'in_reply_to' then n."in_reply_to" else r."in_reply_to" end)[1], r."message_id", r.id) else r."thread_id" end, case when p_sent ? 'message_id' then n."message_id" else r."message_id" end, case when p_sent ? 'in_reply_to' then case when 'in_reply_to.,' = any (p_removed) then nullif(array(select t from unnest(coalesce(r."in_reply_to", '{}') || array(select a from unnest(n."in_reply_to") a where a <> all (coalesce(r."in_reply_to", '{}')))) with ordinality u (t, i) where 'in_reply_to.' || t <> all (p_removed) order by i), '{}') else n."in_reply_to" end else r."in_reply_to" end, case when p_sent ? 'received_at' then n."received_at" else r."received_at" end, case when p_sent ? 'provider' then n."provider" else r."provider" end, case when p_sent ? 'provider_msg_id' then n."provider_msg_id" else r."provider_msg_id" end, case when p_sent ? 'body' then n."body" else r."body" end, case when p_sent ? 'body_html' then n."body_html" else r."body_html" end, case when p_sent ? 'custom' then nullif((coalesce(r."custom", '{}') || n."custom") - array(select substr(k, 8) from unnest(p_removed) k where starts_with(k, 'custom.')), '{}') else r."custom" end)
      returning r.* into w;
  end if;
  if w.id is null then
    if p_key is not null and not p_creates and not exists (select from emails r
      where r.workspace_id = p_workspace and right(r.id, 8) = right(p_id, 8) and right(r.id, length(p_id)) = p_id and r.deleted_at is null and (p_versions is null or r.version = any (p_versions))) then
      delete from idempotency_keys where workspace_id = p_workspace and key = p_key;
    end if;
    return;
  end if;
  if w.version = 1 and p_cap is not null then
    insert into usage as u (workspace_id, kind, used, cap) values (p_workspace, 'email', 1, p_cap)
      on conflict (workspace_id, kind) do update set used = u.used + 1, cap = excluded.cap;
  end if;
  if w.version = 1 or p_sent ?| array['from', 'to', 'cc', 'sent_at'] then
    if w.version > 1 then
      delete from mentions m where m.workspace_id = p_workspace and m.record_id = w.id;
    end if;
    insert into mentions (workspace_id, kind, value, at, record_id)
      select p_workspace, 'email', v, w."sent_at", w.id from unnest(crm_mentioned(array[w."from"] || w."to" || w."cc")) v;
  end if;
  w.search := null;
  insert into changes (workspace_id, id, kind, record_id, version, action, at, actor, token_id, agent, reason, request_id, cause, xid, row)
    select p_workspace, p_entry, 'email', w.id, w.version, case when w.version = 1 then 'created' else 'updated' end, w.updated_at, p_actor, p_token, p_agent, p_reason, p_request, null,
      greatest(pg_current_xact_id(), w.xid), case when w.version = 1 or w.version % 32 = 0 or coalesce(case when not p_sent ? 'body' then octet_length(w."body") end, 0) + coalesce(case when not p_sent ? 'body_html' then octet_length(w."body_html") end, 0) + coalesce(case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end, 0) < 8000 then to_jsonb(w) - '{workspace_id,search,xid}'::text[]
        else (select to_jsonb(w) - '{workspace_id,search,xid}'::text[] - array(select jsonb_object_keys(sizes)) || jsonb_build_object('=', sizes)
          from jsonb_strip_nulls(jsonb_build_object('body', case when not p_sent ? 'body' then octet_length(w."body") end, 'body_html', case when not p_sent ? 'body_html' then octet_length(w."body_html") end, 'custom', case when not p_sent ? 'custom' then pg_column_size(w."custom" #> '{}') end)) sizes) end;
  return next w;
end $$;

