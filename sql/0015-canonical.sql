-- One form of a text before it is compared. From here on every text is stored in Unicode's composed form (NFC), names without blanks around them
-- and with one between words, addresses with a domain in letters; and what search and `like` compare is folded by compatibility (NFKC) as well,
-- so that full-width and other variants of a character are that character.
--
-- Rows that are here already take the same forms, without a new version and without an entry in the history, for nothing was said differently.
-- WHERE TWO ROWS WOULD BECOME ONE by their form (an e-mail address, a domain, a user, an invite), the one that has the form already keeps it, else
-- the older takes it, and THE NEWER ROW STAYS AS IT IS: a list and a search show it, no other spelling finds it, and who gives it another value
-- puts an end to that. A user who stays so signs in as the older one; an admin invites that one to the newer's workspaces. Of a name in which nothing
-- can be seen the address takes the place, where there is one.
--
-- Writes wait while this runs: it reads through all records, and writes anew those that change.

lock table activities, tasks, deals, contacts, companies in share row exclusive mode;

-- Of plain ASCII there are no accents and but one lower case. To compose a text takes longer than all the rest, so that is done only where it would
-- change something; of the letters of Latin that are named here it would not.
create or replace function crm_fold(value text) returns text
  language plpgsql immutable strict parallel safe
  as $$
begin
  if pg_catalog.octet_length(value) = pg_catalog.length(value) then
    return pg_catalog.lower(value collate pg_catalog."C");
  end if;
  if value ~ E'[^\x01-\u009f\u00a1-\u00a7\u00a9\u00ab-\u00ae\u00b0\u00b1\u00b6\u00b7\u00bb\u00bf-\u0131\u0134-\u013e\u0141-\u0148\u014a-\u017e]'
    and not pg_catalog.is_normalized(value, 'NFKC') then
    value := pg_catalog.normalize(value, 'NFKC');
  end if;
  value := pg_catalog.lower(public.unaccent('public.unaccent'::pg_catalog.regdictionary, value) collate pg_catalog."default");
  return pg_catalog.replace(value, 'ς', 'σ');
end $$;

-- The digits of a phone number, by which it is found however it is written: without the zeros before it and the one in parentheses that is not
-- dialled, those of every script as 0 to 9. One line for each number of a field that holds several, and for
--   a number with an extension    the number, and both together
--   a zero after the country      without it, and with it, for in some countries it is dialled: +64 (04) 233 0004, +39 06 1234
create or replace function crm_digits(phone text) returns text
  language plpgsql immutable strict parallel safe
  as $$
declare
  plain text := pg_catalog.translate(phone, '+ ().-', '');
  value text := phone;
  zero integer;
  part text;
  number text;
  lines text[] := '{}';
begin
  if pg_catalog.ltrim(plain, '0123456789') = '' and pg_catalog.strpos(pg_catalog.substr(phone, 2), '+') = 0
    and pg_catalog.strpos(pg_catalog.replace(phone, ' ', ''), '(0') = 0 and phone !~ '^(\+|00) ?[1-9][0-9]{0,2}[^0-9]+0' then
    return pg_catalog.ltrim(plain, '0');
  end if;
  if pg_catalog.octet_length(value) > pg_catalog.length(value) then
    value := pg_catalog.normalize(value, 'NFKC');
    if pg_catalog.octet_length(value) > pg_catalog.length(value) then
      foreach zero in array array[
    1632, 1776, 1984, 2406, 2534, 2662, 2790, 2918, 3046, 3174, 3302, 3430, 3558, 3664, 3792, 3872, 4160, 4240, 6112, 6160, 6470, 
    6608, 6784, 6800, 6992, 7088, 7232, 7248, 42528, 43216, 43264, 43472, 43504, 43600, 44016, 66720, 68912, 68928, 69734, 69872, 
    69942, 70096, 70384, 70736, 70864, 71248, 71360, 71376, 71386, 71472, 71904, 72016, 72688, 72784, 73040, 73120, 73184, 73552, 
    90416, 92768, 92864, 93008, 93552, 123200, 123632, 124144, 124401, 125264
      ] loop
        value := pg_catalog.translate(value, (select pg_catalog.string_agg(pg_catalog.chr(zero + n), '' order by n) from pg_catalog.generate_series(0, 9) n), '0123456789');
      end loop;
    end if;
  end if;
  value := pg_catalog.regexp_replace(value, '\( *0 *\)', '', 'g');
  -- What stands between the digits of one number; all else, and a +, begins another, as a / does between two that are long enough.
  value := pg_catalog.regexp_replace(value, E'[^0-9+ ().\\-/\u00a0-\u00bf\u2000-\u2027\u202a-\u206f\u2212]+', E'\n', 'g');
  value := pg_catalog.regexp_replace(pg_catalog.replace(value, '+', E'\n+'), E'((?:[0-9][^0-9/\n]*){6})/(?=(?:[^0-9/\n]*[0-9]){6})', E'\\1\n', 'g');
  foreach part in array pg_catalog.string_to_array(value, E'\n') loop
    number := pg_catalog.ltrim(pg_catalog.regexp_replace(part, '[^0-9]+', '', 'g'), '0');
    continue when pg_catalog.length(number) < 6;
    lines := lines || number;
    if part ~ '^[^0-9+]*(\+|00)[^0-9]*[1-9][0-9]{0,2}[^0-9]+0' then
      lines := lines || pg_catalog.regexp_replace(
        pg_catalog.regexp_replace(part, '^([^0-9+]*(?:\+|00)[^0-9]*[1-9][0-9]{0,2})[^0-9]+0+', '\1'), '^0+|[^0-9]+', '', 'g');
    end if;
  end loop;
  number := pg_catalog.ltrim(pg_catalog.regexp_replace(value, '[^0-9]+', '', 'g'), '0');
  if pg_catalog.cardinality(lines) < 2 and number <> all (lines) then
    lines := lines || number;
  end if;
  return pg_catalog.array_to_string(lines, E'\n');
