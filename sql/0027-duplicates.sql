-- What two records that are one have in common, as keys that an index orders: the sound of a name, an address without what can be left out, the end
-- of a phone number, the stem of a domain. Records of one key are compared with each other, and with no others.
--
-- Writes wait while seven indexes are built: some minutes with a million contacts.

-- Pairs that somebody judged different. `a` is the lesser id.
create table dismissed_pairs (
  workspace_id text collate "C" not null,
  a text collate "C" not null,
  b text collate "C" not null,
  at timestamptz not null,
  actor text collate "C" not null,
  primary key (workspace_id, a, b)
);
create index dismissed_pairs_b_idx on dismissed_pairs (workspace_id, b);

-- Records that were erased for good: of each only its empty row stays, and of its history who did what when.
create table purged_records (
  workspace_id text collate "C" not null,
  id text collate "C" not null,
  at timestamptz not null,
  actor text collate "C" not null,
  primary key (workspace_id, id)
);
alter table changes drop constraint changes_action_check,
  add constraint changes_action_check check (action in ('created', 'updated', 'deleted', 'restored', 'purged'));

-- How a word sounds, roughly and in several languages: its first letter and its consonants, those that are written for one another as one.
create function crm_sound(word text) returns text
  language plpgsql immutable strict parallel safe
  as $$
declare
  value text := word;
begin
  if pg_catalog.octet_length(value) <> pg_catalog.length(value) then
    return value;
  end if;
  value := pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(value, 'sch', 's'), 'ph', 'f'), 'ch', 'k'), 'dt', 't');
  value := pg_catalog.translate(value, 'cqzvwyh', 'kksffi');
  value := pg_catalog.left(value, 1) || pg_catalog.translate(pg_catalog.substr(value, 2), 'aeiou', '');
  return pg_catalog.regexp_replace(value, '(.)\1+', '\1', 'g');
end $$;

-- The words of a person's name, the family name last: without titles, and with a nickname as the name it stands for.
create function crm_person_words(name text) returns text[]
  language plpgsql immutable strict parallel safe
  as $$
