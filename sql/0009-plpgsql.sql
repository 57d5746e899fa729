-- The same functions in PL/pgSQL, which keeps what it has planned for as long as a connection lasts. In SQL they are planned anew by every search,
-- and by every write of a record, for its generated column and for its index: a tenth of what a write costs PostgreSQL. Over many rows, as
-- with a filter that no index serves, folding takes half the time. They give what they gave, so that nothing is written anew.

create or replace function crm_fold(value text) returns text
  language plpgsql immutable strict parallel safe
  as $$
begin
  return pg_catalog.lower(public.unaccent('public.unaccent'::pg_catalog.regdictionary, value) collate pg_catalog."default");
end $$;

create or replace function crm_lexemes(workspace_id text, search text) returns tsvector
  language plpgsql immutable strict parallel safe
  as $$
declare
  word text := pg_catalog.right(workspace_id, 8) || ' ';
  titular text := pg_catalog.right(workspace_id, 8) || '=';
begin
  return pg_catalog.array_to_tsvector(pg_catalog.array_remove(pg_catalog.array_remove(pg_catalog.string_to_array(
    word || public.crm_split(search, E'\n' || word) || E'\n'
      || titular || public.crm_split(pg_catalog.split_part(search, E'\n', 1), E'\n' || titular), E'\n'), word), titular));
end $$;

-- Still said to be parallel unsafe, for the reason given in 0008.
create or replace function crm_lexeme_query(workspace_id text, mark text, search text, ending text) returns tsquery
  language plpgsql immutable strict parallel unsafe
  as $$
declare
  word text := pg_catalog.right(workspace_id, 8) || mark;
  words text := nullif(pg_catalog.btrim(public.crm_split(public.crm_fold(search), ' ')), '');
begin
  return ('''' || word
    || pg_catalog.replace(pg_catalog.regexp_replace(words, '^((?:[^ ]+ ){15}[^ ]+) .*$', '\1'), ' ', ''' & ''' || word)
    || '''' || ending)::pg_catalog.tsquery;
end $$;

drop function if exists crm_marked;