end $$;

-- Only for this migration: the forms that records/textKinds.ts gives to what is written.

create function crm_was_phrase(value text) returns text
  language plpgsql immutable strict
  as $$
begin
  if value ~ '^([!-~]| (?! ))*$' then
    return pg_catalog.btrim(value);
  end if;
  return pg_catalog.btrim(pg_catalog.regexp_replace(pg_catalog.normalize(value, 'NFC'),
    E'[\x09-\x0d \u0085\u00a0\u1680\u180e\u2000-\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]+', ' ', 'g'));
end $$;

-- Punycode (RFC 3492, section 6.2). A label that is none, or that would not come out in the form that is stored, stays as it is.
create function crm_was_label(label text) returns text
  language plpgsql immutable strict
  as $$
declare
  rest text := pg_catalog.substr(label, 5);
  basic integer := pg_catalog.length(rest) - pg_catalog.strpos(pg_catalog.reverse(rest), '-');
  letters text[] := '{}';
  n bigint := 128; i bigint := 0; bias bigint := 72;
  old bigint; weight bigint; k bigint; threshold bigint; digit bigint; delta bigint;
  at integer; size bigint; shown text;
begin
  if label not like 'xn--%' then
    return pg_catalog.lower(pg_catalog.normalize(label, 'NFKC') collate pg_catalog."default");
  end if;
  if pg_catalog.strpos(rest, '-') > 0 then
    letters := pg_catalog.string_to_array(pg_catalog.left(rest, basic), null);
    at := basic + 2;
  else
    at := 1;
  end if;
  while at <= pg_catalog.length(rest) loop
    old := i; weight := 1; k := 36;
    loop
      digit := pg_catalog.strpos('abcdefghijklmnopqrstuvwxyz0123456789', pg_catalog.substr(rest, at, 1)) - 1;
      if digit < 0 or at > pg_catalog.length(rest) then return label; end if;
      at := at + 1;
      i := i + digit * weight;
      threshold := case when k <= bias then 1 when k >= bias + 26 then 26 else k - bias end;
      exit when digit < threshold;
      weight := weight * (36 - threshold);
      k := k + 36;
    end loop;
    size := pg_catalog.cardinality(letters) + 1;
    delta := case when old = 0 then (i - old) / 700 else (i - old) / 2 end;
    delta := delta + delta / size;
    k := 0;
    while delta > 455 loop
      delta := delta / 35;
      k := k + 36;
    end loop;
    bias := k + 36 * delta / (delta + 38);
    n := n + i / size;
    i := i % size;
    letters := letters[1:i] || pg_catalog.chr(n::integer) || letters[i + 1:];
    i := i + 1;
  end loop;
  shown := pg_catalog.array_to_string(letters, '');
  if pg_catalog.octet_length(shown) = pg_catalog.length(shown)
    or shown <> pg_catalog.lower(pg_catalog.normalize(shown, 'NFKC') collate pg_catalog."default") then
    return label;
  end if;
  return shown;