declare
  value text := pg_catalog.replace(pg_catalog.replace(public.crm_fold(pg_catalog.left(name, 200)), '''', ''), '’', '');
  part text;
  words text[] := '{}';
begin
  if value like '%,%' then
    value := pg_catalog.split_part(value, ',', 2) || ' ' || pg_catalog.split_part(value, ',', 1);
  end if;
  foreach part in array pg_catalog.string_to_array(public.crm_split(value, ' '), ' ') loop
    -- Written where they are used: as variables they would be copied with each call.
    if part <> '' and part <> all ('{dr,prof,mr,mrs,ms,miss,mx,sir,herr,frau,dipl,ing,mme,mlle,sr,jr,phd,md,mba,msc,bsc,esq,ii,iii}') then
      words := words || coalesce('{
        "bob":"robert","rob":"robert","bobby":"robert","robbie":"robert","bert":"robert","bill":"william","will":"william","billy":"william",
        "willy":"william","liam":"william","jim":"james","jimmy":"james","jamie":"james","jack":"john","johnny":"john","jon":"john","dick":"richard",
        "rick":"richard","rich":"richard","ricky":"richard","mike":"michael","mick":"michael","mickey":"michael","tom":"thomas","tommy":"thomas",
        "dave":"david","davy":"david","dan":"daniel","danny":"daniel","joe":"joseph","joey":"joseph","chuck":"charles","charlie":"charles","ted":"edward",
        "ed":"edward","eddie":"edward","ned":"edward","tony":"anthony","steve":"stephen","steven":"stephen","matt":"matthew","andy":"andrew",
        "drew":"andrew","alex":"alexander","sandy":"alexander","sasha":"alexander","sascha":"alexander","nick":"nicholas","greg":"gregory",
        "jeff":"jeffrey","geoff":"jeffrey","ken":"kenneth","kenny":"kenneth","larry":"lawrence","ron":"ronald","ronnie":"ronald","don":"donald",
        "tim":"timothy","sam":"samuel","sammy":"samuel","ben":"benjamin","benny":"benjamin","fred":"frederick","freddy":"frederick","hank":"henry",
        "harry":"henry","gene":"eugene","phil":"philip","phillip":"philip","pete":"peter","ray":"raymond","vince":"vincent","zach":"zachary","josh":"joshua",
        "nate":"nathaniel","nathan":"nathaniel","pat":"patrick","paddy":"patrick","chris":"christopher","liz":"elizabeth","beth":"elizabeth",
        "betty":"elizabeth","eliza":"elizabeth","lisa":"elizabeth","elisabeth":"elizabeth","kate":"katherine","kathy":"katherine","katie":"katherine",
        "cathy":"katherine","catherine":"katherine","kathryn":"katherine","katharina":"katherine","kati":"katherine","peggy":"margaret","maggie":"margaret",
        "meg":"margaret","greta":"margaret","gretchen":"margaret","margarete":"margaret","sue":"susan","susie":"susan","susanne":"susan","jenny":"jennifer",
        "jen":"jennifer","becky":"rebecca","debbie":"deborah","deb":"deborah","vicky":"victoria","tori":"victoria","mandy":"amanda","cindy":"cynthia",
        "abby":"abigail","nancy":"ann","anna":"ann","anne":"ann","annie":"ann","molly":"mary","polly":"mary","maria":"mary","marie":"mary","barb":"barbara",
        "babs":"barbara","chrissy":"christine","tina":"christine","christina":"christine","terry":"theresa","tess":"theresa","trish":"patricia",
        "patty":"patricia","hans":"johannes","hannes":"johannes","jo":"johannes","johann":"johannes","seppi":"josef","sepp":"josef","beppo":"josef",
        "uli":"ulrich","uwe":"ulrich","wolf":"wolfgang","kalle":"karl","fritz":"friedrich","heinz":"heinrich","heiner":"heinrich","klaus":"nikolaus",
        "claus":"nikolaus","niko":"nikolaus","matze":"matthias","flo":"florian","basti":"sebastian","bastian":"sebastian","toni":"anton","max":"maximilian",
        "steffi":"stefanie","stephanie":"stefanie","gabi":"gabriele","gaby":"gabriele","moni":"monika","conny":"cornelia","silke":"cecilia","heidi":"adelheid",
        "resi":"therese","franzi":"franziska","rudi":"rudolf","pepe":"jose","paco":"francisco","pancho":"francisco","curro":"francisco","nacho":"ignacio",
        "manolo":"manuel","lola":"dolores","concha":"concepcion","pili":"pilar","chema":"josemaria","quique":"enrique","beto":"alberto","memo":"guillermo",
        "gigi":"luigi","gianni":"giovanni","beppe":"giuseppe","peppe":"giuseppe","pino":"giuseppe","nino":"antonino","sandro":"alessandro",
        "gino":"luigi","lino":"angelo","manu":"emmanuel","fanfan":"francois","jojo":"joseph","ze":"jose","chico":"francisco","kuba":"jakub","asia":"joanna",
        "gosia":"malgorzata","kasia":"katarzyna","basia":"barbara","janek":"jan","tomek":"tomasz","misha":"mikhail","vanya":"ivan","kolya":"nikolai",
        "volodya":"vladimir","dima":"dmitri","katya":"ekaterina","tanya":"tatiana","natasha":"natalia","lena":"elena","alyosha":"alexei","zhenya":"evgeni"}'::pg_catalog.jsonb ->> part, part);
    end if;
  end loop;
  return words;
end $$;

-- Keys are said to be parallel unsafe, or PostgreSQL would walk their indexes with several workers: to merge what these find takes five times as
-- long as to walk alone.

-- The sound of the family name and the first letter of the given one: so `Jane Doe` meets `J. Doe` and `Doe, Jane`.
create function crm_person_key(name text) returns text
  language plpgsql immutable strict parallel unsafe
  as $$
declare
  words text[] := public.crm_person_words(name);
  last integer := pg_catalog.cardinality(words);
begin
  -- `Doe J`: the initial is not the family name.
  if last > 1 and pg_catalog.length(words[last]) = 1 and pg_catalog.length(words[1]) > 1 then
    return pg_catalog.left(public.crm_sound(words[1]) || ' ' || words[last], 200);
  end if;
  return pg_catalog.left(public.crm_sound(words[last]) || case when last > 1 then ' ' || pg_catalog.left(public.crm_sound(words[1]), 1) else '' end, 200);
end $$;

-- The sounds of all words in the order of letters: so `Jane Doe` meets `Doe Jane`.
create function crm_person_sounds(name text) returns text
  language plpgsql immutable strict parallel unsafe
  as $$
declare
  words text[] := public.crm_person_words(name);
  word text;
  sounds text[] := '{}';
begin
  if pg_catalog.cardinality(words) < 2 then
    return null;
  end if;
  foreach word in array words loop
    sounds := sounds || public.crm_sound(word);
  end loop;
  return pg_catalog.left((select pg_catalog.string_agg(s, ' ' order by s collate pg_catalog."C") from pg_catalog.unnest(sounds) s), 200);
end $$;

-- The words of an organisation's name without its legal form.
create function crm_organisation_words(name text) returns text[]
  language plpgsql immutable strict parallel safe
  as $$
declare
  part text;
  parts text[] := pg_catalog.string_to_array(public.crm_split(pg_catalog.replace(public.crm_fold(pg_catalog.left(name, 200)), '.', ''), ' '), ' ');
  words text[] := '{}';
begin
  foreach part in array parts loop
    if part <> '' and part <> all ('{gmbh,ag,kg,kgaa,ohg,ug,mbh,gbr,ev,eg,se,co,ltd,limited,llc,llp,lp,inc,incorporated,corp,corporation,company,plc,sa,sas,sarl,
      sasu,spa,srl,srls,sl,slu,bv,nv,oy,oyj,ab,as,asa,aps,kk,pty,pte,pvt,private,sro,doo,kft,zrt,spzoo,ooo,ltda,the,and,und,et,y,e}') then
      words := words || part;
    end if;
  end loop;
  return case when words = '{}' then pg_catalog.array_remove(parts, '') else words end;
end $$;

create function crm_organisation_key(name text) returns text
  language plpgsql immutable strict parallel unsafe
  as $$
begin
  return nullif(pg_catalog.left(public.crm_sound(pg_catalog.array_to_string(public.crm_organisation_words(name), '')), 200), '');
end $$;

-- An address without what it can be without: dots, what follows a +, and with one domain for all that lead to the same mailbox.
create function crm_mail_key(email text) returns text
  language plpgsql immutable strict parallel unsafe
  as $$
declare
  domain text := pg_catalog.split_part(email, '@', 2);
begin
  return pg_catalog.replace(pg_catalog.split_part(pg_catalog.split_part(email, '@', 1), '+', 1), '.', '') || '@'
    || case domain when 'googlemail.com' then 'gmail.com' when 'me.com' then 'icloud.com' when 'mac.com' then 'icloud.com'
      when 'protonmail.com' then 'proton.me' when 'pm.me' then 'proton.me' when 'ya.ru' then 'yandex.ru' else domain end;
end $$;

-- The end of the first number, which it has with and without its country.
create function crm_phone_key(phone text) returns text
  language plpgsql immutable strict parallel unsafe
  as $$
declare
  digits text := pg_catalog.split_part(public.crm_digits(phone), E'\n', 1);
begin
  return case when pg_catalog.length(digits) >= 6 then pg_catalog.right(digits, 7) end;
end $$;

-- `acme` of acme.com, shop.acme.de and acme.co.uk.
create function crm_domain_key(domain text) returns text
  language plpgsql immutable strict parallel unsafe
  as $$
declare
  labels text[] := pg_catalog.string_to_array(domain, '.');
  last integer := pg_catalog.cardinality(labels) - 1;
begin
  if last > 1 and labels[last] = any ('{co,com,org,net,gov,ac,edu,or,ne,gob,in,go}'::text[]) then
    last := last - 1;
  end if;
  return public.crm_fold(labels[greatest(last, 1)]);
end $$;

-- Generated from the declarations.
CREATE INDEX companies_same_stem_idx ON companies USING btree (workspace_id, crm_domain_key(domain), id) INCLUDE (domain) WHERE ((domain IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX companies_same_phone_idx ON companies USING btree (workspace_id, crm_phone_key(phone), id) INCLUDE (phone) WHERE ((phone IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX companies_same_organisation_idx ON companies USING btree (workspace_id, crm_organisation_key(name), id) INCLUDE (name) WHERE ((name IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX contacts_same_mailbox_idx ON contacts USING btree (workspace_id, crm_mail_key(email), id) INCLUDE (email) WHERE ((email IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX contacts_same_phone_idx ON contacts USING btree (workspace_id, crm_phone_key(phone), id) INCLUDE (phone) WHERE ((phone IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX contacts_same_sounds_idx ON contacts USING btree (workspace_id, crm_person_sounds(name), id) INCLUDE (name) WHERE ((name IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX contacts_same_person_idx ON contacts USING btree (workspace_id, crm_person_key(name), id) INCLUDE (name) WHERE ((name IS NOT NULL) AND (deleted_at IS NULL));
