-- How common a word is decides how it is best looked for, and PostgreSQL knows it from a sample: twice the usual one, so that what one record
-- in two hundred has is seen at all.
alter table companies alter column search set statistics 200;
alter table contacts alter column search set statistics 200;
alter table deals alter column search set statistics 200;
alter table activities alter column search set statistics 200;
alter table tasks alter column search set statistics 200;
analyze companies, contacts, deals, activities, tasks;