exception when others then
  return label;
end $$;

create function crm_was_domain(value text) returns text
  language plpgsql immutable strict
  as $$
begin
  if value ~ '^[!-~]*$' and value not like '%xn--%' then
    return value;
  end if;
  return (select pg_catalog.string_agg(crm_was_label(label), '.' order by at)
    from pg_catalog.string_to_table(value, '.') with ordinality as part (label, at));
end $$;

create function crm_was_address(value text) returns text
  language plpgsql immutable strict
  as $$
begin
  if value ~ '^[!-~]*$' and value not like '%xn--%' then
    return pg_catalog.lower(value);
  end if;
  return pg_catalog.lower(pg_catalog.normalize(pg_catalog.regexp_replace(value, '@[^@]*$', ''), 'NFC') collate pg_catalog."default")
    || '@' || crm_was_domain(pg_catalog.lower(pg_catalog.regexp_replace(value, '^.*@', '') collate pg_catalog."default"));
end $$;

create function crm_was_person(value text) returns text
  language plpgsql immutable strict
  as $$
declare
  name text := crm_was_phrase(value);
begin
  return case when name ~ '^[^@ ,<>]+@[^@ ,<>]+\.[^@ ,<>]+$' then crm_was_address(name) else name end;
end $$;

create function crm_was_tags(list text[]) returns text[]
  language sql immutable strict
  return (select array_agg(tag order by at) from (
    select normalize(tag, NFC) as tag, min(at) as at from unnest(list) with ordinality as part (tag, at) group by 1) each);

-- Keys and texts of JSON. An escape before a mark would be taken for its letter, and two keys that become one would lose a value: such stays as it is.
create function crm_was_json(value jsonb) returns jsonb
  language plpgsql immutable strict
  as $$
declare
  written text := value::text;
  composed text := pg_catalog.normalize(written, 'NFC');
begin
  if composed = written or written ~ E'\\\\.[\u0300-\u036f\u3099\u309a]' or pg_catalog.length(composed::jsonb::text) <> pg_catalog.length(composed) then
    return value;
  end if;
  return composed::jsonb;
end $$;

update users u set email = each.form from (
  select id, email, crm_was_address(email) as form,
    row_number() over (partition by crm_was_address(email) order by email = crm_was_address(email) desc, created_at, id) as place from users) each
  where u.id = each.id and each.place = 1 and each.form <> u.email;
update invites i set email = each.form from (
  select id, crm_was_address(email) as form,
    row_number() over (partition by workspace_id, crm_was_address(email) order by email = crm_was_address(email) desc, created_at, id) as place from invites) each
  where i.id = each.id and each.place = 1 and each.form <> i.email;
update invites set invited_by = crm_was_person(invited_by) where invited_by <> crm_was_person(invited_by);
update workspaces set name = crm_was_phrase(name) where name <> crm_was_phrase(name) and crm_was_phrase(name) <> '';
update tokens set name = coalesce(nullif(crm_was_phrase(name), ''), 'default') where name <> crm_was_phrase(name) or name = '';
update changes set actor = crm_was_person(actor) where actor !~ '^[!-~]*$' or actor like '%xn--%';
update changes set reason = normalize(reason, NFC), agent = normalize(agent, NFC) where reason is not nfc normalized or agent is not nfc normalized;

update companies r set domain = each.form from (
  select workspace_id, id, crm_was_domain(domain) as form, row_number() over (partition by workspace_id, crm_was_domain(domain), deleted_at is null
    order by domain = crm_was_domain(domain) desc, created_at, id) as place, deleted_at from companies
    where domain !~ '^[!-~]*$' or domain like '%xn--%') each
  where r.workspace_id = each.workspace_id and r.id = each.id and r.domain <> each.form and (each.deleted_at is not null or each.place = 1);
update contacts r set email = each.form from (
  select workspace_id, id, crm_was_address(email) as form, row_number() over (partition by workspace_id, crm_was_address(email), deleted_at is null
    order by email = crm_was_address(email) desc, created_at, id) as place, deleted_at from contacts
    where email !~ '^[!-~]*$' or email like '%xn--%') each
  where r.workspace_id = each.workspace_id and r.id = each.id and r.email <> each.form and (each.deleted_at is not null or each.place = 1);

