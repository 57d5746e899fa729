-- A search finds words. The index of groups of three letters reads for each group of a word where in the table it occurs: tens of milliseconds
-- with a million records, however few have the word. So the words of what is searched have an index of their own, in which a word, or how
-- one begins, leads to its records at once; the groups remain for what stands inside words, for `like:` and for near misses. It takes the
-- place of the index of title words (0007): lexemes of the title are in it too, under a mark of their own.
--
-- Each lexeme is written with the end of its workspace's id, to keep apart what workspaces hold; whose a record is, is still asked of the record.
-- With workspace_id as a column of the index, as in the index of letters, each search would read where all of a workspace's records are.
--
-- Writes wait while these are made, a minute or two with a million contacts and three million activities. To spare them that, make the functions
-- and then the indexes beforehand with `create index concurrently`, under these names.

-- The words of a folded text, with `glue` between them. What parts words is written by its characters, for the classes of regular expressions go
-- by a locale: all of ASCII and Latin-1 that is neither letter nor digit, and the punctuation of Unicode and CJK. A word keeps 100 characters, a
-- text 100,000: a lexeme may have 2 kB and a tsvector 1 MB, which no shorter text reaches.
create or replace function crm_split(value text, glue text) returns text
  language sql immutable strict parallel safe
  return pg_catalog.regexp_replace(
    case when pg_catalog.octet_length(value) > 2000
      then pg_catalog.regexp_replace(pg_catalog.left(value, 100000), E'([^\x01-/:-@[-`{-\u00bf\u2000-\u206f\u3000-\u303f]{100})[^\x01-/:-@[-`{-\u00bf\u2000-\u206f\u3000-\u303f]+', E'\\1', 'g')
      else value end,
    E'[\x01-/:-@[-`{-\u00bf\u2000-\u206f\u3000-\u303f]+', glue, 'g');

-- The words of a text as lexemes of a workspace, under a mark.
create or replace function crm_marked(workspace_id text, mark text, value text) returns text[]
  language sql immutable strict parallel safe
  return pg_catalog.array_remove(
    pg_catalog.string_to_array(
      pg_catalog.right(workspace_id, 8) || mark || crm_split(value, E'\n' || pg_catalog.right(workspace_id, 8) || mark), E'\n'),
    pg_catalog.right(workspace_id, 8) || mark);

-- What a record can be found by: its words, marked with a space, and those of its title, which is the first line, marked with `=`.
create or replace function crm_lexemes(workspace_id text, search text) returns tsvector
  language sql immutable strict parallel safe
  return pg_catalog.array_to_tsvector(
    crm_marked(workspace_id, ' ', search) || crm_marked(workspace_id, '=', pg_catalog.split_part(search, E'\n', 1)));

-- What finds records by all words of a search, up to 16 of them: the last with `ending`, which is '' for a whole word and ':*' for how one
-- begins. Null when there is no word. Declared parallel unsafe, which it is not: not knowing how few have a lexeme, PostgreSQL
-- would start workers, and that takes longer than all the rest.
create or replace function crm_lexeme_query(workspace_id text, mark text, search text, ending text) returns tsquery
  language sql immutable strict parallel unsafe
  return ('''' || pg_catalog.right(workspace_id, 8) || mark
    || pg_catalog.replace(
      pg_catalog.regexp_replace(nullif(pg_catalog.btrim(crm_split(crm_fold(search), ' ')), ''), '^((?:[^ ]+ ){15}[^ ]+) .*$', '\1'),
      ' ', ''' & ''' || pg_catalog.right(workspace_id, 8) || mark)
    || '''' || ending)::pg_catalog.tsquery;

drop index if exists companies_words_idx, contacts_words_idx, deals_words_idx, tasks_words_idx;
drop function if exists crm_title_words;

create index if not exists companies_lexemes_idx on companies using gin (crm_lexemes(workspace_id, search)) where deleted_at is null;
create index if not exists contacts_lexemes_idx on contacts using gin (crm_lexemes(workspace_id, search)) where deleted_at is null;
create index if not exists deals_lexemes_idx on deals using gin (crm_lexemes(workspace_id, search)) where deleted_at is null;
create index if not exists tasks_lexemes_idx on tasks using gin (crm_lexemes(workspace_id, search)) where deleted_at is null;
-- An activity has no title: its first line is only that.
create index if not exists activities_lexemes_idx on activities using gin (crm_lexemes(workspace_id, E'\n' || search)) where deleted_at is null;

-- Nothing is planned by how common a lexeme is (db/search.ts finds out), so nobody needs to gather it.
alter index companies_lexemes_idx alter column 1 set statistics 0;
alter index contacts_lexemes_idx alter column 1 set statistics 0;
alter index deals_lexemes_idx alter column 1 set statistics 0;
alter index tasks_lexemes_idx alter column 1 set statistics 0;
alter index activities_lexemes_idx alter column 1 set statistics 0;