update companies set
    name = coalesce(nullif(crm_was_phrase(name), ''), domain, name), industry = nullif(crm_was_phrase(industry), ''), owner = nullif(crm_was_person(owner), ''),
    phone = normalize(phone, NFC), tags = crm_was_tags(tags), notes = normalize(notes, NFC), custom = crm_was_json(custom), created_by = crm_was_person(created_by)
  where name <> crm_was_phrase(name) or industry <> crm_was_phrase(industry) or owner <> crm_was_person(owner) or phone is not nfc normalized
    or crm_words(tags) is not nfc normalized or notes is not nfc normalized or custom <> crm_was_json(custom) or created_by <> crm_was_person(created_by);
update contacts set
    name = coalesce(nullif(crm_was_phrase(name), ''), email, name), title = nullif(crm_was_phrase(title), ''), stage = nullif(crm_was_phrase(stage), ''),
    owner = nullif(crm_was_person(owner), ''), phone = normalize(phone, NFC), tags = crm_was_tags(tags), follow_up_note = normalize(follow_up_note, NFC),
    notes = normalize(notes, NFC), custom = crm_was_json(custom), created_by = crm_was_person(created_by)
  where name <> crm_was_phrase(name) or title <> crm_was_phrase(title) or stage <> crm_was_phrase(stage) or owner <> crm_was_person(owner)
    or phone is not nfc normalized or crm_words(tags) is not nfc normalized or follow_up_note is not nfc normalized or notes is not nfc normalized
    or custom <> crm_was_json(custom) or created_by <> crm_was_person(created_by);
update deals set
    title = coalesce(nullif(crm_was_phrase(title), ''), title), stage = nullif(crm_was_phrase(stage), ''), owner = nullif(crm_was_person(owner), ''),
    tags = crm_was_tags(tags), follow_up_note = normalize(follow_up_note, NFC), notes = normalize(notes, NFC), custom = crm_was_json(custom),
    created_by = crm_was_person(created_by)
  where title <> crm_was_phrase(title) or stage <> crm_was_phrase(stage) or owner <> crm_was_person(owner) or crm_words(tags) is not nfc normalized
    or follow_up_note is not nfc normalized or notes is not nfc normalized or custom <> crm_was_json(custom) or created_by <> crm_was_person(created_by);
update tasks set
    title = coalesce(nullif(crm_was_phrase(title), ''), title), assignee = nullif(crm_was_person(assignee), ''), tags = crm_was_tags(tags),
    notes = normalize(notes, NFC), custom = crm_was_json(custom), created_by = crm_was_person(created_by)
  where title <> crm_was_phrase(title) or assignee <> crm_was_person(assignee) or crm_words(tags) is not nfc normalized or notes is not nfc normalized
    or custom <> crm_was_json(custom) or created_by <> crm_was_person(created_by);
update activities set body = normalize(body, NFC), custom = crm_was_json(custom), created_by = crm_was_person(created_by)
  where body is not nfc normalized or custom <> crm_was_json(custom) or created_by <> crm_was_person(created_by);

drop function crm_was_phrase, crm_was_domain, crm_was_label, crm_was_address, crm_was_person, crm_was_tags, crm_was_json;

-- The searched text of rows that are folded in another way now: setting a column makes a generated one anew. Of plain ASCII it is what it was.
update companies set name = name
  where search is distinct from crm_fold(crm_lines(name, domain, industry, phone, crm_digits(phone), crm_words(tags), notes));
update contacts set name = name
  where search is distinct from crm_fold(crm_lines(name, email, phone, crm_digits(phone), title, crm_words(tags), follow_up_note, notes));
update deals set title = title where search is distinct from crm_fold(crm_lines(title, stage, crm_words(tags), follow_up_note, notes));
update tasks set title = title where search is distinct from crm_fold(crm_lines(title, crm_words(tags), notes));
update activities set body = body where search is distinct from crm_fold(coalesce(body, ''));

-- A record that others link to is found by its name, whatever case and accents; the first 200 characters lead there.
create index if not exists companies_called_idx on companies (workspace_id, "left"(crm_fold(name), 200)) where deleted_at is null;
create index if not exists contacts_called_idx on contacts (workspace_id, "left"(crm_fold(name), 200)) where deleted_at is null;
create index if not exists deals_called_idx on deals (workspace_id, "left"(crm_fold(title), 200)) where deleted_at is null;

analyze companies, contacts, deals, activities, tasks;
